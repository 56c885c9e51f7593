"""The digester: reads every registered file once, from end to end, and records its SHA-256."""

import asyncio
import logging
from uuid import UUID

from commands import data_files
from commands.asking import HOST, Ask
from commands.door import Door
from commands.work import Query, Target, Work
from domain import s3_urls
from domain.facts import Kind
from domain.refusals import FileNotUsable, NotFound, Refusal
from domain.tokens import Role
from infra import database, fault_points, unread_files
from infra.database import AWAY, Connection
from infra.objects import Changed, Objects, Seen
from infra.settings import Settings
from projections import pinned_objects
from projections.pinned_objects import PinnedObject
from workers.sequencer import RETRY_S
from workers.waiting import pause

LOOK_S = 1.0
READ_AT_ONCE_MAX = 4
LOOKED_AT_MAX = 64  # other workers may read the first of them
BACK_OFF_S_MAX = 60.0  # doubles with each try while S3 is away
FAULTY_S = 86_400.0  # an object that is gone or was replaced may be put back
logger = logging.getLogger("runledger.digester")


async def run(settings: Settings, door: Door, stopping: asyncio.Event) -> None:
    """Until `stopping`. Any number may run: a lock that ends with its session keeps each file for one of them."""
    async with Objects(settings) as objects:
        while not stopping.is_set():
            try:
                async with await database.dedicated(settings) as conn:
                    await Digester(settings, door, objects, conn).go_on(stopping)
            except AWAY as error:
                logger.warning("the digester lost the database (%s); trying again", type(error).__name__)
                await pause(stopping, RETRY_S)


class Digester:
    """What it is at, on one connection that holds a lock on each file."""

    def __init__(self, settings: Settings, door: Door, objects: Objects, conn: Connection) -> None:
        self.settings, self.door, self.objects, self.conn = settings, door, objects, conn
        self.reading: dict[UUID, asyncio.Task[None]] = {}

    async def go_on(self, stopping: asyncio.Event) -> None:
        """What is being read at the end is read again by whoever comes next."""
        try:
            while not stopping.is_set():
                await self._begin()
                if self.reading:
                    await asyncio.wait(self.reading.values(), timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                else:
                    await pause(stopping, LOOK_S)
                await self._end()
        finally:
            for task in self.reading.values():
                task.cancel()
            await asyncio.gather(*self.reading.values(), return_exceptions=True)

    async def _begin(self) -> None:
        if len(self.reading) == READ_AT_ONCE_MAX:
            return
        for file in await pinned_objects.due(self.conn, LOOKED_AT_MAX):
            if file.file_id not in self.reading and await database.try_lock(self.conn, f"digest {file.file_id}"):
                self.reading[file.file_id] = asyncio.create_task(self._read(file))
                if len(self.reading) == READ_AT_ONCE_MAX:
                    return

    async def _end(self) -> None:
        for file_id in [file_id for file_id, task in self.reading.items() if task.done()]:
            self.reading.pop(file_id).result()
            await database.unlock(self.conn, f"digest {file_id}")

    async def _read(self, file: PinnedObject) -> None:
        """Whatever becomes of one file, the others go on."""
        try:
            await self._verify(file)
        except AWAY:
            raise
        except (Changed, FileNotUsable) as fault:
            logger.error("data file %s cannot be verified: %s", file.file_id, fault)  # noqa: TRY400 - the sentence says all
            await unread_files.put_off(self.conn, file.file_id, FAULTY_S, str(fault))
        except Exception as error:
            wait_s = min(LOOK_S * 2**file.tries, BACK_OFF_S_MAX)
            logger.warning("data file %s waits %.0f s: %s", file.file_id, wait_s, error, exc_info=not isinstance(error, Refusal))
            await unread_files.put_off(self.conn, file.file_id, wait_s)

    async def _verify(self, file: PinnedObject) -> None:
        address = s3_urls.parse(file.s3_url, self.settings.s3_buckets)
        sha256 = await self.objects.digest(address, Seen(file.size, file.etag, file.version_id))
        await fault_points.reach("file.read")

        async def decide(work: Work) -> Query:
            await data_files.verify(work, file.file_id, sha256)
            return Query(204)

        target = Target(Kind.RUN, file.run_id, below=((Kind.FILE, file.file_id),))
        try:
            await self.door.perform(Ask(actor=HOST, surface="worker"), target, Role.ADMIN, decide)
        except NotFound:
            logger.info("data file %s was deleted while it was read", file.file_id)
            return
        if file.tries:
            await unread_files.forget(self.conn, file.file_id)
