"""A reader of the growing log misses nothing and gets nothing twice."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.facts import Kind
from infra import database, log, tail
from infra.ids import uuid7
from infra.settings import Settings
from projections import views
from tests.infra.writing import OPEN, PASSED, begin_root, connect, statement

WRITERS = 8
TRANSACTIONS = 40


@pytest.fixture
async def connections(settings: Settings) -> AsyncIterator[list[AsyncConnection[Any]]]:
    await database.migrate(settings, views.create)
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(await connect(settings)) for _ in range(WRITERS + 1)]


async def write_at_random(conn: AsyncConnection[Any], roots: list[UUID], chance: random.Random) -> list[tuple[UUID, int]]:
    """Transactions of one to three appends, some held open for a while, some rolled back; what was committed."""
    committed: list[tuple[UUID, int]] = []
    for _ in range(TRANSACTIONS):
        root, stream, rolled_back = chance.choice(roots), uuid7(), chance.random() < 0.2
        written = [(stream, version) for version in range(1, chance.randint(2, 4))]
        async with conn.transaction(force_rollback=rolled_back):
            for event in written:
                await log.append(conn, statement(root, OPEN, Kind.STEP, [(*event, PASSED)]))
            if chance.random() < 0.3:
                await asyncio.sleep(chance.random() * 0.01)
        committed += [] if rolled_back else written
    return committed


async def follow(conn: AsyncConnection[Any], finished: asyncio.Event) -> list[tail.StoredEvent]:
    """Reads in small pages until the writers have finished and nothing is left."""
    seen: list[tail.StoredEvent] = []
    position = tail.START
    while True:
        last_round = finished.is_set()
        page = await tail.read(conn, position, 7)
        seen += page
        position = page[-1].position if page else position
        if last_round and not page:
            return seen
        await asyncio.sleep(0 if page else 0.001)


@pytest.mark.parametrize("seed", [1, 2])
async def test_eight_writers_and_a_tail_that_misses_none_and_repeats_none(connections: list[AsyncConnection[Any]], seed: int) -> None:
    reader, *writers = connections
    roots = [await begin_root(reader) for _ in range(12)]
    finished = asyncio.Event()
    following = asyncio.create_task(follow(reader, finished))
    parts = await asyncio.gather(*(write_at_random(w, roots, random.Random(f"{seed}.{i}")) for i, w in enumerate(writers)))
    finished.set()
    seen = await following
    written = [(root, 1) for root in roots] + [event for part in parts for event in part]
    assert Counter((e.originator_id, e.originator_version) for e in seen) == Counter(written)
    assert_in_order(seen)
    ids = [e.notification_id for e in seen]
    assert ids != sorted(ids), "numbers and commits did not interleave: the test proves nothing"


def assert_in_order(seen: list[tail.StoredEvent]) -> None:
    """Events of each stream and of each root come as 1, 2, 3 …"""
    streams: Counter[UUID] = Counter()
    roots: Counter[UUID] = Counter()
    for event in seen:
        streams[event.originator_id] += 1
        roots[event.root_id] += 1
        assert event.originator_version == streams[event.originator_id]
        assert event.root_version == roots[event.root_id]


async def test_writers_that_queue_at_one_root_leave_in_the_order_of_its_versions(connections: list[AsyncConnection[Any]]) -> None:
    reader, holder, *writers = connections
    root = await begin_root(reader)
    for _ in range(20):
        async with holder.transaction():
            await log.append(holder, statement(root, OPEN, Kind.STEP, [(uuid7(), 1, PASSED)]))
            queue = [
                asyncio.create_task(log.append(w, statement(root, OPEN, Kind.STEP, [(uuid7(), 1, PASSED)])))
                for w in writers
                for _ in range(3)
            ]
            await asyncio.sleep(0.01)
        await asyncio.gather(*queue)
    seen = await tail.read(reader, tail.START, 1_000)
    assert len(seen) == 1 + 20 * (1 + 3 * len(writers))
    assert_in_order(seen)


async def test_what_began_after_an_open_transaction_waits_for_it(connections: list[AsyncConnection[Any]]) -> None:
    reader, slow, quick, *_ = connections
    first, second = await begin_root(reader), await begin_root(reader)
    start = (await tail.read(reader, tail.START, 10))[-1].position
    async with slow.transaction():
        await log.append(slow, statement(first, OPEN, Kind.STEP, [(uuid7(), 1, PASSED)]))
        await log.append(quick, statement(second, OPEN, Kind.STEP, [(uuid7(), 1, PASSED)]))
        assert await tail.read(reader, start, 10) == []
    assert [e.root_id for e in await tail.read(reader, start, 10)] == [first, second]


async def test_an_event_comes_with_its_exact_bytes(connections: list[AsyncConnection[Any]]) -> None:
    reader = connections[0]
    root = await begin_root(reader)
    (event,) = await tail.read(reader, tail.START, 10)
    assert (event.kind, event.topic, event.schema_number, event.root_version) == ("run", "test_run.created", 1, 1)
    expected = f'{{"type":"test_run.created","number":1,"title":"T","description":"","system_id":"{root}","asset_ids":[]}}'
    assert event.state == expected.encode()
    assert event.metadata.startswith(b'{"event_id":')
    assert event.recorded_at.utcoffset() is not None


async def test_reading_on_walks_the_index_and_sorts_nothing(connections: list[AsyncConnection[Any]]) -> None:
    conn = connections[0]
    for _ in range(30):
        await begin_root(conn)
    await conn.execute("SET enable_seqscan = off")
    params: dict[str, Any] = {"xid": "5", "id": 1, "limit": 10}
    raw = psycopg.AsyncClientCursor(conn).mogrify("EXPLAIN " + tail._READ, params)
    plan = "\n".join(row[0] for row in await (await conn.execute(raw)).fetchall())
    assert "Index Scan using events_in_order" in plan
    assert "ROW(xid, notification_id) >" in plan
    assert "Sort" not in plan
