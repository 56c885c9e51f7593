"""Test runs as seen: the run row with its summary, kept by deltas."""

from domain.changes import HOST, Change
from domain.differences import told
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.runs import (
    RunAssetsChanged,
    RunClosed,
    RunCreated,
    RunDeleted,
    RunEdited,
    RunReopened,
    RunRestored,
)
from domain.steps import ExecutionStatus
from projections.rows import Rows
from projections.tables import Table

STATUS_COLUMNS = {status: f"n_{status.value}" for status in ExecutionStatus}

RUNS = Table(
    "runs",
    "run_id",
    "run_id",
    {
        "run_id": "uuid NOT NULL",
        "number": "bigint NOT NULL",
        "title": "text NOT NULL",
        "description": "text NOT NULL",
        "system_id": "uuid NOT NULL",
        "asset_ids": "uuid[] NOT NULL",
        "contributors": "uuid[] NOT NULL",
        "created_by": "uuid NOT NULL",
        "created_at": "timestamptz NOT NULL",
        "updated_at": "timestamptz NOT NULL",
        "closed_at": "timestamptz",
        "deleted": "boolean NOT NULL",
        "version": "integer NOT NULL",
        "issue_ids": "uuid[] NOT NULL",
        "wide": "integer NOT NULL",
        "card_count": "integer NOT NULL",
        "file_count": "integer NOT NULL",
        "report_count": "integer NOT NULL",
        **dict.fromkeys(STATUS_COLUMNS.values(), "integer NOT NULL"),
    },
    (
        "(created_at DESC, run_id) WHERE NOT deleted",
        "(system_id, created_at DESC, run_id) WHERE NOT deleted",
        "(created_at DESC, run_id) WHERE NOT deleted AND report_count > 0",
        "(run_id) WHERE deleted",
    ),
    options="fillfactor = 70",
)


def project(change: Change, rows: Rows) -> None:
    run, event = change.root_id, change.event
    match event:
        case RunCreated():
            _create(change, event, rows)
        case RunEdited():
            rows.set(RUNS, run, **told(event))
        case RunAssetsChanged():
            rows.set(RUNS, run, asset_ids=event.asset_ids)
        case RunClosed():
            rows.set(RUNS, run, closed_at=change.at)
        case RunReopened():
            rows.set(RUNS, run, closed_at=None)
        case RunDeleted() | RunRestored():
            rows.set(RUNS, run, deleted=change.after.deleted)
        case IssueLinked() | IssueUnlinked():
            rows.set(RUNS, run, issue_ids=change.after.issue_ids)
    rows.set(RUNS, run, version=change.version)
    touch(change, rows)


def touch(change: Change, rows: Rows) -> None:
    """What every event of a run does to its row: time, version and contributor, who is a person."""
    rows.set(RUNS, change.root_id, updated_at=change.at, wide=change.wide)
    if change.actor_id != HOST:
        rows.include(RUNS, change.root_id, "contributors", change.actor_id)


def _create(change: Change, event: RunCreated, rows: Rows) -> None:
    rows.put(
        RUNS,
        change.root_id,
        number=event.number,
        title=event.title,
        description=event.description,
        system_id=event.system_id,
        asset_ids=event.asset_ids,
        contributors=[change.actor_id],
        created_by=change.actor_id,
        created_at=change.at,
        updated_at=change.at,
        closed_at=None,
        deleted=False,
        version=change.version,
        issue_ids=[],
        wide=change.wide,
        card_count=0,
        file_count=0,
        report_count=0,
        **dict.fromkeys(STATUS_COLUMNS.values(), 0),
    )
