"""Issues: nonconformances found in testing, followed to their resolution."""

from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain.differences import applied, changed
from domain.events import Event
from domain.refusals import NotFound, StateConflict


class IssueStatus(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    REJECTED = "rejected"


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class IssueCreated(Event, frozen=True, tag="issue.created"):
    """`description` is an array of objects (rich text blocks), kept as sent."""

    title: str
    description: list[dict[str, Any]] = []
    status: IssueStatus = IssueStatus.OPEN
    priority: Priority = Priority.LOW
    tags: list[str] = []
    owner: str = "Unassigned"
    resolution_summary: str | None = None
    attachment_ids: list[UUID] = []
    session_ids: list[UUID] = []
    system_id: UUID | None = None


class IssueEdited(Event, frozen=True, tag="issue.edited"):
    """Only the members that changed are set."""

    title: str | UnsetType = UNSET
    description: list[dict[str, Any]] | UnsetType = UNSET
    status: IssueStatus | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    resolution_summary: str | None | UnsetType = UNSET
    attachment_ids: list[UUID] | UnsetType = UNSET
    session_ids: list[UUID] | UnsetType = UNSET
    system_id: UUID | None | UnsetType = UNSET


class IssueDeleted(Event, frozen=True, tag="issue.deleted"):
    pass


class IssueRestored(Event, frozen=True, tag="issue.restored"):
    pass


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    description: list[dict[str, Any]] = []
    status: IssueStatus = IssueStatus.OPEN
    priority: Priority = Priority.LOW
    tags: list[str] = []
    owner: str = "Unassigned"
    resolution_summary: str | None = None
    attachment_ids: list[UUID] = []
    session_ids: list[UUID] = []
    system_id: UUID | None = None
    deleted: bool = False


def evolve(issue: Issue | None, event: Event) -> Issue | None:
    match event:
        case IssueCreated():
            return Issue(**{f: getattr(event, f) for f in event.__struct_fields__})
    if issue is None:
        return None
    match event:
        case IssueEdited():
            return applied(issue, event)
        case IssueDeleted():
            return replace(issue, deleted=True)
        case IssueRestored():
            return replace(issue, deleted=False)
    return issue


def edit(issue: Issue, wanted: IssueEdited) -> list[Event]:
    difference = changed(issue, wanted)
    return [IssueEdited(**difference)] if difference else []


def delete(issue: Issue) -> list[Event]:
    if issue.deleted:
        raise NotFound("No such issue.")
    return [IssueDeleted()]


def restore(issue: Issue) -> list[Event]:
    if not issue.deleted:
        raise StateConflict("The issue is not deleted.")
    return [IssueRestored()]
