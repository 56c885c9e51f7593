"""What may be asked of analysis reports, by people and by the worker that makes them."""

from uuid import UUID

import msgspec

from commands.references import unknown
from commands.work import Work
from domain import reports
from domain.facts import Kind
from domain.refusals import FieldError, Invalid, UnknownReference
from domain.reports import InputFile, ReportCompleted, ReportFailed, Scope
from infra import log


class NewReport(msgspec.Struct, frozen=True, kw_only=True):
    scope: Scope
    card_id: UUID | None = None
    step_id: UUID | None = None
    analysis_context: str = ""


async def request(work: Work, wanted: NewReport) -> UUID:
    """Asks for a report on what is in scope now. Allowed on closed runs: it changes no evidence."""
    await work.more([i for i in (wanted.card_id, wanted.step_id) if i is not None])
    _check(work, wanted)
    live = await log.live(work.conn, work.root_id)
    report_id = work.new_id()
    target = work.streams[wanted.step_id or wanted.card_id or work.root_id]
    fact = reports.ReportRequested(
        title=reports.title_of(wanted.scope, target.state.title),
        scope=wanted.scope,
        job_run_id=work.new_id(),
        card_id=wanted.card_id,
        step_id=wanted.step_id,
        analysis_context=wanted.analysis_context,
        file_ids=await _files(work, wanted, live),
        issue_ids=await _issues(work, wanted, live),
    )
    work.record(Kind.REPORT, report_id, [fact])
    return report_id


def _check(work: Work, wanted: NewReport) -> None:
    errors: list[FieldError] = []
    for name, kind, stream_id in (("test_card_id", Kind.CARD, wanted.card_id), ("test_step_id", Kind.STEP, wanted.step_id)):
        if stream_id and not work.has(kind, stream_id):
            errors.append(unknown(f"#/{name}", kind, stream_id))
    if errors:
        raise UnknownReference.all(tuple(errors))
    if wanted.step_id and work.streams[wanted.step_id].state.card_id != wanted.card_id:
        raise Invalid.one("#/test_step_id", "mismatch", "is not a step of test_card_id")


async def _files(work: Work, wanted: NewReport, live: dict[UUID, log.Placed]) -> tuple[UUID, ...]:
    """Live files of the run, or those that belong to the card or a live step of it, or to the step; oldest first."""
    files = [i for i, place in live.items() if place.kind is Kind.FILE]
    if wanted.scope is Scope.RUN:
        return tuple(files)
    await work.more(files)
    return tuple(i for i in files if any(_holds(wanted, a.card_id, a.step_id, live) for a in work.streams[i].state.associations))


def _holds(wanted: NewReport, card_id: UUID, step_id: UUID | None, live: dict[UUID, log.Placed]) -> bool:
    if wanted.scope is Scope.STEP:
        return step_id == wanted.step_id
    return card_id == wanted.card_id and (step_id is None or step_id in live)


async def _issues(work: Work, wanted: NewReport, live: dict[UUID, log.Placed]) -> tuple[UUID, ...]:
    """Issues linked to anything in scope, in the order of linking."""
    found: dict[tuple[UUID, UUID], None] = {}
    for stream_id, issue_id, linked in await log.issue_links(work.conn, work.root_id):
        if linked and _spans(wanted, stream_id, live, work.root_id):
            found[stream_id, issue_id] = None
        else:
            found.pop((stream_id, issue_id), None)
    return tuple(dict.fromkeys(issue_id for _, issue_id in found))


def _spans(wanted: NewReport, stream_id: UUID, live: dict[UUID, log.Placed], run_id: UUID) -> bool:
    """Whether a report of this scope is about a stream."""
    place = live.get(stream_id)
    match wanted.scope:
        case Scope.RUN:
            return stream_id == run_id or place is not None
        case Scope.CARD:
            return stream_id == wanted.card_id or (place is not None and place.parent_id == wanted.card_id)
        case Scope.STEP:
            return stream_id == wanted.step_id


async def cancel(work: Work, report_id: UUID) -> None:
    report = work.streams[report_id]
    work.require_match(report)
    work.record(Kind.REPORT, report_id, reports.cancel(report.state))


async def start(work: Work, report_id: UUID, attempt: int) -> list[log.Stream]:
    """Begins an attempt on the run as it is; gives the streams of the files to read, which are those not deleted since."""
    report = work.streams[report_id].state
    await work.more(list(report.file_ids))
    files = [stream for i in report.file_ids if not (stream := work.streams[i]).state.deleted]
    inputs = tuple(
        InputFile(file_id=f.stream_id, s3_etag=f.state.s3_etag, s3_version_id=f.state.s3_version_id, sha256=f.state.sha256) for f in files
    )
    work.record(Kind.REPORT, report_id, reports.start(report, attempt, work.version, inputs))
    return files


async def finish(work: Work, report_id: UUID, outcome: ReportCompleted | ReportFailed) -> None:
    """Ends a report once: one that has ended meanwhile keeps the end that it has."""
    work.record(Kind.REPORT, report_id, reports.finish(work.streams[report_id].state, outcome))
