"""Card templates: reusable test cases. Every change makes a new version; cards pin the one they came from."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import tombstones
from domain.differences import applied, begun, edited
from domain.events import Event


class TemplateStep(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    description: str = ""
    step_type: str = "passfail"


class CardTemplateCreated(Event, frozen=True, tag="card_template.created"):
    title: str
    description: str = ""
    steps: tuple[TemplateStep, ...] = ()
    system_id: UUID | None = None


class CardTemplateEdited(Event, frozen=True, tag="card_template.edited"):
    """Only the members that changed are set; it makes the template's next version."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    steps: tuple[TemplateStep, ...] | UnsetType = UNSET
    system_id: UUID | None | UnsetType = UNSET


class CardTemplateDeleted(Event, frozen=True, tag="card_template.deleted"):
    pass


class CardTemplateRestored(Event, frozen=True, tag="card_template.restored"):
    pass


class CardTemplate(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    description: str = ""
    steps: tuple[TemplateStep, ...] = ()
    system_id: UUID | None = None
    version: int = 1
    deleted: bool = False


def evolve(template: CardTemplate | None, event: Event) -> CardTemplate | None:
    match template, event:
        case None, CardTemplateCreated():
            return begun(CardTemplate, event)
        case CardTemplate(), CardTemplateEdited():
            return replace(applied(template, event), version=template.version + 1)
        case CardTemplate(), CardTemplateDeleted():
            return replace(template, deleted=True)
        case CardTemplate(), CardTemplateRestored():
            return replace(template, deleted=False)
    return template


def edit(template: CardTemplate, wanted: CardTemplateEdited) -> list[Event]:
    return edited(template, wanted)


def delete(template: CardTemplate) -> list[Event]:
    return tombstones.delete("card template", template.deleted, CardTemplateDeleted())


def restore(template: CardTemplate) -> list[Event]:
    return tombstones.restore("card template", template.deleted, CardTemplateRestored())
