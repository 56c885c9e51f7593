"""Test runs: what can happen to a campaign's record and what is refused."""

from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.events import Event
from domain.issue_links import IssueLinked, IssueUnlinked, link_issue, unlink_issue
from domain.refusals import Closed, Invalid, NotFound, StateConflict


class RunCreated(Event, frozen=True, tag="test_run.created"):
    number: int
    title: str
    description: str
    system_id: UUID
    asset_ids: tuple[UUID, ...] = ()


class RunEdited(Event, frozen=True, tag="test_run.edited"):
    """Only the members that changed are set; None means unchanged."""

    title: str | None = None
    description: str | None = None


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


RunEvent = (
    RunCreated
    | RunEdited
    | RunAssetsChanged
    | RunClosed
    | RunReopened
    | RunDeleted
    | RunRestored
    | CardsReordered
    | IssueLinked
    | IssueUnlinked
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    description: str
    system_id: UUID
    asset_ids: tuple[UUID, ...] = ()
    issue_ids: tuple[UUID, ...] = ()
    closed: bool = False
    deleted: bool = False


def evolve(run: Run | None, event: Event) -> Run | None:
    if run is None:
        return _begin(event)
    match event:
        case RunEdited(title=title, description=description):
            return replace(
                run,
                title=run.title if title is None else title,
                description=run.description if description is None else description,
            )
        case RunAssetsChanged(asset_ids=ids):
            return replace(run, asset_ids=ids)
        case RunClosed():
            return replace(run, closed=True)
        case RunReopened():
            return replace(run, closed=False)
        case RunDeleted():
            return replace(run, deleted=True)
        case RunRestored():
            return replace(run, deleted=False)
        case IssueLinked() | IssueUnlinked():
            return replace(run, issue_ids=(link_issue if isinstance(event, IssueLinked) else unlink_issue)(run.issue_ids, event.issue_id))
    return run


def _begin(event: Event) -> Run | None:
    match event:
        case RunCreated():
            return Run(title=event.title, description=event.description, system_id=event.system_id, asset_ids=event.asset_ids)
    return None


def edit(run: Run, title: str | None, description: str | None, asset_ids: tuple[UUID, ...] | None) -> list[Event]:
    """The members that differ, as facts; nothing when nothing differs."""
    facts: list[Event] = []
    new_title = title if title is not None and title != run.title else None
    new_description = description if description is not None and description != run.description else None
    if new_title is not None or new_description is not None:
        facts.append(RunEdited(title=new_title, description=new_description))
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
    if run.deleted:
        raise NotFound("No such test run.")
    return [RunDeleted()]


def restore(run: Run) -> list[Event]:
    if not run.deleted:
        raise StateConflict("The test run is not deleted.")
    return [RunRestored()]


def reorder_cards(present: tuple[UUID, ...], wanted: tuple[UUID, ...]) -> list[Event]:
    """`present`: the live cards in their order now. Refuses a list that does not name each exactly once."""
    check_order(present, wanted, "card")
    return [CardsReordered(card_ids=wanted)]


def check_order(present: tuple[UUID, ...], wanted: tuple[UUID, ...], noun: str) -> None:
    if len(set(wanted)) != len(wanted):
        raise Invalid.one("#/ids", "duplicate", f"must name every {noun} once")
    if unknown := set(wanted) - set(present):
        raise Invalid.one("#/ids", "not_found", f"names no live {noun} here: {', '.join(sorted(map(str, unknown)))}")
    if missing := set(present) - set(wanted):
        raise Invalid.one("#/ids", "required", f"must also name the {noun}s {', '.join(sorted(map(str, missing)))}")


def number_text(number: int) -> str:
    """`TR-0042` for 42; more digits when needed."""
    return f"TR-{number:04d}"
