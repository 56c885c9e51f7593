"""The sweeper: calls workers for the reports that wait, and ends those that nobody will end."""

import asyncio
import logging
import time
from uuid import UUID

from dramatiq.brokers.redis import RedisBroker

from commands.door import Door
from domain.refusals import Refusal
from domain.reports import ATTEMPTS_MAX, ReportFailed
from infra import leases
from infra.database import LOST, Connection, dedicated
from infra.leases import Fenced, Lost
from infra.settings import Settings
from workers import calls, reports
from workers.sequencer import RETRY_S
from workers.waiting import pause

LOOK_S = 0.5  # to notice the end, and the return of Redis
logger = logging.getLogger("runledger.sweeper")


async def run(settings: Settings, door: Door, stopping: asyncio.Event) -> None:
    """Until `stopping`. Redis being away delays its calls only.

    Every worker sweeps: a call too many costs a look at the lease, where a leader that hangs would keep all reports waiting.
    """
    broker = calls.broker(settings)
    while not stopping.is_set():
        try:
            async with await dedicated(settings) as conn:
                await _sweep(conn, settings, door, broker, stopping)
        except LOST as error:
            logger.warning("the sweeper lost the database (%s); trying again", type(error).__name__)
            await pause(stopping, RETRY_S)


async def _sweep(conn: Connection, settings: Settings, door: Door, broker: RedisBroker, stopping: asyncio.Event) -> None:
    """Calls for what is asked for at once; every third of a lease, or as soon as Redis is back, for what waits all the same."""
    await conn.execute(f"LISTEN {leases.CHANNEL}")
    sweep_s, swept_at, reached = settings.report_lease_s / 3, 0.0, True
    while not stopping.is_set():
        if not reached or time.monotonic() >= swept_at + sweep_s:
            swept_at = time.monotonic()
            await _end_lost(conn, settings, door)
            reached = await _call_missing(conn, broker, reached=reached)
        new = await _told(conn, min(sweep_s, LOOK_S))
        if new and reached:
            reached = await asyncio.to_thread(calls.call, broker, new)


async def _call_missing(conn: Connection, broker: RedisBroker, *, reached: bool) -> bool:
    answered = await asyncio.to_thread(calls.call_missing, broker, await leases.waiting(conn))
    if answered != reached:
        logger.warning("Redis is back; reports go on" if answered else "Redis is away; reports wait")
    return answered


async def _told(conn: Connection, wait_s: float) -> list[UUID]:
    return [UUID(note.payload) async for note in conn.notifies(timeout=wait_s, stop_after=1)]


async def _end_lost(conn: Connection, settings: Settings, door: Door) -> None:
    for lost in await leases.lost(conn, settings.report_minutes_max * 60):
        try:
            await reports.end(door, lost.lease, ReportFailed(attempt=lost.lease.attempt, reason=_reason(lost, settings)))
        except Fenced:
            continue  # a worker was faster
        except Refusal as refusal:
            logger.warning("report %s is not ended yet: %s", lost.lease.report_id, refusal.detail)


def _reason(lost: Lost, settings: Settings) -> str:
    if lost.late:
        late = f"The report was not finished within {settings.report_minutes_max} minutes."
        return f"{late} Last attempt: {lost.error}" if lost.error else late
    return f"After {ATTEMPTS_MAX} attempts: {lost.error or 'the worker was lost.'}"
