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


def link_issue(linked: tuple[UUID, ...], issue_id: UUID) -> tuple[UUID, ...]:
    return (*linked, issue_id)


def unlink_issue(linked: tuple[UUID, ...], issue_id: UUID) -> tuple[UUID, ...]:
    return tuple(i for i in linked if i != issue_id)
