"""A recorded event together with what it changed: what projectors are given."""

from typing import Any
from uuid import UUID

import msgspec

from domain.events import Event
from domain.facts import Kind

HOST = UUID(int=0)  # who acts when nobody asked: the machine itself


class Change(msgspec.Struct, frozen=True, gc=False):
    """`at` and `wide` (time and root version) are values in a replay and markers of the append in a live write.

    `before` and `after` are the states of the event's own stream that the domain's `evolve` gives.
    """

    kind: Kind
    stream_id: UUID
    version: int
    root_id: UUID
    wide: Any
    at: Any
    actor_id: UUID
    event: Event
    before: Any
    after: Any
