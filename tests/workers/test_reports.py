"""The job of a report: it ends it once, however often it runs and whatever happens to it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from msgspec.structs import replace

from commands.door import Door
from domain.reports import ReportFailed
from infra import leases
from infra.leases import Fenced
from infra.objects import Objects
from projections import views
from tests.api.atlas.test_campaign import make_run
from tests.conftest import World
from workers import reports
from workers.analysing import Bench

STANDIN = Path(__file__).with_name("standin.py")
TOPICS = "SELECT topic, convert_from(state, 'UTF8')::json FROM events WHERE originator_id = %s ORDER BY originator_version"


class Desk(NamedTuple):
    """A world with a run in it, and a bench whose analysis is a stand-in."""

    world: World
    bench: Bench
    run: str

    async def ask(self, context: str = "") -> UUID:
        """A report that was asked for, and noted as the relay does."""
        body = {"scope": "run", "analysis_context": context}
        made = (await self.world.engineer("POST", f"/test-runs/{self.run}/reports", body)).json()
        async with self.world.pool.connection() as conn:
            await leases.note(conn, UUID(made["uuid"]), UUID(self.run))
        return UUID(made["uuid"])

    async def events(self, report: UUID) -> list[tuple[str, dict[str, Any]]]:
        """What happened since it was asked for."""
        async with self.world.pool.connection() as conn:
            rows = await (await conn.execute(TOPICS, (report,))).fetchall()
        return [(topic.removeprefix("report."), state) for topic, state in rows[1:]]

    async def shown(self, report: UUID) -> dict[str, Any]:
        return dict((await self.world.engineer("GET", f"/test-runs/{self.run}/reports/{report}")).json())

    async def open_jobs(self) -> int:
        async with self.world.pool.connection() as conn:
            return int((await (await conn.execute("SELECT count(*) FROM report_jobs")).fetchone() or (0,))[0])


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    run, _, _ = await make_run(world, 1)
    settings = replace(world.settings, report_lease_s=1, analysis_s_max=2, analysis_mb_max=128)
    async with Objects(settings) as objects:
        door = Door(world.pool, views.project_inline)
        yield Desk(world, Bench(settings, door, objects, (sys.executable, "-P", str(STANDIN))), run)


def names(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in events]


async def begun(desk: Desk, report: UUID) -> asyncio.Task[None]:
    """A job that has recorded its beginning."""
    job = asyncio.create_task(reports.analyse(report, desk.bench))
    await until(lambda: started(desk, report))
    return job


async def started(desk: Desk, report: UUID) -> bool:
    return names(await desk.events(report)) == ["started"]


async def until(true: Callable[[], Any]) -> None:
    for _ in range(500):
        if await true():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def test_a_report_is_made_of_the_run_as_it_was_when_it_began(desk: Desk) -> None:
    report = await desk.ask()
    version = int((await desk.world.engineer("GET", f"/test-runs/{desk.run}")).headers["x-run-version"])
    await reports.analyse(report, desk.bench)
    shown = await desk.shown(report)
    told = json.loads(shown["content"])
    assert (shown["status"], shown["summary"]) == ("completed", f"About {told['run']}")
    assert (shown["manifest"]["run_version"], told["version"]) == (version, version)
    assert await desk.open_jobs() == 0


async def test_a_second_job_on_a_finished_report_does_nothing(desk: Desk) -> None:
    report = await desk.ask()
    await reports.analyse(report, desk.bench)
    await reports.analyse(report, desk.bench)
    assert names(await desk.events(report)) == ["started", "completed"]


async def test_of_five_jobs_at_once_one_makes_the_report(desk: Desk) -> None:
    report = await desk.ask()
    await asyncio.gather(*(reports.analyse(report, desk.bench) for _ in range(5)))
    assert names(await desk.events(report)) == ["started", "completed"]


@pytest.mark.parametrize(
    ("context", "reason"), [("hang", "The analysis took longer than 2 s."), ("hog", "The analysis needed more than 128 MB of memory.")]
)
async def test_an_analysis_beyond_its_limits_fails_the_report_at_once(desk: Desk, context: str, reason: str) -> None:
    report = await desk.ask(context)
    await reports.analyse(report, desk.bench)
    shown = await desk.shown(report)
    assert (shown["status"], shown["failure_reason"]) == ("failed", reason)


@pytest.mark.parametrize(("context", "reason"), [("crash", "The analysis ended with exit code 1."), ("garbage", "could not be made")])
async def test_an_analysis_that_breaks_is_tried_three_times(desk: Desk, context: str, reason: str) -> None:
    report = await desk.ask(context)
    for wait_s in (1.05, 2.05, 0):
        await reports.analyse(report, desk.bench)
        await asyncio.sleep(wait_s)
    told = await desk.events(report)
    assert [(name, event["attempt"]) for name, event in told] == [("started", 1), ("started", 2), ("started", 3), ("failed", 3)]
    assert told[-1][1]["reason"].startswith("After 3 attempts: ")
    assert reason in told[-1][1]["reason"]


async def test_the_lease_is_renewed_while_the_analysis_runs(desk: Desk) -> None:
    report = await desk.ask("hang")
    job = await begun(desk, report)
    await asyncio.sleep(1.5)
    await reports.analyse(report, desk.bench)
    assert names(await desk.events(report)) == ["started"]
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


async def test_a_job_that_is_cancelled_hands_its_report_back(desk: Desk) -> None:
    report = await desk.ask("hang")
    job = await begun(desk, report)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    again = asyncio.create_task(reports.analyse(report, desk.bench))
    await until(lambda: started_twice(desk, report))
    assert [event["attempt"] for _, event in await desk.events(report)] == [1, 1]
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)
    assert list((desk.bench.settings.data_dir / "work").iterdir()) == []


async def started_twice(desk: Desk, report: UUID) -> bool:
    return names(await desk.events(report)) == ["started", "started"]


async def test_a_report_that_is_cancelled_stops_its_job_at_the_next_heartbeat(desk: Desk) -> None:
    report = await desk.ask("hang")
    job = await begun(desk, report)
    cancelled = await desk.world.engineer("POST", f"/job-runs/{(await desk.shown(report))['job_run_id']}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    async with desk.world.pool.connection() as conn:
        await leases.end(conn, [report])  # as the relay does
    await asyncio.wait_for(job, 2)
    assert names(await desk.events(report)) == ["started", "cancelled"]


async def test_a_cancelled_report_is_not_begun(desk: Desk) -> None:
    report = await desk.ask()
    await desk.world.engineer("POST", f"/job-runs/{(await desk.shown(report))['job_run_id']}/cancel")
    await reports.analyse(report, desk.bench)
    assert names(await desk.events(report)) == ["cancelled"]
    assert await desk.open_jobs() == 0


async def test_whoever_lost_the_lease_cannot_end_the_report(desk: Desk) -> None:
    report = await desk.ask()
    async with desk.world.pool.connection() as conn:
        slow = await leases.take(conn, report, 0.01)
        await asyncio.sleep(0.05)
        fast = await leases.take(conn, report, 60)
    assert slow is not None
    assert fast is not None
    with pytest.raises(Fenced):
        await reports.end(desk.bench.door, slow, ReportFailed(attempt=1, reason="late"))
    await reports.end(desk.bench.door, fast, ReportFailed(attempt=2, reason="in time"))
    assert [event["reason"] for _, event in await desk.events(report)] == ["in time"]


async def test_reports_of_a_closed_run_are_made(desk: Desk) -> None:
    await desk.world.engineer("POST", f"/test-runs/{desk.run}/close")
    report = await desk.ask()
    await reports.analyse(report, desk.bench)
    assert (await desk.shown(report))["status"] == "completed"


async def test_reports_of_a_deleted_run_end_too(desk: Desk) -> None:
    report = await desk.ask()
    assert (await desk.world.engineer("DELETE", f"/test-runs/{desk.run}")).status_code == 204
    await reports.analyse(report, desk.bench)
    assert [(name, event["reason"]) for name, event in await desk.events(report)] == [("failed", "The test run is deleted.")]
