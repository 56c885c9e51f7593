"""Followers see every event once and in order; a poison event costs its own root only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from infra import database, followers, placeholders
from infra.database import Connection
from infra.followers import Followed
from infra.settings import Settings
from tests.conftest import World
from tests.workers.test_sequencer import caught_up, make_system, running
from workers import following
from workers.following import Follower


class Counter:
    """An effect in the database: one row an event. Raises for roots in `poison`."""

    def __init__(self, settings: Settings) -> None:
        self.poison: set[UUID] = set()
        self.calls = 0
        with psycopg.connect(settings.owner_url or "", autocommit=True) as owner:
            owner.execute(f"CREATE TABLE {settings.schema}.effects (n serial, seq bigint PRIMARY KEY, root_id uuid)")
            owner.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {settings.schema} TO PUBLIC")
            owner.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {settings.schema} TO PUBLIC")

    async def take(self, conn: Connection, events: list[Followed]) -> None:
        self.calls += 1
        for event in events:
            await conn.execute("INSERT INTO effects (seq, root_id) VALUES (%s, %s)", (event.seq, event.root_id))
            if event.root_id in self.poison:
                raise ValueError(f"cannot take {event.topic}")


@asynccontextmanager
async def following_it(settings: Settings, counter: Counter, times: int = 1) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    follower = Follower("counter", counter.take)
    tasks = [asyncio.create_task(following.run(settings, follower, stopping)) for _ in range(times)]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


async def reached(conn: Connection, seq: int) -> followers.Standing:
    for _ in range(500):
        standing = next((s for s in await followers.standings(conn) if s.name == "counter"), None)
        if standing is not None and standing.seq >= seq:
            return standing
        await asyncio.sleep(0.02)
    raise TimeoutError(standing)


async def effects(conn: Connection) -> list[int]:
    return [row[0] for row in await (await conn.execute("SELECT seq FROM effects ORDER BY n")).fetchall()]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BACK_OFF_S", 0.005)


async def test_every_event_is_taken_once_and_in_order_however_often_it_is_cut_off(world: World) -> None:
    counter = Counter(world.settings)
    async with running(world.settings), following_it(world.settings, counter, times=2), await database.dedicated(world.settings) as conn:
        with psycopg.connect(world.settings.owner_url or "", autocommit=True) as killer:
            for n in range(60):
                await make_system(world, n)
                if n % 6 == 0:
                    killer.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%%followers%%' AND pid <> pg_backend_pid()"
                        " AND datname = current_database() AND pid <> %s",
                        (conn.info.backend_pid,),
                    )
        last = await caught_up(conn)
        await reached(conn, last)
        assert await effects(conn) == list(range(1, last + 1))


async def test_a_poison_event_parks_its_root_and_the_others_go_on(world: World) -> None:
    counter = Counter(world.settings)
    made = (await world.engineer("POST", "/systems", {"system_name": "poison"})).json()["system_id"]
    counter.poison.add(UUID(made))
    async with running(world.settings), await database.dedicated(world.settings) as conn:
        async with following_it(world.settings, counter):
            await world.engineer("PUT", f"/systems/{made}", {"system_name": "poison again"})
            await make_system(world, 2)
            last = await caught_up(conn)
            standing = await reached(conn, last)
            assert (standing.parked, standing.lag_events) == (1, 0)
            found = (await followers.parked(conn, "counter"))[UUID(made)]
            assert (found.attempts, found.error) == (5, "ValueError: cannot take system.created")
            assert sorted(await effects(conn)) == [n for n in range(1, last + 1) if n not in await positions(conn, made)]
            assert await followers.ask(conn, "counter", UUID(made), "retry", "try again")
            await make_system(world, 3)
            await reached(conn, await caught_up(conn))
            assert (await followers.parked(conn, "counter"))[UUID(made)].attempts == 6
            counter.poison.clear()
            assert await followers.ask(conn, "counter", UUID(made), "retry", "mended")
            await make_system(world, 4)
            last = await caught_up(conn)
            await reached(conn, last)
        assert await followers.parked(conn, "counter") == {}
        assert sorted(await effects(conn)) == list(range(1, last + 1))
        mine = await positions(conn, made)
        assert [n for n in await effects(conn) if n in mine] == mine


async def test_a_skipped_event_is_left_out_and_the_rest_of_its_root_taken(world: World) -> None:
    counter = Counter(world.settings)
    made = (await world.engineer("POST", "/systems", {"system_name": "poison"})).json()["system_id"]
    counter.poison.add(UUID(made))
    async with running(world.settings), await database.dedicated(world.settings) as conn, following_it(world.settings, counter):
        await reached(conn, await caught_up(conn))
        await world.engineer("PUT", f"/systems/{made}", {"system_name": "better"})
        await reached(conn, await caught_up(conn))
        counter.poison.clear()
        assert await followers.ask(conn, "counter", UUID(made), "skip", "known bad")
        await make_system(world, 1)
        await reached(conn, await caught_up(conn))
        first, second = await positions(conn, made)
        assert first not in await effects(conn)
        assert second in await effects(conn)
        assert not await followers.ask(conn, "counter", UUID(made), "retry", "not parked any more")


async def test_what_a_parked_root_did_since_is_taken_with_its_retry(world: World) -> None:
    counter = Counter(world.settings)
    made = (await world.engineer("POST", "/systems", {"system_name": "poison"})).json()["system_id"]
    counter.poison.add(UUID(made))
    async with running(world.settings), await database.dedicated(world.settings) as conn:
        async with following_it(world.settings, counter):
            await reached(conn, await caught_up(conn))
        counter.poison.clear()
        assert await followers.ask(conn, "counter", UUID(made), "retry", "mended")
        await world.engineer("PUT", f"/systems/{made}", {"system_name": "newer than the retry"})
        last = await caught_up(conn)
        async with following_it(world.settings, counter):
            await reached(conn, last)
        assert sorted(await effects(conn)) == list(range(1, last + 1))


async def positions(conn: Connection, root: str) -> list[int]:
    sql = "SELECT seq FROM ledger JOIN events USING (originator_id, originator_version) WHERE root_id = %s ORDER BY seq"
    return [row[0] for row in await (await conn.execute(sql, (root,))).fetchall()]


def nodes(plan: dict[str, Any]) -> set[str]:
    return {plan["Node Type"]}.union(*(nodes(part) for part in plan.get("Plans", [])))


@pytest.mark.parametrize("without", ["seqscan", "nestloop"])
async def test_a_batch_costs_its_own_events_only_by_whatever_plan(world: World, without: str) -> None:
    text, _ = placeholders.positional(followers._NEXT)
    async with await database.dedicated(world.settings) as conn:
        await conn.execute(following.PLANNED_ONCE)
        await conn.execute(f"SET enable_{without} = off")
        row = await (await conn.execute(b"EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + text)).fetchone()
        assert row is not None
        found = nodes(row[0][0]["Plan"])
    assert "Nested Loop" in found
    assert not found & {"Seq Scan", "Hash Join", "Merge Join"}
