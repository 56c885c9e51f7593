"""What every domain event has in common."""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact in the past tense. Its tag is its stable stored name; a new field needs a default or a new schema number."""


def name_of(event: Event | type[Event]) -> str:
    """The stable stored name, for example `step.outcome_recorded`."""
    return str(event.__struct_config__.tag)
