"""The checkpointer: signs the head of the chain from time to time and brings the copies to where they belong."""

import asyncio
import logging
import time

from infra.audit import checkpoints, journal, keys, store
from infra.database import LOST, Connection, dedicated
from infra.settings import Settings
from workers.sequencer import RETRY_S
from workers.waiting import pause

LOOK_S = 1.0
AGAIN_S = 60.0  # after a refusal, or while S3 is away
REFUSALS = (checkpoints.Broken, keys.NoKey, journal.Unreadable, OSError)
logger = logging.getLogger("runledger.checkpoints")


async def run(settings: Settings, stopping: asyncio.Event) -> None:
    """Goes on until `stopping`; any number may run, since each checkpoint is made under a lock."""
    copies = Copies(settings)
    while not stopping.is_set():
        try:
            async with await dedicated(settings) as conn:
                await asyncio.to_thread(checkpoints.prepare, settings)
                await _keep(conn, settings, copies, stopping)
        except LOST as error:
            logger.warning("the checkpointer lost the database (%s); trying again", type(error).__name__)
            await pause(stopping, RETRY_S)
        except REFUSALS as refusal:
            logger.error("no checkpoint is made: %s", refusal)  # noqa: TRY400 - the sentence says all
            await pause(stopping, AGAIN_S)


async def _keep(conn: Connection, settings: Settings, copies: "Copies", stopping: asyncio.Event) -> None:
    await copies.complete()
    while not stopping.is_set():
        if await checkpoints.due(conn, settings):
            await asyncio.to_thread(checkpoints.make, settings)
            await copies.complete()
        elif copies.are_late:
            await copies.complete()
        await pause(stopping, LOOK_S)


class Copies:
    """What S3 holds of the keys and checkpoints, as far as this process knows."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._there: set[str] | None = None
        self._failed_at: float | None = None

    @property
    def are_late(self) -> bool:
        """Whether S3 was away and it is time to try again."""
        return self._failed_at is not None and time.monotonic() - self._failed_at >= AGAIN_S

    async def complete(self) -> None:
        """Uploads what is missing; S3 being away only delays it."""
        if not store.is_configured(self._settings):
            return
        statements = await asyncio.to_thread(store.statements_of, self._settings)
        try:
            async with store.opened(self._settings) as there:
                if self._there is None:
                    self._there = set(await there.tags())
                await there.put_missing(statements, self._there)
            self._failed_at = None
        except store.AWAY as error:
            logger.warning("checkpoints wait for S3: %s", error)
            self._failed_at = time.monotonic()
