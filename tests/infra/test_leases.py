"""A report is tried by one worker at a time, a few times, by the clock of the database."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from domain.reports import ATTEMPTS_MAX
from infra import database, leases
from infra.database import Connection
from infra.ids import uuid7
from infra.leases import Fenced, Lease
from infra.settings import Settings

LEASE_S, SHORT_S = 60.0, 0.01


@pytest.fixture
async def conn(settings: Settings) -> AsyncIterator[Connection]:
    async with await database.dedicated(settings) as conn:
        yield conn


@pytest.fixture
async def report(conn: Connection) -> UUID:
    report = uuid7()
    await leases.note(conn, report, uuid7())
    return report


async def taken(conn: Connection, report: UUID, lease_s: float = LEASE_S) -> Lease:
    lease = await leases.take(conn, report, lease_s)
    assert lease is not None
    return lease


async def test_of_twenty_workers_one_gets_the_lease(settings: Settings, report: UUID) -> None:
    async with database.pool(settings) as pool:

        async def attempt() -> Lease | None:
            async with pool.connection() as conn:
                return await leases.take(conn, report, LEASE_S)

        found = [lease for lease in await asyncio.gather(*(attempt() for _ in range(20))) if lease]
    assert [(lease.report_id, lease.attempt) for lease in found] == [(report, 1)]


async def test_whoever_was_overtaken_after_the_lease_ran_out_is_fenced_off(conn: Connection, report: UUID) -> None:
    slow = await taken(conn, report, SHORT_S)
    await asyncio.sleep(2 * SHORT_S)
    fast = await taken(conn, report)
    assert (fast.attempt, fast.fence > slow.fence) == (2, True)
    assert not await leases.renew(conn, slow, LEASE_S)
    with pytest.raises(Fenced):
        await leases.hold(conn, slow)
    await leases.put_off(conn, slow, 0, "too late")
    await leases.hand_back(conn, slow)
    await leases.hold(conn, fast)
    assert await leases.take(conn, report, LEASE_S) is None


async def test_a_lease_that_ran_out_and_nobody_took_goes_on(conn: Connection, report: UUID) -> None:
    lease = await taken(conn, report, SHORT_S)
    await asyncio.sleep(2 * SHORT_S)
    assert await leases.renew(conn, lease, LEASE_S)
    assert await leases.waiting(conn) == []


async def test_what_is_handed_back_waits_at_once_and_has_used_up_no_attempt(conn: Connection, report: UUID) -> None:
    await leases.hand_back(conn, await taken(conn, report))
    assert await leases.waiting(conn) == [report]
    assert (await taken(conn, report)).attempt == 1


async def test_an_attempt_that_failed_is_followed_by_another_after_a_while(conn: Connection, report: UUID) -> None:
    await leases.put_off(conn, await taken(conn, report), 0.2, "S3 is away")
    assert await leases.take(conn, report, LEASE_S) is None
    assert await leases.waiting(conn) == []
    await asyncio.sleep(0.25)
    assert await leases.waiting(conn) == [report]
    assert (await taken(conn, report)).attempt == 2


async def test_after_the_last_attempt_a_report_is_lost_and_says_why(conn: Connection, report: UUID) -> None:
    for _ in range(ATTEMPTS_MAX):
        assert await leases.lost(conn, 60) == []
        last = await taken(conn, report)
        await leases.put_off(conn, last, 0, "S3 is away")
    assert await leases.take(conn, report, LEASE_S) is None
    assert await leases.waiting(conn) == []
    assert [(lost.lease, lost.late, lost.error) for lost in await leases.lost(conn, 60)] == [(last, False, "S3 is away")]


async def test_a_report_that_takes_too_long_in_all_is_lost_even_while_it_is_worked_at(conn: Connection, report: UUID) -> None:
    lease = await taken(conn, report)
    assert [(lost.lease, lost.late) for lost in await leases.lost(conn, 0)] == [(lease, True)]


async def test_what_has_ended_is_nobodys_and_stays_so(conn: Connection, report: UUID) -> None:
    lease = await taken(conn, report)
    await leases.end(conn, [report])
    assert not await leases.renew(conn, lease, LEASE_S)
    assert await leases.take(conn, report, LEASE_S) is None
    assert (await leases.waiting(conn), await leases.lost(conn, 0)) == ([], [])


async def test_a_new_report_and_one_handed_back_are_called_out(conn: Connection, settings: Settings) -> None:
    report = uuid7()
    async with await database.dedicated(settings) as listener:
        await listener.execute(f"LISTEN {leases.CHANNEL}")
        await leases.note(conn, report, uuid7())
        await leases.hand_back(conn, await taken(conn, report))
        heard = [note.payload async for note in listener.notifies(timeout=5, stop_after=2)]
    assert heard == [str(report)] * 2
