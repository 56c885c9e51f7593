"""What may be asked of systems, assets, issues and card templates."""

from types import ModuleType
from uuid import UUID

from msgspec import UNSET

from commands.references import References
from commands.work import Work
from domain import assets, card_templates, issues, systems
from domain.events import Event
from domain.facts import Kind
from domain.refusals import Forbidden, Invalid
from infra.append import NewRoot

NOUNS: dict[Kind, ModuleType] = {
    Kind.SYSTEM: systems,
    Kind.ASSET: assets,
    Kind.ISSUE: issues,
    Kind.CARD_TEMPLATE: card_templates,
}


def permit(work: Work, kind: Kind) -> None:
    """What is shared by all systems, and the set of systems itself, is written with a token that is not limited to some."""
    if work.ask.actor.system_ids is None:
        return
    if work.head is None and kind is Kind.SYSTEM:
        raise Forbidden("Creating a system needs a token that is not limited to some systems.")
    if work.head is not None and work.head.system_id is None:
        raise Forbidden("Changing something shared by all systems needs a token that is not limited to some systems.")


async def create(work: Work, kind: Kind, fact: Event, *, system_given: bool = True) -> UUID:
    """A new entity. A token limited to one system creates in that system by default; limited to several it must name one."""
    limited = work.ask.actor.system_ids
    system_id: UUID | None = getattr(fact, "system_id", None)
    if kind is not Kind.SYSTEM and limited is not None and system_id is None:
        system_id = _default_system(limited, system_given=system_given)
        fact = type(fact)(**({f: getattr(fact, f) for f in fact.__struct_fields__} | {"system_id": system_id}))
    await _check_system(work, system_id)
    entity_id = work.new_id()
    work.begin_root(entity_id, NewRoot(kind, None, entity_id if kind is Kind.SYSTEM else system_id))
    work.record(kind, entity_id, [fact])
    return entity_id


def _default_system(limited: frozenset[UUID], *, system_given: bool) -> UUID:
    if system_given:
        raise Forbidden("Creating something shared by all systems needs a token that is not limited to some systems.")
    if len(limited) != 1:
        raise Invalid.one("#/system_id", "required", "is required with a token that is limited to several systems")
    return next(iter(limited))


async def edit(work: Work, kind: Kind, wanted: Event) -> None:
    """`wanted`: the noun's Edited event with the members the caller sent."""
    entity = work.root
    facts = NOUNS[kind].edit(entity.state, wanted)
    moved = [f.system_id for f in facts if getattr(f, "system_id", UNSET) is not UNSET]
    if None in moved and work.ask.actor.system_ids is not None:
        raise Forbidden("Sharing something with all systems needs a token that is not limited to some systems.")
    await _check_system(work, next(iter(moved), None))
    work.require_match(entity)
    work.record(kind, entity.stream_id, facts)
    if moved:
        work.move_to_system(work.root.state.system_id)


async def delete(work: Work, kind: Kind) -> None:
    work.require_match(work.root, wide=True)
    work.record(kind, work.root_id, NOUNS[kind].delete(work.root.state))
    work.turn("deleted")


async def restore(work: Work, kind: Kind) -> None:
    work.require_match(work.root)
    work.record(kind, work.root_id, NOUNS[kind].restore(work.root.state))
    work.turn("open")


async def _check_system(work: Work, system_id: UUID | None) -> None:
    references = References()
    references.want("#/system_id", Kind.SYSTEM, system_id)
    await references.resolve(work)
