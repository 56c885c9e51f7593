"""Systems: the designs under test."""

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain.differences import applied, changed
from domain.events import Event
from domain.refusals import NotFound, StateConflict


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
    match event:
        case SystemCreated():
            return System(system_name=event.system_name, description=event.description)
    if system is None:
        return None
    match event:
        case SystemEdited():
            return applied(system, event)
        case SystemDeleted():
            return replace(system, deleted=True)
        case SystemRestored():
            return replace(system, deleted=False)
    return system


def edit(system: System, wanted: SystemEdited) -> list[Event]:
    difference = changed(system, wanted)
    return [SystemEdited(**difference)] if difference else []


def delete(system: System) -> list[Event]:
    if system.deleted:
        raise NotFound("No such system.")
    return [SystemDeleted()]


def restore(system: System) -> list[Event]:
    if not system.deleted:
        raise StateConflict("The system is not deleted.")
    return [SystemRestored()]
