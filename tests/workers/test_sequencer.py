"""The sequencer gives every finished event one position, in order, whatever happens to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from infra import chain, database, sequence
from infra.settings import Settings
from tests.conftest import World
from workers import sequencer


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    stopping = asyncio.Event()
    task = asyncio.create_task(sequencer.run(settings, stopping))
    try:
        yield task
    finally:
        stopping.set()
        await task


async def caught_up(conn: AsyncConnection[Any]) -> int:
    """Waits until no event is without a position; returns the last one."""
    for _ in range(1_000):
        found = await sequence.lag(conn)
        if not found.events:
            return found.seq
        await asyncio.sleep(0.02)
    raise TimeoutError(found)


async def check(conn: AsyncConnection[Any]) -> int:
    """Positions 1..N without a hole, each event once, root versions and recorded times in order, the chain recomputed."""
    cursor = await conn.execute(
        f"SELECT l.seq, l.event_hash, l.chain_hash, {chain.HEADER}, e.state, e.metadata, e.root_id, e.root_version, e.recorded_at"
        " FROM ledger l LEFT JOIN events e USING (originator_id, originator_version) ORDER BY l.seq"
    )
    rows = await cursor.fetchall()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    before, versions = chain.GENESIS, {}
    for _, event_hash, chain_hash, header, state, metadata, root, version, _ in rows:
        assert event_hash == chain.event_hash(header, state, metadata)
        before = chain.chained(before, event_hash)
        assert chain_hash == before
        assert version == versions.get(root, 0) + 1
        versions[root] = version
    times = [row[8] for row in rows]
    assert times == sorted(times)
    total = await (await conn.execute("SELECT count(*) FROM events")).fetchone()
    assert total == (len(rows),)
    return len(rows)


async def make_system(world: World, n: int) -> None:
    answer = await world.engineer("POST", "/systems", {"system_name": f"System {n}"})
    assert answer.status_code == 201


async def test_events_get_positions_soon_after_their_commit(world: World) -> None:
    async with running(world.settings), await database.dedicated(world.settings) as conn:
        await caught_up(conn)
        for n in range(20):
            await make_system(world, n)
        before = await caught_up(conn)
        assert before == await check(conn)
        await make_system(world, 21)
        await asyncio.sleep(0.5)  # far less than the net of a second: the notification woke it
        assert (await sequence.head(conn)).seq == before + 1


async def test_of_two_sequencers_one_waits_and_takes_over(world: World) -> None:
    stopping = asyncio.Event()
    async with await database.dedicated(world.settings) as first:
        assert await sequencer.take_lead(first, world.settings, stopping)
        second = asyncio.create_task(sequencer.run(world.settings, stopping))
        await make_system(world, 1)
        await asyncio.sleep(0.3)
        assert (await sequence.head(first)).seq == 0
    async with await database.dedicated(world.settings) as conn:
        assert await caught_up(conn) == await check(conn) > 0
    stopping.set()
    await second


async def test_killed_twenty_times_under_load_it_skips_and_repeats_nothing(world: World) -> None:
    writing = asyncio.Event()

    async def write() -> None:
        n = 0
        while not writing.is_set():
            n += 1
            await make_system(world, n)

    writers = [asyncio.create_task(write()) for _ in range(4)]
    async with running(world.settings):
        with psycopg.connect(world.settings.owner_url or "", autocommit=True) as killer:
            killed = 0
            while killed < 20:
                await asyncio.sleep(0.06)
                sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"
                sql += " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objid = %s AND classid = %s"
                killed += (killer.execute(sql, _lock_ids(killer, world.settings)).fetchone() or (0,))[0]
        writing.set()
        await asyncio.gather(*writers)
        async with await database.dedicated(world.settings) as conn:
            assert await caught_up(conn) == await check(conn) > 100


def _lock_ids(conn: psycopg.Connection[Any], settings: Settings) -> tuple[int, int]:
    name = f"{settings.schema} sequencer"
    row = conn.execute("SELECT hashtextextended(%s, 0) & 4294967295, (hashtextextended(%s, 0) >> 32) & 4294967295", (name, name)).fetchone()
    return row or (0, 0)


async def test_what_is_still_open_holds_back_only_what_came_after_it(world: World) -> None:
    await make_system(world, 1)
    async with await database.dedicated(world.settings) as conn, await database.dedicated(world.settings) as slow:
        async with slow.transaction():
            await slow.execute("UPDATE counters SET value = value WHERE name = 'test_run'")
            await make_system(world, 2)
            head, floor, _ = await sequence.extend(conn, await sequence.head(conn), "0")
            total = await (await conn.execute("SELECT count(*) FROM events")).fetchone()
            assert (head.seq,) == ((total or (0,))[0] - 1,)
        await sequence.extend(conn, head, floor)
        assert await check(conn) == head.seq + 1


async def test_an_event_of_a_transaction_that_stayed_open_is_not_left_behind(world: World) -> None:
    async with await database.dedicated(world.settings) as conn, await database.dedicated(world.settings) as slow:
        head, floor, _ = await sequence.extend(conn, await sequence.head(conn), "0")
        async with slow.transaction():
            await slow.execute(
                "WITH head AS (INSERT INTO roots (root_id, kind, status, version, at) VALUES (gen_random_uuid(), 'system', 'open', 1, now())"
                " RETURNING root_id, at) INSERT INTO events (originator_id, originator_version, root_id, root_version, kind, topic,"
                " schema_number, state, metadata, recorded_at) SELECT root_id, 1, root_id, 1, 'system', 'system.created', 1, '{}', '{}', at"
                " FROM head"
            )
            await make_system(world, 1)
            head, floor, _ = await sequence.extend(conn, head, floor)
            await make_system(world, 2)
            head, floor, _ = await sequence.extend(conn, head, floor)
        head, floor, _ = await sequence.extend(conn, head, floor)
        assert await check(conn) == head.seq


async def test_after_a_restore_into_a_new_cluster_the_sequence_goes_on(world: World) -> None:
    await make_system(world, 1)
    with psycopg.connect(world.settings.owner_url or "", autocommit=True) as owner:
        owner.execute(f"UPDATE {world.settings.schema}.events SET xid = '900000000'::xid8")  # the old cluster had counted further
    async with running(world.settings), await database.dedicated(world.settings) as conn:
        await caught_up(conn)
        await make_system(world, 2)
        await caught_up(conn)
        assert await check(conn) > 1


async def test_a_leader_that_hangs_is_replaced_and_one_that_works_is_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "SILENCE_S", 1.5)
    async with running(world.settings) as working, await database.dedicated(world.settings) as conn:
        await make_system(world, 1)
        await caught_up(conn)
        waiting = asyncio.create_task(sequencer.take_lead(conn, world.settings, asyncio.Event()))
        await asyncio.sleep(2.5)
        assert not waiting.done()
        assert not working.done()
        waiting.cancel()
    async with await database.dedicated(world.settings) as hung:
        assert await database.try_lock(hung, f"{world.settings.schema} sequencer")
        async with running(world.settings), await database.dedicated(world.settings) as conn:
            await make_system(world, 2)
            await caught_up(conn)
