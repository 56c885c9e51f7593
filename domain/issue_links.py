"""Links of issues to runs, cards and steps; the facts live in the stream of the thing linked."""

from uuid import UUID

from domain.events import Event
from domain.refusals import NotFound


class IssueLinked(Event, frozen=True, tag="issue.linked"):
    issue_id: UUID


class IssueUnlinked(Event, frozen=True, tag="issue.unlinked"):
    issue_id: UUID


def link(linked: tuple[UUID, ...], issue_id: UUID) -> list[Event]:
    """Linking twice is fine and records nothing."""
    return [] if issue_id in linked else [IssueLinked(issue_id=issue_id)]


def unlink(linked: tuple[UUID, ...], issue_id: UUID) -> list[Event]:
    if issue_id not in linked:
        raise NotFound("The issue is not linked here.")
    return [IssueUnlinked(issue_id=issue_id)]


def evolve(linked: tuple[UUID, ...], event: IssueLinked | IssueUnlinked) -> tuple[UUID, ...]:
    """The links after the event, in the order of linking."""
    others = tuple(i for i in linked if i != event.issue_id)
    return (*others, event.issue_id) if isinstance(event, IssueLinked) else others
