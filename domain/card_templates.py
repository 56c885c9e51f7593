"""Card templates: reusable test cases. Every change makes a new version; cards pin the one they came from."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain.differences import applied, changed
from domain.events import Event
from domain.refusals import NotFound, StateConflict


class TemplateStep(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    description: str = ""
    step_type: str = "passfail"


class CardTemplateCreated(Event, frozen=True, tag="card_template.created"):
    title: str
    description: str = ""
    steps: list[TemplateStep] = []
    system_id: UUID | None = None


class CardTemplateEdited(Event, frozen=True, tag="card_template.edited"):
    """Only the members that changed are set; it makes the template's next version."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    steps: list[TemplateStep] | UnsetType = UNSET
    system_id: UUID | None | UnsetType = UNSET


class CardTemplateDeleted(Event, frozen=True, tag="card_template.deleted"):
    pass


class CardTemplateRestored(Event, frozen=True, tag="card_template.restored"):
    pass


class CardTemplate(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    description: str = ""
    steps: list[TemplateStep] = []
    system_id: UUID | None = None
    version: int = 1
    deleted: bool = False


def evolve(template: CardTemplate | None, event: Event) -> CardTemplate | None:
    match event:
        case CardTemplateCreated():
            return CardTemplate(**{f: getattr(event, f) for f in event.__struct_fields__})
    if template is None:
        return None
    match event:
        case CardTemplateEdited():
            return replace(applied(template, event), version=template.version + 1)
        case CardTemplateDeleted():
            return replace(template, deleted=True)
        case CardTemplateRestored():
            return replace(template, deleted=False)
    return template


def edit(template: CardTemplate, wanted: CardTemplateEdited) -> list[Event]:
    difference = changed(template, wanted)
    return [CardTemplateEdited(**difference)] if difference else []


def delete(template: CardTemplate) -> list[Event]:
    if template.deleted:
        raise NotFound("No such card template.")
    return [CardTemplateDeleted()]


def restore(template: CardTemplate) -> list[Event]:
    if not template.deleted:
        raise StateConflict("The card template is not deleted.")
    return [CardTemplateRestored()]
