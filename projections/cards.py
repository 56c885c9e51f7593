"""Cards as seen."""

from domain.cards import CardAdded, CardDeleted, CardEdited, CardMoved, CardRestored
from domain.changes import Change
from domain.differences import told
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.runs import CardsReordered
from projections.rows import Rows
from projections.runs import RUNS
from projections.tables import Table

CARDS = Table(
    "cards",
    "card_id",
    "run_id",
    {
        "card_id": "uuid NOT NULL",
        "run_id": "uuid NOT NULL",
        "title": "text NOT NULL",
        "description": "text NOT NULL",
        "position": "bigint NOT NULL",
        "template_id": "uuid",
        "template_version": "integer",
        "created_at": "timestamptz NOT NULL",
        "updated_at": "timestamptz NOT NULL",
        "deleted": "boolean NOT NULL",
        "version": "integer NOT NULL",
        "issue_ids": "uuid[] NOT NULL",
    },
    ("(run_id)", "(run_id) WHERE issue_ids <> '{}'", "(card_id) WHERE deleted"),
)


def project(change: Change, rows: Rows) -> None:
    card, event = change.stream_id, change.event
    match event:
        case CardAdded():
            rows.put(
                CARDS,
                card,
                run_id=change.root_id,
                title=event.title,
                description=event.description,
                position=event.order,
                template_id=event.template_id,
                template_version=event.template_version,
                created_at=change.at,
                updated_at=change.at,
                deleted=False,
                version=change.version,
                issue_ids=[],
            )
            rows.add(RUNS, change.root_id, card_count=1)
        case CardEdited():
            rows.set(CARDS, card, **told(event))
        case IssueLinked() | IssueUnlinked():
            rows.set(CARDS, card, issue_ids=change.after.issue_ids)
        case CardMoved():
            rows.set(CARDS, card, position=event.order)
        case CardDeleted() | CardRestored():
            sign = -1 if change.after.deleted else 1
            rows.set(CARDS, card, deleted=change.after.deleted)
            rows.add(RUNS, change.root_id, card_count=sign)
            rows.shift(RUNS, change.root_id, card, sign)
    rows.set(CARDS, card, version=change.version, updated_at=change.at)


def reorder(change: Change, rows: Rows) -> None:
    """A renumbering is one event of the run that moves every card."""
    if isinstance(change.event, CardsReordered):
        for position, card_id in enumerate(change.event.card_ids, 1):
            rows.set(CARDS, card_id, position=position, updated_at=change.at)
