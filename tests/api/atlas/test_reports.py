"""Reports: asked for on a scope, linked to issues, cancelled, and told as job runs."""

from typing import Any
from uuid import UUID

import pytest

from commands import reports
from commands.asking import HOST, Ask
from commands.door import Door
from commands.work import Query, Target, Work
from domain.facts import Kind
from domain.reports import ReportCompleted, ReportFailed
from domain.tokens import Role
from projections import views
from tests.api.atlas.test_data_files import registered
from tests.api.making import Campaign, campaign, errors, made, problem
from tests.conftest import World

module_loop = pytest.mark.asyncio(loop_scope="module")
NOBODY = "01a21520-5268-76bd-9dd9-a94bf2f31ea2"


async def requested(world: World, here: Campaign, **body: Any) -> Any:
    return await made(world.clients[Role.OPERATOR], f"{here.run_path}/reports", {"scope": "run"} | body)


async def work_on(world: World, here: Campaign, report: Any, *steps: Any) -> None:
    """What a worker records: `begin`, or the outcome of an attempt."""
    report_id = UUID(report["uuid"])
    for step in steps:

        async def decide(work: Work, step: Any = step) -> Query:
            if step == "begin":
                await reports.start(work, report_id, work.streams[report_id].state.attempt + 1)
            else:
                await reports.finish(work, report_id, step)
            return Query(204)

        target = Target(Kind.RUN, UUID(here.run), below=((Kind.REPORT, report_id),), anyhow=True)
        await Door(world.pool, views.project_inline).perform(Ask(actor=HOST), target, Role.ADMIN, decide)


@module_loop
async def test_a_report_begins_as_pending_with_its_job_run(shared: World) -> None:
    here = await campaign(shared)
    answer = await shared.clients[Role.OPERATOR]("POST", f"{here.run_path}/reports", {"scope": "run"})
    report = answer.json()
    assert answer.headers["location"] == f"/api/v1{here.run_path}/reports/{report['uuid']}"
    assert report == {
        "uuid": report["uuid"], "title": "Motor Controller Acceptance Test \u2013 Run Analysis", "scope": "run", "status": "pending",
        "content": "", "summary": "", "issues": [], "test_data": [], "job_run_id": report["job_run_id"],
        "created_by": "operator@example.com", "created_at": report["created_at"], "test_card_id": None, "test_step_id": None,
        "manifest": None, "completed_at": None, "failure_reason": None,
    }  # fmt: skip
    job = (await shared.engineer("GET", f"/job-runs/{report['job_run_id']}")).json()
    assert job == {
        "uuid": report["job_run_id"], "job_type": "test_run_report", "status": "pending", "test_run_id": here.run,
        "report_id": report["uuid"], "attempt": 0, "created_at": report["created_at"], "started_at": None, "ended_at": None, "error": None,
    }  # fmt: skip


@module_loop
async def test_a_scope_takes_its_files_and_issues_as_they_are_when_asked(shared: World) -> None:
    here = await campaign(shared, steps=2)
    client = shared.engineer
    issues = [(await made(client, "/issues", {"title": t, "system_id": here.system}))["uuid"] for t in ("run", "card", "step", "late")]
    for where, issue in zip((here.run_path, here.card_path, here.step_path), issues, strict=False):
        await client("PUT", f"{where}/issues/{issue}")
    await registered(shared, here, "loose.csv")
    await registered(shared, here, "card.csv", associate_with={"test_card_id": here.card})
    await registered(shared, here, "step.csv", associate_with={"test_step_id": here.steps[0]})
    await registered(shared, here, "next.csv", associate_with={"test_step_id": here.steps[1]})
    card, step = {"test_card_id": here.card}, {"test_card_id": here.card, "test_step_id": here.steps[0]}
    for body, title, files, linked in (
        (
            {"scope": "run"},
            "Motor Controller Acceptance Test \u2013 Run Analysis",
            ["loose", "card", "step", "next"],
            ["run", "card", "step"],
        ),
        ({"scope": "card", **card}, "Overvoltage protection \u2013 Card Analysis", ["card", "step", "next"], ["card", "step"]),
        ({"scope": "step", **step}, "Step 0 \u2013 Step Analysis", ["step"], ["step"]),
    ):
        report = await requested(shared, here, **body)
        assert report["title"] == title
        assert [f["file_name"].removesuffix(".csv") for f in report["test_data"]] == files
        assert [i["title"] for i in report["issues"]] == linked
        await registered(shared, here, "late.csv", associate_with={"test_step_id": here.steps[0]})
        await client("PUT", f"{here.step_path}/issues/{issues[3]}")
        at_report = f"{here.run_path}/reports/{report['uuid']}"
        assert (await client("GET", at_report)).json() == report
        assert (await client("PUT", f"{at_report}/issues/{issues[3]}")).status_code == 204
        assert [i["title"] for i in (await client("GET", at_report)).json()["issues"]] == [*linked, "late"]
        await client("DELETE", f"{here.step_path}/issues/{issues[3]}")
        for file in (await client("GET", here.run_path)).json()["test_data"][4:]:
            await client("DELETE", f"{here.run_path}/data/{file['uuid']}")


@module_loop
async def test_runs_cards_and_steps_show_the_reports_on_them(shared: World) -> None:
    here = await campaign(shared)
    card, step = {"test_card_id": here.card}, {"test_card_id": here.card, "test_step_id": here.steps[0]}
    of_run, of_card = await requested(shared, here), await requested(shared, here, scope="card", **card)
    of_step = await requested(shared, here, scope="step", **step)

    async def told(path: str) -> list[str]:
        return [r["uuid"] for r in (await shared.engineer("GET", path)).json()["reports"]]

    assert await told(here.run_path) == [of_step["uuid"], of_card["uuid"], of_run["uuid"]]
    assert await told(here.card_path) == [of_step["uuid"], of_card["uuid"]]
    assert await told(here.step_path) == [of_step["uuid"]]
    listed = (await shared.engineer("GET", f"{here.run_path}/reports")).json()
    assert ([r["uuid"] for r in listed["items"]], listed["count"]) == (await told(here.run_path), 3)
    (summary,) = (await shared.engineer("GET", f"/test-runs?system_id={here.system}&has_reports=true")).json()["items"]
    assert summary["report_count"] == 3


@module_loop
@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {("#/scope", "required")}),
        ({"scope": "system"}, {("#/scope", "invalid_value")}),
        ({"scope": "run", "test_card_id": "card"}, {("#/test_card_id", "not_allowed")}),
        ({"scope": "card"}, {("#/test_card_id", "required")}),
        ({"scope": "card", "test_card_id": "card", "test_step_id": "step"}, {("#/test_step_id", "not_allowed")}),
        ({"scope": "step", "test_step_id": "step"}, {("#/test_card_id", "required")}),
        ({"scope": "card", "test_card_id": NOBODY}, {("#/test_card_id", "not_found")}),
        ({"scope": "step", "test_card_id": "card", "test_step_id": NOBODY}, {("#/test_step_id", "not_found")}),
        ({"scope": "step", "test_card_id": "other", "test_step_id": "step"}, {("#/test_step_id", "mismatch")}),
        ({"scope": "run", "analysis_context": "x" * 20_001}, {("#/analysis_context", "too_long")}),
    ],
    ids=str,
)
async def test_a_scope_goes_with_its_targets(shared: World, body: dict[str, Any], wrong: set[tuple[str, str]]) -> None:
    here = await campaign(shared)
    other = (await made(shared.engineer, f"{here.run_path}/cards", {"title": "Other"}))["uuid"]
    ids = {"card": here.card, "step": here.steps[0], "other": other}
    sent = {name: value if name == "scope" else ids.get(value, value) for name, value in body.items()}
    assert errors(await shared.engineer("POST", f"{here.run_path}/reports", sent)) == wrong


@module_loop
async def test_an_attempt_shows_as_running_with_its_manifest_and_ends_once(shared: World) -> None:
    here = await campaign(shared)
    file = await registered(shared, here)
    report = await requested(shared, here)
    at_report, at_job = f"{here.run_path}/reports/{report['uuid']}", f"/job-runs/{report['job_run_id']}"
    await work_on(shared, here, report, "begin", "begin")
    running = (await shared.engineer("GET", at_report)).json()
    assert running["status"] == "running"
    assert running["manifest"] == {
        "run_version": 6,
        "files": [{"uuid": file["uuid"], "sha256": None, "s3_version_id": None, "s3_etag": file["s3_etag"]}],
    }
    first = (await shared.engineer("GET", at_job)).json()
    assert (first["status"], first["attempt"], first["ended_at"]) == ("running", 2, None)
    done = ReportCompleted(attempt=2, run_version=6, summary="All well.", content="# All well")
    await work_on(shared, here, report, done, ReportFailed(attempt=2, reason="too late"), "begin")
    completed = (await shared.engineer("GET", at_report)).json()
    assert (completed["status"], completed["summary"], completed["content"]) == ("completed", "All well.", "# All well")
    assert completed["completed_at"] == (await shared.engineer("GET", at_job)).json()["ended_at"] is not None
    types = [e["type"] for e in (await shared.engineer("GET", f"{here.run_path}/history?component=report")).json()["items"]]
    assert types == ["report.requested", "report.started", "report.started", "report.completed"]


@module_loop
async def test_workers_are_no_contributors(shared: World) -> None:
    here = await campaign(shared)
    report = await requested(shared, here)
    await work_on(shared, here, report, "begin", ReportFailed(attempt=1, reason="S3 is away"))
    run = (await shared.engineer("GET", here.run_path)).json()
    assert run["contributors"] == ["engineer@example.com", "operator@example.com"]
    assert (run["reports"][0]["status"], run["reports"][0]["failure_reason"]) == ("failed", "S3 is away")
    told = (await shared.engineer("GET", f"{here.run_path}/history?component=report")).json()["items"]
    assert [e["actor"] for e in told] == ["operator@example.com", "system", "system"]


@module_loop
async def test_a_job_is_cancelled_once(shared: World) -> None:
    here = await campaign(shared)
    report = await requested(shared, here)
    at_job = f"/job-runs/{report['job_run_id']}"
    tag = (await shared.engineer("GET", at_job)).headers["etag"]
    await work_on(shared, here, report, "begin")
    assert problem(await shared.engineer("POST", f"{at_job}/cancel", if_match=tag)) == (412, "precondition-failed")
    answer = await shared.clients[Role.OPERATOR]("POST", f"{at_job}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert problem(await shared.engineer("POST", f"{at_job}/cancel")) == (409, "state-conflict")
    await work_on(shared, here, report, ReportCompleted(attempt=1, run_version=1, summary="s", content="c"))
    assert (await shared.engineer("GET", f"{here.run_path}/reports/{report['uuid']}")).json()["status"] == "cancelled"


@module_loop
async def test_reports_are_asked_for_and_linked_on_closed_runs_too(shared: World) -> None:
    here = await campaign(shared)
    await shared.engineer("POST", f"{here.run_path}/close")
    report = await requested(shared, here)
    issue = (await made(shared.engineer, "/issues", {"title": "a", "system_id": here.system}))["uuid"]
    for method in ("PUT", "DELETE"):
        path = f"{here.run_path}/reports/{report['uuid']}/issues/{issue}"
        assert (await shared.engineer(method, path)).status_code == 204
        assert problem(await shared.engineer(method, f"{here.run_path}/issues/{issue}"))[0] in (404, 409)


@module_loop
async def test_a_report_of_a_deleted_run_still_ends(shared: World) -> None:
    here = await campaign(shared)
    report = await requested(shared, here)
    await shared.engineer("DELETE", here.run_path)
    assert problem(await shared.engineer("GET", f"/job-runs/{report['job_run_id']}")) == (404, "not-found")
    await work_on(shared, here, report, "begin", ReportFailed(attempt=1, reason="r"))
    await shared.engineer("POST", f"{here.run_path}/restore")
    assert (await shared.engineer("GET", f"/job-runs/{report['job_run_id']}")).json()["status"] == "failed"
