"""The job that makes a report: a lease, an attempt that is told, an analysis, and one end."""

import asyncio
import logging
from uuid import UUID

from commands import reports
from commands.asking import HOST, Ask
from commands.door import Decide, Door
from commands.work import Query, Target, Work
from domain.facts import Kind
from domain.refusals import Refusal
from domain.reports import ATTEMPTS_MAX, ReportCompleted, ReportFailed
from domain.tokens import Role
from infra import fault_points, leases, log, tracing
from infra.confined import Broken
from infra.database import AWAY
from infra.leases import Fenced, Lease
from infra.log import Stream
from projections import documents
from workers import analysing
from workers.analysing import Begun, Bench, CannotBeMade

logger = logging.getLogger("runledger.reports")


async def analyse(report_id: UUID, bench: Bench) -> None:
    """Safe to run twice: a report that has ended, or is leased to another, leaves nothing to do.

    Cancelled, it hands the report back, so that another worker begins it again.
    """
    async with bench.door.pool.connection() as conn:
        lease = await leases.take(conn, report_id, bench.settings.report_lease_s)
    if lease is None:
        return
    await fault_points.reach("report.leased")
    asked = await _asked(bench, report_id)
    with tracing.job("make report", asked, report_id=str(report_id), attempt=lease.attempt):
        await _make(bench, lease)


async def _asked(bench: Bench, report_id: UUID) -> tracing.Context:
    """Where the request came from; not looked up while nobody collects spans."""
    if not tracing.is_on():
        return tracing.NOWHERE
    async with bench.door.pool.connection() as conn:
        return await log.context_of(conn, report_id)


async def _make(bench: Bench, lease: Lease) -> None:
    tasks = {asyncio.create_task(_attempt(bench, lease)), asyncio.create_task(_keep(bench, lease))}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        await _stop(tasks)
        async with bench.door.pool.connection() as conn:
            await leases.hand_back(conn, lease)
        raise
    await _stop(tasks - done)
    for task in done:
        task.result()


async def _stop(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(bench: Bench, lease: Lease) -> None:
    """Renews the lease for as long as it is ours. The report may also have been cancelled: then it is not."""
    while True:
        await asyncio.sleep(bench.settings.report_lease_s / 3)
        try:
            async with bench.door.pool.connection() as conn:
                if not await leases.renew(conn, lease, bench.settings.report_lease_s):
                    logger.info("report %s has ended or is another's", lease.report_id)
                    return
        except AWAY as error:
            logger.warning("the lease of report %s is not renewed: %s", lease.report_id, type(error).__name__)


async def _attempt(bench: Bench, lease: Lease) -> None:
    """What it comes to is recorded: an end, or a later attempt."""
    outcome: ReportCompleted | ReportFailed
    try:
        begun = await _begin(bench, lease)
        if begun is None:
            return
        await fault_points.reach("report.started")
        outcome = await analysing.outcome(bench, lease, begun)
    except Fenced:
        return
    except CannotBeMade as error:
        outcome = ReportFailed(attempt=lease.attempt, reason=str(error))
    except Exception as error:
        foreseen = isinstance(error, (Refusal, Broken))
        logger.warning("attempt %d at report %s failed: %s", lease.attempt, lease.report_id, error, exc_info=not foreseen)
        reason = analysing.words(error)
        if lease.attempt < ATTEMPTS_MAX:
            wait_s = bench.settings.report_lease_s * 2 ** (lease.attempt - 1)
            async with bench.door.pool.connection() as conn:
                await leases.put_off(conn, lease, wait_s, reason)
            return
        outcome = ReportFailed(attempt=lease.attempt, reason=f"After {lease.attempt} attempts: {reason}")
    await fault_points.reach("report.analysed")
    await end(bench.door, lease, outcome)
    await fault_points.reach("report.ended")


async def _begin(bench: Bench, lease: Lease) -> Begun | None:
    """Records the attempt, and reads what it is about in the same transaction; None where the report has ended."""
    found: list[Begun] = []

    async def decide(work: Work) -> Query:
        found.clear()
        files = await reports.start(work, lease.report_id, lease.attempt)
        if not work.changes:
            await leases.end(work.conn, [lease.report_id])
            return Query(204)
        row = await (await work.conn.execute(documents.RUN_DETAIL, {"run_id": lease.run_id, "reach": None})).fetchone()
        found.append(_begun(work, lease, files, row and bytes(row[2])))
        return Query(204)

    await _held(bench.door, lease, decide)
    return found[0] if found else None


def _begun(work: Work, lease: Lease, files: list[Stream], document: bytes | None) -> Begun:
    if document is None:
        raise CannotBeMade("The test run is deleted.")
    return Begun(work.version, document, work.streams[lease.report_id].state, {file.stream_id: file.state for file in files})


async def end(door: Door, lease: Lease, outcome: ReportCompleted | ReportFailed) -> None:
    """Appends the end while the lease is held; an end that the report has already stays. Raises `Fenced`."""

    async def decide(work: Work) -> Query:
        await reports.finish(work, lease.report_id, outcome)
        await leases.end(work.conn, [lease.report_id])
        return Query(204)

    await _held(door, lease, decide)


async def _held(door: Door, lease: Lease, decide: Decide) -> None:
    """A change by the machine itself, whatever has become of the run, in a transaction that keeps the lease."""

    async def held(work: Work) -> Query:
        await leases.hold(work.conn, lease)
        return await decide(work)

    target = Target(Kind.RUN, lease.run_id, ((Kind.REPORT, lease.report_id),), lock=True, anyhow=True)
    await door.perform(Ask(actor=HOST, surface="worker"), target, Role.ADMIN, held)
