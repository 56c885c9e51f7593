"""Test cards: the test cases of a run."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import issue_links, tombstones
from domain.differences import applied, asked, edited
from domain.events import Event
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.orders import check_order


class CardAdded(Event, frozen=True, tag="card.added"):
    title: str
    description: str
    order: int
    template_id: UUID | None = None
    template_version: int | None = None


class CardEdited(Event, frozen=True, tag="card.edited"):
    """Only the members that changed are set."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


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
    match card, event:
        case None, CardAdded():
            return Card(title=event.title, description=event.description)
        case Card(), CardEdited():
            return applied(card, event)
        case Card(), CardDeleted():
            return replace(card, deleted=True)
        case Card(), CardRestored():
            return replace(card, deleted=False)
        case Card(), IssueLinked() | IssueUnlinked():
            return replace(card, issue_ids=issue_links.evolve(card.issue_ids, event))
    return card


def edit(card: Card, present_order: int, title: str | None, description: str | None, order: int | None) -> list[Event]:
    facts = edited(card, CardEdited(title=asked(title), description=asked(description)))
    if order is not None and order != present_order:
        facts.append(CardMoved(order=order))
    return facts


def delete(card: Card) -> list[Event]:
    return tombstones.delete("card", card.deleted, CardDeleted())


def restore(card: Card) -> list[Event]:
    return tombstones.restore("card", card.deleted, CardRestored())


def reorder_steps(present: tuple[UUID, ...], wanted: tuple[UUID, ...]) -> list[Event]:
    """`present`: the live steps of the card. Refuses a list that does not name each exactly once."""
    check_order(present, wanted, "step")
    return [StepsReordered(step_ids=wanted)]
