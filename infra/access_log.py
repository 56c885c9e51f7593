"""The access log: a row for each denial and privileged read, written before the answer goes out."""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from domain.refusals import Unavailable
from infra.database import Connection, Pool
from infra.ids import uuid7

BATCH_ROWS_MAX = 500
WAITING_MAX = 2_000
PATIENCE_S = 5.0
STRANGERS_MAX = 5_000  # rows at once a process for requests without a good token, which no limit by token holds back
STRANGERS_PER_S = 50  # after that: 1.4 GB a day at 328 bytes a row, 4.6 with the longest paths and clients
UNAUTHENTICATED = 401


class Entry(NamedTuple):
    """What happened. Who asked is None where no token said it."""

    status: int
    reason: str
    method: str
    path: str
    actor_id: UUID | None
    token_id: UUID | None
    role: str | None
    request_id: str
    client: str


_INSERT = f"""INSERT INTO access_log (entry_id, {", ".join(Entry._fields)})
  SELECT * FROM unnest(%s::uuid[], %s::smallint[], %s::text[], %s::text[], %s::text[],
    %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[])"""


async def insert(conn: Connection, entries: Sequence[Entry]) -> None:
    await conn.execute(_INSERT, [[uuid7() for _ in entries], *map(list, zip(*entries, strict=True))], prepare=True)


class AccessLog:
    """One writer a process, which takes what waits in one statement: a flood of denials holds one connection, not the pool.

    Nor does it fill the disk, or take the rows of those who have a token: there is no answer of 401 without a row, and only so many rows.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._strangers, self._counted_at = float(STRANGERS_MAX), time.monotonic()

    async def record(self, entry: Entry) -> None:
        """Returns when the row is committed; Unavailable where it cannot be, or too many wait."""
        if len(self._waiting) >= WAITING_MAX or (entry.status == UNAUTHENTICATED and not self._takes_a_stranger()):
            raise Unavailable("Too many requests wait to be recorded. Try again.")
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await written
        except TimeoutError:
            raise Unavailable("The access log cannot be written right now. Try again.") from None

    def _takes_a_stranger(self) -> bool:
        now = time.monotonic()
        self._strangers = min(STRANGERS_MAX, self._strangers + (now - self._counted_at) * STRANGERS_PER_S)
        self._counted_at = now
        taken = self._strangers >= 1
        self._strangers -= taken
        return taken

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH_ROWS_MAX], self._waiting[BATCH_ROWS_MAX:]
            failure = await self._insert([entry for entry, _ in batch])
            for _, written in batch:
                if written.done():  # nobody waits any more
                    continue
                if failure is None:
                    written.set_result(None)
                else:
                    written.set_exception(failure)

    async def _insert(self, entries: Sequence[Entry]) -> Unavailable | None:
        try:
            async with self._pool.connection(timeout=PATIENCE_S) as conn:
                await insert(conn, entries)
        except (psycopg.Error, PoolTimeout):
            return Unavailable("The access log cannot be written right now. Try again.")
        return None
