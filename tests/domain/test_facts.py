"""The list of events: complete, stable in names, frozen to the bottom, readable again from their bytes."""

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from domain import assets, card_templates, cards, issues, observations, runs, steps, systems, tokens
from domain.events import Event, name_of
from domain.facts import BY_NAME, EVENTS, EVOLVE, Kind

STATES = (
    runs.Run, cards.Card, steps.Step, observations.Observation, systems.System, assets.Asset, issues.Issue,
    card_templates.CardTemplate, tokens.Token,
)  # fmt: skip
NUMBERS = st.integers(1, 2**31 - 1)
BLOCKS = st.lists(st.dictionaries(st.text(), st.none() | st.text() | NUMBERS)).map(tuple)


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a member's type."""
    if get_args(annotation) == (dict[str, Any], ...):
        return BLOCKS
    if annotation is UnsetType:
        return st.just(UNSET)
    if annotation is int:
        return NUMBERS
    if args := get_args(annotation):
        return st.lists(values(args[0])).map(tuple) if get_origin(annotation) is tuple else st.one_of(*map(values, args))
    return anything(annotation) if issubclass(annotation, msgspec.Struct) else st.from_type(annotation)


def anything(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{name: values(hint) for name, hint in get_type_hints(kind).items() if name in kind.__struct_fields__})


ANY_EVENT = st.sampled_from(EVENTS).flatmap(anything)


def parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def test_every_event_is_written_in_the_list() -> None:
    assert set(Event.__subclasses__()) == set(EVENTS)
    assert len(EVENTS) == len(set(EVENTS)) == len(BY_NAME)


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_a_stored_name_is_a_noun_and_a_deed(event: type[Event]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", name_of(event))


def test_every_kind_of_stream_has_its_fold() -> None:
    assert set(EVOLVE) == set(Kind)


@pytest.mark.parametrize("kind", [*EVENTS, *STATES], ids=lambda k: k.__name__)
def test_facts_and_states_are_frozen_to_the_bottom(kind: type[msgspec.Struct]) -> None:
    assert kind.__struct_config__.frozen
    hints = get_type_hints(kind)
    mutable = {name for name in kind.__struct_fields__ if {get_origin(p) or p for p in parts(hints[name])} & {list, set, dict}}
    assert mutable <= ({"description"} if kind.__name__.startswith("Issue") else set()), "an issue's description is JSON objects as sent"


@given(ANY_EVENT)
def test_an_event_reads_back_from_its_bytes_as_it_was(event: Event) -> None:
    stored = msgspec.json.encode(event)
    assert msgspec.json.decode(stored)["type"] == name_of(event)
    assert msgspec.json.decode(stored, type=type(event)) == event


@settings(max_examples=300)
@given(st.sampled_from(Kind), st.lists(ANY_EVENT, max_size=6))
def test_no_event_whatever_makes_a_fold_raise(kind: Kind, events: list[Event]) -> None:
    state = None
    for event in events:
        after = EVOLVE[kind](state, event)
        assert state is None or type(after) is type(state), "what has begun stays of its kind"
        state = after
