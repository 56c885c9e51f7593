"""Partial edits: what one really changes, and the state after it."""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from domain.events import Event

S = TypeVar("S", bound=msgspec.Struct)
V = TypeVar("V")


def asked(value: V | None) -> V | UnsetType:
    """A member of an edit whose caller says "leave it" by None."""
    return UNSET if value is None else value


def edited(present: msgspec.Struct, wanted: Event) -> list[Event]:
    """`wanted` with only those members that differ from the present ones; nothing when none does."""
    difference = {f: v for f, v in told(wanted).items() if not _same(v, getattr(present, f))}
    return [type(wanted)(**difference)] if difference else []


def _same(one: object, other: object) -> bool:
    """Equal and written alike: to Python True is 1 and 1.0, to a reader of JSON they are not."""
    return one == other and msgspec.json.encode(one) == msgspec.json.encode(other)


def applied(present: S, change: Event) -> S:
    """`present` with every member taken over that `change` sets."""
    return msgspec.structs.replace(present, **told(change))


def begun(kind: type[S], created: Event) -> S:
    """The first state: every member as the creation says."""
    return kind(**told(created))


def told(event: Event) -> dict[str, Any]:
    """The members that an event sets."""
    members = ((f, getattr(event, f)) for f in event.__struct_fields__)
    return {f: v for f, v in members if v is not UNSET}
