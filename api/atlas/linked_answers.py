"""Small objects that stand inside others."""

from uuid import UUID

import msgspec

from domain.issues import IssueStatus, Priority


class IssueReference(msgspec.Struct):
    """A linked issue with its values of today."""

    uuid: UUID
    title: str
    status: IssueStatus
    priority: Priority
