"""What the catalogue answers with, written down for the API document."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from api.atlas.words import Stamp
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

    EXAMPLE: ClassVar[str] = """{"system_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "system_name": "Power Distribution Unit",
      "description": null, "has_blueprints": false, "created_by": "engineer@example.com", "created_at": "2026-04-13T10:00:00.000000",
      "is_deleted": false}"""


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

    EXAMPLE: ClassVar[str] = """{"uuid": "f4a5b6c7-d8e9-0123-abcd-567890123456", "title": "Input protection", "description": "",
      "version": 2, "system_id": null, "steps": [{"title": "Apply 13V to input rail", "description": "", "step_type": "passfail"}],
      "created_by": "engineer@example.com", "created_at": "2026-04-13T10:10:00.000000", "updated_at": "2026-04-13T10:20:00.000000"}"""
