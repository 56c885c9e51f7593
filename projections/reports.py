"""Analysis reports and their job runs as seen."""

from typing import Any

from domain.changes import Change
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.reports import InputFile, ReportCancelled, ReportCompleted, ReportFailed, ReportRequested, ReportStarted
from projections.cards import CARDS
from projections.rows import Rows
from projections.runs import RUNS
from projections.steps import STEPS
from projections.tables import Table

# `issue_ids`: those in scope when the report was asked for, then those linked to the report itself.
REPORTS = Table(
    "reports",
    "report_id",
    "run_id",
    {
        "report_id": "uuid NOT NULL",
        "run_id": "uuid NOT NULL",
        "job_run_id": "uuid NOT NULL",
        "title": "text NOT NULL",
        "scope": "text NOT NULL",
        "card_id": "uuid",
        "step_id": "uuid",
        "status": "text NOT NULL",
        "attempt": "integer NOT NULL",
        "content": "text NOT NULL",
        "summary": "text NOT NULL",
        "manifest": "json",
        "failure_reason": "text",
        "file_ids": "uuid[] NOT NULL",
        "issue_ids": "uuid[] NOT NULL",
        "created_by": "uuid NOT NULL",
        "created_at": "timestamptz NOT NULL",
        "started_at": "timestamptz",
        "ended_at": "timestamptz",
        "recorded": "integer NOT NULL",
        "deleted": "boolean NOT NULL",
        "version": "integer NOT NULL",
    },
    (
        "(run_id)",
        "(job_run_id)",
        "(card_id) WHERE card_id IS NOT NULL",
        "(step_id) WHERE step_id IS NOT NULL",
        "(created_at) WHERE status IN ('pending', 'running')",
    ),
)


def project(change: Change, rows: Rows) -> None:
    report, event = change.stream_id, change.event
    match event:
        case ReportRequested():
            _request(change, event, rows)
        case ReportStarted():
            first = {} if change.before.attempt else {"started_at": change.at}
            rows.set(REPORTS, report, attempt=event.attempt, manifest=_manifest(event.run_version, event.files), **first)
        case ReportCompleted():
            manifest = _manifest(event.run_version, event.files)
            rows.set(REPORTS, report, summary=event.summary, content=event.content, manifest=manifest, ended_at=change.at)
        case ReportFailed():
            rows.set(REPORTS, report, failure_reason=event.reason, ended_at=change.at)
        case ReportCancelled():
            rows.set(REPORTS, report, ended_at=change.at)
        case IssueLinked() | IssueUnlinked():
            rows.set(REPORTS, report, issue_ids=list(dict.fromkeys((*change.after.scope_issue_ids, *change.after.issue_ids))))
    rows.set(REPORTS, report, version=change.version, status=str(change.after.status))
    if change.after.step_id is not None:
        rows.set(STEPS, change.after.step_id, updated_at=change.at)
    elif change.after.card_id is not None:
        rows.set(CARDS, change.after.card_id, updated_at=change.at)


def _request(change: Change, event: ReportRequested, rows: Rows) -> None:
    rows.put(
        REPORTS,
        change.stream_id,
        run_id=change.root_id,
        job_run_id=event.job_run_id,
        title=event.title,
        scope=str(event.scope),
        card_id=event.card_id,
        step_id=event.step_id,
        status="pending",
        attempt=0,
        content="",
        summary="",
        manifest=None,
        failure_reason=None,
        file_ids=event.file_ids,
        issue_ids=event.issue_ids,
        created_by=change.actor_id,
        created_at=change.at,
        started_at=None,
        ended_at=None,
        recorded=change.wide,
        deleted=False,
        version=change.version,
    )
    rows.add(RUNS, change.root_id, report_count=1)


def _manifest(run_version: int, files: tuple[InputFile, ...]) -> dict[str, Any]:
    """What was read, as the contract shows it."""
    listed = [{"uuid": str(f.file_id), "sha256": f.sha256, "s3_version_id": f.s3_version_id, "s3_etag": f.s3_etag} for f in files]
    return {"run_version": run_version, "files": listed}
