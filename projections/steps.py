"""Steps as seen; each outcome moves one step between the counters of its run."""

from typing import Any

from domain.cards import StepsReordered
from domain.changes import Change
from domain.differences import told
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.steps import StepAdded, StepDeleted, StepEdited, StepMoved, StepOutcomeRecorded, StepRestored
from projections.rows import Rows
from projections.runs import RUNS, STATUS_COLUMNS
from projections.tables import Table

STEPS = Table(
    "steps",
    "step_id",
    "run_id",
    {
        "step_id": "uuid NOT NULL",
        "card_id": "uuid NOT NULL",
        "run_id": "uuid NOT NULL",
        "title": "text NOT NULL",
        "description": "text NOT NULL",
        "step_type": "text NOT NULL",
        "position": "bigint NOT NULL",
        "status": "text NOT NULL",
        "exception": "text",
        "started_at": "timestamptz",
        "ended_at": "timestamptz",
        "created_at": "timestamptz NOT NULL",
        "updated_at": "timestamptz NOT NULL",
        "deleted": "boolean NOT NULL",
        "version": "integer NOT NULL",
        "issue_ids": "uuid[] NOT NULL",
    },
    ("(run_id)", "(card_id)", "(run_id) WHERE issue_ids <> '{}'"),
    options="fillfactor = 80",
)


def project(change: Change, rows: Rows) -> None:
    """Outcomes stand first: they are most of a log."""
    step, event = change.stream_id, change.event
    changed: dict[str, Any] = {"version": change.version, "updated_at": change.at}
    match event:
        case StepOutcomeRecorded():
            changed |= {"status": event.status, "exception": event.exception, "started_at": event.started_at, "ended_at": event.ended_at}
            before, after = STATUS_COLUMNS[change.before.status], STATUS_COLUMNS[event.status]
            if before != after:
                rows.add(RUNS, change.root_id, **{before: -1, after: 1})
        case StepAdded():
            _add(change, event, rows)
            return
        case StepEdited():
            changed |= told(event)
        case IssueLinked() | IssueUnlinked():
            changed["issue_ids"] = change.after.issue_ids
        case StepMoved():
            changed["position"] = event.order
        case StepDeleted() | StepRestored():
            changed["deleted"] = change.after.deleted
            rows.add(RUNS, change.root_id, **{STATUS_COLUMNS[change.after.status]: -1 if change.after.deleted else 1})
    rows.set(STEPS, step, **changed)


def reorder(change: Change, rows: Rows) -> None:
    """A renumbering is one event of the card that moves every step."""
    if isinstance(change.event, StepsReordered):
        for position, step_id in enumerate(change.event.step_ids, 1):
            rows.set(STEPS, step_id, position=position, updated_at=change.at)


def _add(change: Change, event: StepAdded, rows: Rows) -> None:
    rows.put(
        STEPS,
        change.stream_id,
        card_id=event.card_id,
        run_id=change.root_id,
        title=event.title,
        description=event.description,
        step_type=event.step_type,
        position=event.order,
        status="todo",
        exception=None,
        started_at=None,
        ended_at=None,
        created_at=change.at,
        updated_at=change.at,
        deleted=False,
        version=change.version,
        issue_ids=[],
    )
    rows.add(RUNS, change.root_id, n_todo=1)
