"""Rebuilding the views beside the live ones while traffic flows, and putting them in their place."""

import asyncio
import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal

from domain.refusals import StateConflict
from infra import database, fault_points
from infra.settings import Settings
from infra.tail import Position
from projections import chunks, comparison, rebuild_log, shadow, view_sets, views
from projections.catching_up import CatchUp
from projections.comparison import Difference

SWAP_ATTEMPTS_MAX = 100
SWAP_LOCK_MS = 50  # appends wait behind a swap that waits, so it gives up early and comes again
POLL_S = 0.1
SMALL_ROUND_EVENTS = 200

Say = Callable[[str, int, int], None]


class Rebuilt(NamedTuple):
    """What a rebuild did. `pause_ms` is how long appends had to wait for the swap; None where none was made."""

    events: int
    seconds: float
    resumed: bool
    differences: list[Difference]
    pause_ms: float | None


class InProgress(StateConflict):
    """Another rebuild of this ledger runs."""


class Incomplete(StateConflict):
    """A worker process ended before the views were whole."""


async def run(settings: Settings, processes: int, say: Say, *, dry_run: bool = False) -> Rebuilt:
    """Builds, compares and swaps. `say(phase, done, total)` is told how far it is. Raises `InProgress`.

    What a killed rebuild of the same definitions has built is taken over.
    """
    async with await database.owner(settings) as conn:
        await _take_lock(conn, settings)
        rebuild_id = await rebuild_log.begin(conn)
        try:
            done = await _run(conn, settings, processes, say, rebuild_id, dry_run=dry_run)
        except Exception as error:
            with contextlib.suppress(psycopg.Error):
                await rebuild_log.end(conn, rebuild_id, "failed", error=f"{type(error).__name__}: {error}")
            raise
        await rebuild_log.end(conn, rebuild_id, "dry run" if dry_run else "done", done.differences)
        return done


async def _run(conn: AsyncConnection[Any], settings: Settings, processes: int, say: Say, rebuild_id: UUID, *, dry_run: bool) -> Rebuilt:
    began, schema = time.monotonic(), view_sets.new(settings)
    resumed, start = await _begin(conn, schema)
    await fault_points.reach("rebuild.planned")
    await _first_pass(conn, settings, schema, processes, say, rebuild_id)
    await fault_points.reach("rebuild.built")
    events = (await chunks.progress(conn, schema))[1]
    await _index(settings, schema, say)
    await fault_points.reach("rebuild.indexed")
    catch_up = CatchUp(schema, start)
    await _until_small(conn, catch_up, say)
    found = await _compare(conn, settings, schema, say)
    seconds = time.monotonic() - began
    if dry_run:
        await view_sets.drop(conn, schema)
        return Rebuilt(events, seconds, resumed, found, None)
    await _until_small(conn, catch_up, say)
    return Rebuilt(events, seconds, resumed, found, await swap(conn, settings, catch_up))


async def roll_back(settings: Settings, say: Say) -> float:
    """Brings the set before up to date with this release's projectors and puts it back; returns the pause in ms."""
    async with await database.owner(settings) as conn:
        await _take_lock(conn, settings)
        kept = view_sets.old(settings)
        if not await view_sets.exists(conn, kept):
            raise StateConflict("There is no earlier set of views to go back to.")
        if await view_sets.fingerprint(conn, kept) != views.fingerprint():
            raise StateConflict("The earlier views are of another release: install that release, then roll back with it.")
        await view_sets.drop(conn, view_sets.new(settings))
        await conn.execute(SQL("ALTER SCHEMA {} RENAME TO {}").format(Identifier(kept), Identifier(view_sets.new(settings))))
        await shadow.provide_built(conn, view_sets.new(settings))
        catch_up = CatchUp(view_sets.new(settings), await _start_of(conn, view_sets.new(settings)))
        await _until_small(conn, catch_up, say)
        return await swap(conn, settings, catch_up)


async def _take_lock(conn: AsyncConnection[Any], settings: Settings) -> None:
    if not await rebuild_log.take_lock(conn, settings.schema):
        raise InProgress("A rebuild of this ledger is running already.")


async def _begin(conn: AsyncConnection[Any], schema: str) -> tuple[bool, Position]:
    """The shadow of a killed rebuild, or a new one. Its start is noted before the chunks are planned."""
    if await view_sets.exists(conn, schema):
        if await view_sets.fingerprint(conn, schema) == views.fingerprint():
            return True, await _start_of(conn, schema)
        await view_sets.drop(conn, schema)
    async with conn.transaction():
        await shadow.make_bare(conn, schema)
        await _note_start(conn, schema, views.fingerprint())
        await chunks.plan(conn, schema)
    return False, await _start_of(conn, schema)


async def _note_start(conn: AsyncConnection[Any], schema: str, fingerprint: str | None) -> None:
    """Every transaction below this id has ended, so what it appended is seen by every later read."""
    columns = SQL("pg_snapshot_xmin(pg_current_snapshot()) AS xid, {}::text AS fingerprint").format(Literal(fingerprint))
    await conn.execute(SQL("CREATE TABLE {} AS SELECT {}").format(Identifier(schema, "start"), columns))


async def _start_of(conn: AsyncConnection[Any], schema: str) -> Position:
    row = await (await conn.execute(SQL("SELECT xid::text::bigint FROM {}").format(Identifier(schema, "start")))).fetchone()
    return Position((row or (0,))[0], 0)


async def _first_pass(conn: AsyncConnection[Any], settings: Settings, schema: str, processes: int, say: Say, rebuild_id: UUID) -> None:
    """One process works here, several work beside us; no more than there are chunks."""
    processes = min(processes, await chunks.left(conn, schema))
    workers = [] if processes <= 1 else _start_workers(settings, schema, processes)
    here = asyncio.create_task(chunks.build(settings, schema, os.getppid())) if processes <= 1 else None
    try:
        while (here is not None and not here.done()) or any(worker.is_alive() for worker in workers):
            done, total = await chunks.progress(conn, schema)
            say("building", done, total)
            await rebuild_log.progress(conn, rebuild_id, done, total)
            await asyncio.sleep(POLL_S)
    finally:
        for worker in workers:
            worker.terminate()
    if here is not None:
        await here
    done, total = await chunks.progress(conn, schema)
    say("building", done, total)
    await rebuild_log.progress(conn, rebuild_id, done, total)
    if done != total:
        raise Incomplete("A worker process of the rebuild failed; what it has built so far is kept. Run it again.")


def _start_workers(settings: Settings, schema: str, processes: int) -> list[SpawnProcess]:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=chunks.work, args=(settings, schema, os.getpid()), daemon=True) for _ in range(processes)]
    for worker in workers:
        worker.start()
    return workers


async def _index(settings: Settings, schema: str, say: Say) -> None:
    """Keys and indexes, two tables at a time; those of a table that has them already are left."""
    places = asyncio.Semaphore(2)
    left = len(views.TABLES)
    say("indexing", 0, left)

    async def one(table: Any) -> None:
        nonlocal left
        async with places, await database.owner(settings) as conn:
            await conn.execute("SET maintenance_work_mem = '256MB'")
            await shadow.index(conn, schema, table)
        left -= 1
        say("indexing", len(views.TABLES) - left, len(views.TABLES))

    await asyncio.gather(*(one(table) for table in views.TABLES))


async def _until_small(conn: AsyncConnection[Any], catch_up: CatchUp, say: Say) -> None:
    done = 0
    while (events := await catch_up.round(conn)) > SMALL_ROUND_EVENTS:
        done += events
        say("catching up", done, done)


async def _compare(conn: AsyncConnection[Any], settings: Settings, schema: str, say: Say) -> list[Difference]:
    say("comparing", 0, 1)
    async with conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        found = await comparison.differences(conn, view_sets.live(settings), schema)
    say("comparing", 1, 1)
    return found


async def swap(conn: AsyncConnection[Any], settings: Settings, catch_up: CatchUp) -> float:
    """Puts the caught-up set in the place of the live one, in one short transaction; returns the pause in ms.

    Readers are not held up: what they have begun ends on the old tables, what they begin next finds the new ones.
    """
    reader = str(conninfo_to_dict(settings.database_url or "").get("user") or "public")
    await views.grant(conn, catch_up.schema, reader)
    for attempt in range(SWAP_ATTEMPTS_MAX):
        await catch_up.round(conn)
        await view_sets.drop(conn, view_sets.old(settings))
        began = time.monotonic()
        try:
            async with conn.transaction():
                await conn.execute(f"SET LOCAL lock_timeout = {SWAP_LOCK_MS}")
                await conn.execute("LOCK TABLE roots IN SHARE ROW EXCLUSIVE MODE")
                await catch_up.last_round(conn)
                await _exchange(conn, settings, catch_up.schema)
                await fault_points.reach("rebuild.exchanged")
        except psycopg.errors.LockNotAvailable:
            await asyncio.sleep(0.05 * (1 + attempt % 5))
            continue
        pause_ms = (time.monotonic() - began) * 1000
        await fault_points.reach("rebuild.swapped")
        return pause_ms
    raise StateConflict("The views are built, but appends left no gap to swap them in. Run it again.")


async def _exchange(conn: AsyncConnection[Any], settings: Settings, schema: str) -> None:
    live, old = view_sets.live(settings), view_sets.old(settings)
    for table in ("chunks", "built", "start"):
        await conn.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(schema, table)))
    row = await (await conn.execute("SELECT fingerprint FROM view_set")).fetchone()
    await _note_start(conn, live, row[0] if row else None)
    await conn.execute(SQL("ALTER SCHEMA {} RENAME TO {}").format(Identifier(live), Identifier(old)))
    await conn.execute(SQL("ALTER SCHEMA {} RENAME TO {}").format(Identifier(schema), Identifier(live)))
    await views.note_built(conn)
