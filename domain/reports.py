"""Analysis reports: asked for once, tried a few times, ended exactly once."""

from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import issue_links
from domain.events import Event
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.refusals import StateConflict

ATTEMPTS_MAX = 3
SUMMARY_MAX = 500  # characters


class Scope(StrEnum):
    RUN = "run"
    CARD = "card"
    STEP = "step"


class ReportStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({ReportStatus.COMPLETED, ReportStatus.FAILED, ReportStatus.CANCELLED})


class InputFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that an analysis reads, as pinned; the digest is None until it was read."""

    file_id: UUID
    s3_etag: str
    s3_version_id: str | None = None
    sha256: str | None = None


class Tool(msgspec.Struct, frozen=True):
    """What a report was made with: `part` for example `analysis`, `spikes`, `language model`, `prompt`."""

    part: str
    version: str


class ReportRequested(Event, frozen=True, tag="report.requested"):
    """What is to be analysed: files and issues are those in scope now, whatever is added later."""

    title: str
    scope: Scope
    job_run_id: UUID
    card_id: UUID | None = None
    step_id: UUID | None = None
    analysis_context: str = ""
    file_ids: tuple[UUID, ...] = ()
    issue_ids: tuple[UUID, ...] = ()


class ReportStarted(Event, frozen=True, tag="report.started"):
    """An attempt began, on the run as it was at `run_version`."""

    attempt: int
    run_version: int
    files: tuple[InputFile, ...] = ()


class ReportCompleted(Event, frozen=True, tag="report.completed"):
    """`content` is Markdown; `files` are those that were read, with their digests.

    `tools` are the versions of the analysis and its detectors, and of a language model its name and the hash of what it was given.
    """

    attempt: int
    run_version: int
    summary: str
    content: str
    files: tuple[InputFile, ...] = ()
    tools: tuple[Tool, ...] = ()


class ReportFailed(Event, frozen=True, tag="report.failed"):
    attempt: int
    reason: str


class ReportCancelled(Event, frozen=True, tag="report.cancelled"):
    pass


class Report(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    scope: Scope
    job_run_id: UUID
    card_id: UUID | None = None
    step_id: UUID | None = None
    analysis_context: str = ""
    file_ids: tuple[UUID, ...] = ()
    scope_issue_ids: tuple[UUID, ...] = ()
    issue_ids: tuple[UUID, ...] = ()
    status: ReportStatus = ReportStatus.PENDING
    attempt: int = 0
    summary: str = ""
    failure_reason: str | None = None
    deleted: bool = False

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


def evolve(report: Report | None, event: Event) -> Report | None:
    match report, event:
        case None, ReportRequested():
            return Report(
                title=event.title,
                scope=event.scope,
                job_run_id=event.job_run_id,
                card_id=event.card_id,
                step_id=event.step_id,
                analysis_context=event.analysis_context,
                file_ids=event.file_ids,
                scope_issue_ids=event.issue_ids,
            )
        case Report(), ReportStarted():
            return replace(report, status=ReportStatus.RUNNING, attempt=event.attempt)
        case Report(), ReportCompleted():
            return replace(report, status=ReportStatus.COMPLETED, summary=event.summary)
        case Report(), ReportFailed():
            return replace(report, status=ReportStatus.FAILED, failure_reason=event.reason)
        case Report(), ReportCancelled():
            return replace(report, status=ReportStatus.CANCELLED)
        case Report(), IssueLinked() | IssueUnlinked():
            return replace(report, issue_ids=issue_links.evolve(report.issue_ids, event))
    return report


def title_of(scope: Scope, target: str) -> str:
    """The title of a report on something of this title: both with an en dash between, as the contract has it."""
    return f"{target} \N{EN DASH} {scope.value.capitalize()} Analysis"


def start(report: Report, attempt: int, run_version: int, files: tuple[InputFile, ...]) -> list[Event]:
    """Every attempt is told, so that a history shows what was tried; a report that has ended takes none."""
    return [] if report.is_final else [ReportStarted(attempt=attempt, run_version=run_version, files=files)]


def finish(report: Report, outcome: ReportCompleted | ReportFailed) -> list[Event]:
    """The end of an attempt. A report that has ended meanwhile keeps the end that it has."""
    return [] if report.is_final else [outcome]


def cancel(report: Report) -> list[Event]:
    if report.is_final:
        raise StateConflict(f"The report is {report.status} already.")
    return [ReportCancelled()]
