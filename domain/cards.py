"""Test cards: the test cases of a run."""

from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.events import Event
from domain.issue_links import IssueLinked, IssueUnlinked, link_issue, unlink_issue
from domain.refusals import NotFound, StateConflict
from domain.runs import check_order


class CardAdded(Event, frozen=True, tag="card.added"):
    title: str
    description: str
    order: int
    template_id: UUID | None = None
    template_version: int | None = None


class CardEdited(Event, frozen=True, tag="card.edited"):
    """Only the members that changed are set; None means unchanged."""

    title: str | None = None
    description: str | None = None


class CardMoved(Event, frozen=True, tag="card.moved"):
    order: int


class CardDeleted(Event, frozen=True, tag="card.deleted"):
    pass


class CardRestored(Event, frozen=True, tag="card.restored"):
    pass


class StepsReordered(Event, frozen=True, tag="step.reordered"):
    """Every live step of the card, numbered 1..n in this order."""

    step_ids: tuple[UUID, ...]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """Order is not here: a run may renumber all its cards in one event, so it is kept with the run's members."""

    title: str
    description: str
    issue_ids: tuple[UUID, ...] = ()
    deleted: bool = False


def evolve(card: Card | None, event: Event) -> Card | None:
    match event:
        case CardAdded():
            return Card(title=event.title, description=event.description)
    if card is None:
        return None
    match event:
        case CardEdited(title=title, description=description):
            return replace(
                card,
                title=card.title if title is None else title,
                description=card.description if description is None else description,
            )
        case CardDeleted():
            return replace(card, deleted=True)
        case CardRestored():
            return replace(card, deleted=False)
        case IssueLinked() | IssueUnlinked():
            return replace(card, issue_ids=(link_issue if isinstance(event, IssueLinked) else unlink_issue)(card.issue_ids, event.issue_id))
    return card


def edit(card: Card, present_order: int, title: str | None, description: str | None, order: int | None) -> list[Event]:
    facts: list[Event] = []
    new_title = title if title is not None and title != card.title else None
    new_description = description if description is not None and description != card.description else None
    if new_title is not None or new_description is not None:
        facts.append(CardEdited(title=new_title, description=new_description))
    if order is not None and order != present_order:
        facts.append(CardMoved(order=order))
    return facts


def delete(card: Card) -> list[Event]:
    if card.deleted:
        raise NotFound("No such card.")
    return [CardDeleted()]


def restore(card: Card) -> list[Event]:
    if not card.deleted:
        raise StateConflict("The card is not deleted.")
    return [CardRestored()]


def reorder_steps(present: tuple[UUID, ...], wanted: tuple[UUID, ...]) -> list[Event]:
    """`present`: the live steps of the card. Refuses a list that does not name each exactly once."""
    check_order(present, wanted, "step")
    return [StepsReordered(step_ids=wanted)]
