"""What the catalogue answers with, written down for the API document."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.openapi.envelopes import Stamp
from domain.issues import IssueStatus, Priority

OfSystem = Annotated[UUID | None, Meta(description="Null: shared by all systems.")]


class System(msgspec.Struct):
    """What is tested."""

    system_id: UUID
    system_name: str
    description: str | None
    has_blueprints: bool
    created_by: str
    created_at: Stamp
    is_deleted: bool


class Asset(msgspec.Struct):
    """A piece of equipment."""

    uuid: UUID
    name: str
    serial_number: str | None
    part_number: str | None
    revision: str | None
    system_id: OfSystem
    description: str
    created_by: str
    created_at: Stamp
    updated_at: Stamp


class Issue(msgspec.Struct):
    """Something that is wrong."""

    uuid: UUID
    title: str
    description: Annotated[list[dict[str, Any]], Meta(description="Blocks, kept as sent.")]
    status: IssueStatus
    priority: Priority
    tags: list[str]
    owner: str
    resolution_summary: str | None
    attachment_ids: list[UUID]
    session_ids: list[UUID]
    system_id: OfSystem
    created_by: str
    created_at: Stamp
    updated_at: Stamp


class TemplateStep(msgspec.Struct):
    title: str
    description: str
    step_type: str


class CardTemplate(msgspec.Struct):
    """A card to make others from."""

    uuid: UUID
    title: str
    description: str
    version: Annotated[int, Meta(description="Grows by one with every change.", ge=1)]
    system_id: OfSystem
    steps: list[TemplateStep]
    created_by: str
    created_at: Stamp
    updated_at: Stamp
