"""Partial edits: what one really changes, and the state after it."""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from domain.events import Event

S = TypeVar("S", bound=msgspec.Struct)


def edited(present: msgspec.Struct, wanted: Event, unchanged: object = UNSET) -> list[Event]:
    """`wanted` with only those members that differ from the present ones; nothing when none does.

    `unchanged` is the value by which this event says that a member stays as it is.
    """
    difference = {f: v for f, v in _members(wanted, unchanged).items() if not _same(v, getattr(present, f))}
    return [type(wanted)(**difference)] if difference else []


def _same(one: object, other: object) -> bool:
    """Equal and written alike: to Python True is 1 and 1.0, to a reader of JSON they are not."""
    return one == other and msgspec.json.encode(one) == msgspec.json.encode(other)


def applied(present: S, change: Event, unchanged: object = UNSET) -> S:
    """`present` with every member taken over that `change` sets."""
    return msgspec.structs.replace(present, **_members(change, unchanged))


def begun(kind: type[S], created: Event) -> S:
    """The first state: every member as the creation says."""
    return kind(**_members(created))


def _members(event: Event, unchanged: object = UNSET) -> dict[str, Any]:
    members = ((f, getattr(event, f)) for f in event.__struct_fields__)
    return {f: v for f, v in members if v is not unchanged}
