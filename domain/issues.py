"""Issues: nonconformances found in testing, followed to their resolution."""

from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import tombstones
from domain.differences import applied, begun, edited
from domain.events import Event


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
    description: tuple[dict[str, Any], ...] = ()
    status: IssueStatus = IssueStatus.OPEN
    priority: Priority = Priority.LOW
    tags: tuple[str, ...] = ()
    owner: str = "Unassigned"
    resolution_summary: str | None = None
    attachment_ids: tuple[UUID, ...] = ()
    session_ids: tuple[UUID, ...] = ()
    system_id: UUID | None = None


class IssueEdited(Event, frozen=True, tag="issue.edited"):
    """Only the members that changed are set."""

    title: str | UnsetType = UNSET
    description: tuple[dict[str, Any], ...] | UnsetType = UNSET
    status: IssueStatus | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    resolution_summary: str | None | UnsetType = UNSET
    attachment_ids: tuple[UUID, ...] | UnsetType = UNSET
    session_ids: tuple[UUID, ...] | UnsetType = UNSET
    system_id: UUID | None | UnsetType = UNSET


class IssueDeleted(Event, frozen=True, tag="issue.deleted"):
    pass


class IssueRestored(Event, frozen=True, tag="issue.restored"):
    pass


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    description: tuple[dict[str, Any], ...] = ()
    status: IssueStatus = IssueStatus.OPEN
    priority: Priority = Priority.LOW
    tags: tuple[str, ...] = ()
    owner: str = "Unassigned"
    resolution_summary: str | None = None
    attachment_ids: tuple[UUID, ...] = ()
    session_ids: tuple[UUID, ...] = ()
    system_id: UUID | None = None
    deleted: bool = False


def evolve(issue: Issue | None, event: Event) -> Issue | None:
    match issue, event:
        case None, IssueCreated():
            return begun(Issue, event)
        case Issue(), IssueEdited():
            return applied(issue, event)
        case Issue(), IssueDeleted():
            return replace(issue, deleted=True)
        case Issue(), IssueRestored():
            return replace(issue, deleted=False)
    return issue


def edit(issue: Issue, wanted: IssueEdited) -> list[Event]:
    return edited(issue, wanted)


def delete(issue: Issue) -> list[Event]:
    return tombstones.delete("issue", issue.deleted, IssueDeleted())


def restore(issue: Issue) -> list[Event]:
    return tombstones.restore("issue", issue.deleted, IssueRestored())
