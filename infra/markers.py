"""Stand-ins for what only the append knows: the recorded time and the root version of an event."""

from typing import NamedTuple


class At(NamedTuple):
    """The recorded time."""


class Wide(NamedTuple):
    """The root version of the `place`-th event (from 1) of the append."""

    place: int


AT = At()
