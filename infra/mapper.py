"""Events to stored bytes and back: stable names, schema numbers, upcasters on the plain dict."""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from domain.events import Event, name_of
from domain.facts import BY_NAME

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def _null_was_unchanged(plain: dict[str, Any]) -> dict[str, Any]:
    """The first edits wrote null for a member that stayed as it was; now it is left out, as in the catalogue's edits."""
    return {name: value for name, value in plain.items() if value is not None}


# name -> the steps from schema number 1 to 2, 2 to 3, ...; the newest number is one more than there are steps.
UPCASTERS: dict[str, tuple[Upcaster, ...]] = {
    "test_run.edited": (_null_was_unchanged,),
    "card.edited": (_null_was_unchanged,),
    "step.edited": (_null_was_unchanged,),
}

_encoder = msgspec.json.Encoder()


class UnknownEvent(Exception):
    """The log holds an event type or schema number that this release does not know."""


def encode(event: Event) -> bytes:
    """The exact bytes to store: JSON with the event's tag in `type`."""
    return _encoder.encode(event)


def schema_number(name: str) -> int:
    return len(UPCASTERS.get(name, ())) + 1


def number_of(event: Event) -> int:
    return schema_number(name_of(event))


def decode(name: str, number: int, state: bytes) -> Event:
    """The event as this release knows it, older shapes lifted step by step."""
    newest = schema_number(name)
    if name not in BY_NAME or not 1 <= number <= newest:
        raise UnknownEvent(f"{name} schema {number}: this release knows " + (f"up to {newest}" if name in BY_NAME else "no such event"))
    if number == newest:
        return _decoder(name).decode(state)
    plain = msgspec.json.decode(state)
    for upcast in UPCASTERS[name][number - 1 :]:
        plain = upcast(plain)
    return msgspec.convert(plain, BY_NAME[name])


@cache
def _decoder(name: str) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(BY_NAME[name])
