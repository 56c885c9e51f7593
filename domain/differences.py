"""What a partial update really changes."""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

S = TypeVar("S", bound=msgspec.Struct)


def changed(present: msgspec.Struct, wanted: msgspec.Struct) -> dict[str, Any]:
    """The members of `wanted` that are set and differ from the member of the same name in `present`."""
    members = ((f, getattr(wanted, f)) for f in wanted.__struct_fields__)
    return {f: v for f, v in members if v is not UNSET and v != getattr(present, f)}


def applied(present: S, change: msgspec.Struct) -> S:
    """`present` with every set member of `change` taken over."""
    members = {f: getattr(change, f) for f in change.__struct_fields__}
    return msgspec.structs.replace(present, **{f: v for f, v in members.items() if v is not UNSET})
