"""Atlas: analysis reports of a run, and the job runs that make them."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from api import bodies, parameters
from api.atlas.file_answers import JobRun, Report
from api.atlas.runs import target
from api.atlas.words import Description
from api.exchange import Exchange, Req, etag
from api.openapi.envelopes import Items
from api.openapi.operation import JSON, Operation
from commands import reports
from commands.reports import NewReport
from commands.work import Query, Target, Work
from domain.facts import Kind
from domain.refusals import FieldError, NotFound, PreconditionFailed
from domain.reports import Scope
from domain.tokens import Role
from projections import documents, report_pages, report_pdf

REPORTS = "/test-runs/{run_id:str}/reports"
JOB = "/job-runs/{job_run_id:str}"
NO_JOB = "No such job run."
Form = Annotated[Literal["json", "html", "pdf"], Meta(description="`json` unless told; `html` and `pdf` are pages to read and print.")]

# scope -> whether each id is needed (None: must not be there)
_TARGETS = {"run": (None, None), "card": (True, None), "step": (True, True)}


class RequestReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`analysis_context` guides the analysis; it is no instruction to change data."""

    scope: Scope
    test_card_id: UUID | None = None
    test_step_id: UUID | None = None
    analysis_context: Description = ""


def report_id_of(text: str) -> UUID:
    return parameters.path_uuid(text, "report")


def _mistargeted(body: dict[str, Any]) -> Iterator[FieldError]:
    """Which ids go with which scope."""
    scope = body.get("scope")
    for name, wanted in zip(("test_card_id", "test_step_id"), _TARGETS.get(scope, ()) if isinstance(scope, str) else (), strict=False):
        if wanted and body.get(name) is None:
            yield FieldError(f"#/{name}", "required", f"is required with the scope {scope}")
        elif not wanted and body.get(name) is not None:
            yield FieldError(f"#/{name}", "not_allowed", f"does not go with the scope {scope}")


@post(REPORTS, operation=Operation("Ask for an analysis report", Role.OPERATOR, Report, 201, RequestReport))
async def request_report(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    body = exchange.body(request)

    async def decide(work: Work) -> Query:
        asked = bodies.check(RequestReport, body, _mistargeted(body))
        wanted = NewReport(
            scope=asked.scope, card_id=asked.test_card_id, step_id=asked.test_step_id, analysis_context=asked.analysis_context
        )
        made = await reports.request(work, wanted)
        params, location = {"run_id": work.root_id, "report_id": made}, f"/api/v1/test-runs/{work.root_id}/reports/{made}"
        return Query(201, documents.REPORT_DETAIL, params, location)

    return await exchange.write(request, target(run_id, with_root=True), Role.OPERATOR, decide)


@get(REPORTS, operation=Operation("List the reports of a run, newest first", Role.VIEWER, Items[Report]))
async def list_reports(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    return await exchange.read(request, documents.REPORTS_OF_RUN, {}, target(run_id))


@get(
    REPORTS + "/{report_id:str}",
    operation=Operation(
        "Read a report",
        Role.VIEWER,
        Report,
        query={"format": Form},
        media=(JSON, "text/html", "application/pdf"),
        headers=("PagePolicy", "Disposition"),
    ),
)
async def get_report(request: Req, exchange: Exchange, run_id: str, report_id: str) -> Response[bytes]:
    """As JSON, or as a page to read, print and hand in."""
    params, query = {"report_id": report_id_of(report_id)}, parameters.Query(request.scope["query_string"])
    form = query.choice("format", ("json", "html", "pdf"))
    query.done()
    if form in (None, "json"):
        return await exchange.read(request, documents.REPORT_DETAIL, params, target(run_id))
    _, wide, body = await exchange.row(request, documents.REPORT_ON_PAGE, params, target(run_id))
    shown, headers = msgspec.json.decode(body), {"x-run-version": str(wide)}
    if form == "html":
        page = await asyncio.to_thread(report_pages.html, shown["report"], shown["run"])
        headers["content-security-policy"] = report_pages.CONTENT_SECURITY_POLICY
        return Response(page.encode(), media_type="text/html", headers=headers)
    headers["content-disposition"] = f'inline; filename="{shown["run"]["test_run_id"]}-report.pdf"'
    return Response(await asyncio.to_thread(report_pdf.pdf, shown["report"], shown["run"]), media_type="application/pdf", headers=headers)


async def _found(exchange: Exchange, job_run_id: str) -> tuple[UUID, Target]:
    """The id of a job run, and where its report stands."""
    job = parameters.path_uuid(job_run_id, "job run")
    async with exchange.pool.connection() as conn:
        row = await (await conn.execute(documents.REPORT_OF_JOB, (job,), prepare=True)).fetchone()
    if row is None:
        raise NotFound(NO_JOB)
    return job, Target(Kind.RUN, row[0], below=((Kind.REPORT, row[1]),))


@get(JOB, operation=Operation("Read a job run", Role.VIEWER, JobRun))
async def get_job_run(request: Req, exchange: Exchange, job_run_id: str) -> Response[bytes]:
    job, where = await _found(exchange, job_run_id)
    try:
        return await exchange.read(request, documents.JOB_RUN, {"job_run_id": job}, where)
    except NotFound as refusal:
        raise type(refusal)(NO_JOB) from None  # out of scope stays that for the access log


@post(JOB + "/cancel", status_code=200, operation=Operation("Cancel a job run and its report", Role.OPERATOR, JobRun, if_match=True))
async def cancel_job_run(request: Req, exchange: Exchange, job_run_id: str) -> Response[bytes]:
    job, where = await _found(exchange, job_run_id)

    async def decide(work: Work) -> Query:
        await reports.cancel(work, where.below[0][1])
        return Query(200, documents.JOB_RUN, {"job_run_id": job})

    try:
        return await exchange.write(request, where, Role.OPERATOR, decide)
    except PreconditionFailed as refusal:
        refusal.etag = etag(*await exchange.row(request, documents.JOB_RUN, {"job_run_id": job}, where))  # not the report's
        raise
    except NotFound as refusal:
        raise type(refusal)(NO_JOB) from None  # out of scope stays that for the access log


HANDLERS = [request_report, list_reports, get_report, get_job_run, cancel_job_run]
