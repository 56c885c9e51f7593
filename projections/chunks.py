"""The first pass of a rebuild: the log in chunks of whole roots, folded and copied by any number of processes."""

import asyncio
import gc
import os
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier

from infra import database, fault_points, replay
from infra.settings import Settings
from projections import shadow
from projections.fold import Fold

CHUNK_EVENTS = 20_000

_PLAN = """INSERT INTO {chunks} (first, last, events)
  SELECT min(root_id::text)::uuid, max(root_id::text)::uuid, sum(version) FROM (
    SELECT root_id, version, (sum(version) OVER (ORDER BY root_id) - 1) / %s AS place FROM roots) r GROUP BY place ORDER BY place"""

_CLAIM = "SELECT n, first, last FROM {chunks} WHERE NOT done ORDER BY n LIMIT 1 FOR UPDATE SKIP LOCKED"


async def plan(conn: AsyncConnection[Any], schema: str) -> None:
    """Divides the roots that there are into chunks of about CHUNK_EVENTS events. Later roots are caught up with."""
    sql = "CREATE TABLE {chunks} (n serial PRIMARY KEY, first uuid, last uuid, events bigint, done boolean NOT NULL DEFAULT false)"
    await conn.execute(_of(schema, sql))
    await conn.execute(_of(schema, _PLAN), (CHUNK_EVENTS,))


async def progress(conn: AsyncConnection[Any], schema: str) -> tuple[int, int]:
    """Events done, and events in all."""
    sql = "SELECT coalesce(sum(events) FILTER (WHERE done), 0)::bigint, coalesce(sum(events), 0)::bigint FROM {chunks}"
    row = await (await conn.execute(_of(schema, sql))).fetchone()
    return row if row is not None else (0, 0)


async def left(conn: AsyncConnection[Any], schema: str) -> int:
    """How many chunks are still to be built."""
    row = await (await conn.execute(_of(schema, "SELECT count(*) FROM {chunks} WHERE NOT done"))).fetchone()
    return int((row or (0,))[0])


def work(settings: Settings, schema: str, parent: int) -> None:
    """The body of a worker process: builds chunks until none is left, or until its parent has died."""
    gc.disable()  # rows and states form no cycles; looking for them cost a fifth of the fold
    asyncio.run(build(settings, schema, parent))


async def build(settings: Settings, schema: str, parent: int) -> None:
    """Builds chunks until none is left, or until the process `parent` is no longer ours."""
    async with await database.owner(settings) as conn:
        await conn.execute("SET synchronous_commit = off")  # a lost chunk is built again
        while os.getppid() == parent and await _build_one(conn, schema):
            pass


async def _build_one(conn: AsyncConnection[Any], schema: str) -> bool:
    """One chunk: its rows and its mark are committed together, so a kill at any moment leaves it undone or done."""
    async with conn.transaction():
        row = await (await conn.execute(_of(schema, _CLAIM))).fetchone()
        if row is None:
            return False
        fold = await folded(conn, row[1], row[2])
        await shadow.load(conn, schema, fold)
        await fault_points.reach("rebuild.loaded")
        await conn.execute(_of(schema, "UPDATE {chunks} SET done = true WHERE n = %s"), (row[0],))
    return True


async def folded(conn: AsyncConnection[Any], first: UUID, last: UUID) -> Fold:
    fold = Fold()
    async for events in replay.of_roots(conn, first, last):
        fold.apply(events)
    return fold


def _of(schema: str, sql: str) -> Composed:
    return SQL(sql).format(chunks=Identifier(schema, "chunks"))
