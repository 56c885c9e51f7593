"""Systems: the designs under test."""

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import tombstones
from domain.differences import applied, begun, edited
from domain.events import Event


class SystemCreated(Event, frozen=True, tag="system.created"):
    system_name: str
    description: str | None = None


class SystemEdited(Event, frozen=True, tag="system.edited"):
    """Only the members that changed are set."""

    system_name: str | UnsetType = UNSET
    description: str | None | UnsetType = UNSET


class SystemDeleted(Event, frozen=True, tag="system.deleted"):
    pass


class SystemRestored(Event, frozen=True, tag="system.restored"):
    pass


class System(msgspec.Struct, frozen=True, kw_only=True):
    system_name: str
    description: str | None = None
    deleted: bool = False


def evolve(system: System | None, event: Event) -> System | None:
    match system, event:
        case None, SystemCreated():
            return begun(System, event)
        case System(), SystemEdited():
            return applied(system, event)
        case System(), SystemDeleted():
            return replace(system, deleted=True)
        case System(), SystemRestored():
            return replace(system, deleted=False)
    return system


def edit(system: System, wanted: SystemEdited) -> list[Event]:
    return edited(system, wanted)


def delete(system: System) -> list[Event]:
    return tombstones.delete("system", system.deleted, SystemDeleted())


def restore(system: System) -> list[Event]:
    return tombstones.restore("system", system.deleted, SystemRestored())
