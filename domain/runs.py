"""Test runs: what can happen to a campaign's record and what is refused."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import issue_links, tombstones
from domain.differences import applied, asked, edited
from domain.events import Event
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.orders import check_order
from domain.refusals import Closed, StateConflict


class RunCreated(Event, frozen=True, tag="test_run.created"):
    number: int
    title: str
    description: str
    system_id: UUID
    asset_ids: tuple[UUID, ...] = ()


class RunEdited(Event, frozen=True, tag="test_run.edited"):
    """Only the members that changed are set."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


class RunAssetsChanged(Event, frozen=True, tag="test_run.assets_changed"):
    asset_ids: tuple[UUID, ...]


class RunClosed(Event, frozen=True, tag="test_run.closed"):
    reason: str | None = None


class RunReopened(Event, frozen=True, tag="test_run.reopened"):
    reason: str


class RunDeleted(Event, frozen=True, tag="test_run.deleted"):
    pass


class RunRestored(Event, frozen=True, tag="test_run.restored"):
    pass


class CardsReordered(Event, frozen=True, tag="card.reordered"):
    """Every live card of the run, numbered 1..n in this order."""

    card_ids: tuple[UUID, ...]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    description: str
    system_id: UUID
    asset_ids: tuple[UUID, ...] = ()
    issue_ids: tuple[UUID, ...] = ()
    closed: bool = False
    deleted: bool = False


def evolve(run: Run | None, event: Event) -> Run | None:
    match run, event:
        case None, RunCreated():
            return Run(title=event.title, description=event.description, system_id=event.system_id, asset_ids=event.asset_ids)
        case Run(), RunEdited():
            return applied(run, event)
        case Run(), RunAssetsChanged():
            return replace(run, asset_ids=event.asset_ids)
        case Run(), RunClosed():
            return replace(run, closed=True)
        case Run(), RunReopened():
            return replace(run, closed=False)
        case Run(), RunDeleted():
            return replace(run, deleted=True)
        case Run(), RunRestored():
            return replace(run, deleted=False)
        case Run(), IssueLinked() | IssueUnlinked():
            return replace(run, issue_ids=issue_links.evolve(run.issue_ids, event))
    return run


def edit(run: Run, title: str | None, description: str | None, asset_ids: tuple[UUID, ...] | None) -> list[Event]:
    """The members that differ, as facts; nothing when nothing differs."""
    facts = edited(run, RunEdited(title=asked(title), description=asked(description)))
    if asset_ids is not None and asset_ids != run.asset_ids:
        facts.append(RunAssetsChanged(asset_ids=asset_ids))
    return facts


def close(run: Run, reason: str | None) -> list[Event]:
    if run.closed:
        raise Closed("The test run is closed already.")
    return [RunClosed(reason=reason)]


def reopen(run: Run, reason: str) -> list[Event]:
    if not run.closed:
        raise StateConflict("The test run is open.")
    return [RunReopened(reason=reason)]


def delete(run: Run) -> list[Event]:
    return tombstones.delete("test run", run.deleted, RunDeleted())


def restore(run: Run) -> list[Event]:
    return tombstones.restore("test run", run.deleted, RunRestored())


def reorder_cards(present: tuple[UUID, ...], wanted: tuple[UUID, ...]) -> list[Event]:
    """`present`: the live cards in their order now. Refuses a list that does not name each exactly once."""
    check_order(present, wanted, "card")
    return [CardsReordered(card_ids=wanted)]


def number_text(number: int) -> str:
    """`TR-0042` for 42; more digits when needed."""
    return f"TR-{number:04d}"
