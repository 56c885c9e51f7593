"""Bodies of the catalogue."""

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api import bodies
from api.atlas.words import Description, StepTitle, StepType, Title, wrong_type
from domain.card_templates import TemplateStep
from domain.issues import IssueStatus, Priority
from domain.refusals import FieldError
from infra.settings import Settings

ISSUE_DESCRIPTION_BYTES_MAX = 65_536
CHOICES = {"status": tuple(IssueStatus), "priority": tuple(Priority)}

S = TypeVar("S", bound=msgspec.Struct)

Label = Annotated[str, Meta(max_length=255)]
Tag = Annotated[str, Meta(max_length=100)]
Tags = Annotated[list[Tag], Meta(max_length=50)]
Ids = Annotated[list[UUID], Meta(max_length=1_000)]
Blocks = list[dict[str, Any]]


class WriteSystem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Creates a system, or replaces it whole: an omitted description becomes null."""

    system_name: Title
    description: Description | None = None


class CreateAsset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Title
    serial_number: Label | None = None
    part_number: Label | None = None
    revision: Label | None = None
    system_id: UUID | None = None
    description: Description = ""


class UpdateAsset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Title | UnsetType = UNSET
    serial_number: Label | None | UnsetType = UNSET
    part_number: Label | None | UnsetType = UNSET
    revision: Label | None | UnsetType = UNSET
    system_id: UUID | None | UnsetType = UNSET
    description: Description | UnsetType = UNSET


class CreateIssue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title
    description: Blocks = []
    status: IssueStatus = IssueStatus.OPEN
    priority: Priority = Priority.LOW
    tags: Tags = []
    owner: Label = "Unassigned"
    resolution_summary: Description | None = None
    attachment_ids: Ids = []
    session_ids: Ids = []
    system_id: UUID | None = None


class UpdateIssue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title | UnsetType = UNSET
    description: Blocks | UnsetType = UNSET
    status: IssueStatus | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    owner: Label | UnsetType = UNSET
    resolution_summary: Description | None | UnsetType = UNSET
    attachment_ids: Ids | UnsetType = UNSET
    session_ids: Ids | UnsetType = UNSET
    system_id: UUID | None | UnsetType = UNSET


class WriteTemplateStep(TemplateStep, frozen=True, forbid_unknown_fields=True):
    title: StepTitle
    description: Description = ""
    step_type: StepType = "passfail"


class CreateTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title
    description: Description = ""
    steps: Annotated[list[WriteTemplateStep], Meta(max_length=500)] = []
    system_id: UUID | None = None


class UpdateTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    steps: Annotated[list[WriteTemplateStep], Meta(max_length=500)] | UnsetType = UNSET
    system_id: UUID | None | UnsetType = UNSET


def check(kind: type[S], body: dict[str, Any], settings: Settings) -> S:
    """The body as a struct, also by the rules that depend on the deployment or on the whole member."""
    return bodies.check(kind, body, _more(kind, body, settings))


def _more(kind: type[msgspec.Struct], body: dict[str, Any], settings: Settings) -> Iterator[FieldError]:
    steps, blocks = body.get("steps"), body.get("description")
    if kind in (CreateTemplate, UpdateTemplate) and isinstance(steps, list):
        for i, step in enumerate(steps):
            yield from wrong_type(step, f"#/steps/{i}", settings.step_types)
    if kind in (CreateIssue, UpdateIssue) and (size := len(msgspec.json.encode(blocks))) > ISSUE_DESCRIPTION_BYTES_MAX:
        yield FieldError("#/description", "too_long", f"must have at most {ISSUE_DESCRIPTION_BYTES_MAX} bytes; it has {size}")
