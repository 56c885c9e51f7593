"""Rules as stories: given what happened, when something is decided, then these facts, nothing, or a refusal."""

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any
from uuid import UUID

import pytest

from domain.events import Event
from domain.facts import EVOLVE
from domain.refusals import FieldError, Refusal

Decision = Callable[..., list[Event]]


def state_after(events: Iterable[Event]) -> Any:
    """The fold of a stream; the first event tells which kind of stream it is."""
    first, *later = events
    begun = [(evolve, state) for evolve in EVOLVE.values() if (state := evolve(None, first)) is not None]
    assert len(begun) == 1, f"{first} must begin streams of one kind"
    evolve, state = begun[0]
    return reduce(evolve, later, state)


def number(n: int) -> UUID:
    """A readable id."""
    return UUID(int=n)


class Answer:
    """What a decision came to."""

    def __init__(self, history: tuple[Event, ...], facts: list[Event] | None, refusal: Refusal | None) -> None:
        self.history, self.facts, self.refusal = history, facts, refusal

    def then(self, *facts: Event) -> "Story":
        """Exactly these facts; the story goes on after them."""
        assert self.refusal is None, self.refusal
        assert self.facts == list(facts)
        return Story((*self.history, *facts))

    def nothing(self) -> "Story":
        return self.then()

    def refused(
        self, kind: type[Refusal], *errors: FieldError, pointer: str | None = None, code: str | None = None, says: str | None = None
    ) -> None:
        assert type(self.refusal) is kind, self.facts
        if errors:
            assert self.refusal.errors == errors
        if pointer is not None or code is not None:
            assert [(e.pointer, e.code) for e in self.refusal.errors] == [(pointer, code)]
        if says is not None:
            assert self.refusal.detail == says


class Story:
    """A stream so far."""

    def __init__(self, history: tuple[Event, ...]) -> None:
        self.history = history

    @property
    def state(self) -> Any:
        return state_after(self.history)

    def when(self, decision: Decision, *wanted: Any, **named: Any) -> Answer:
        """Decides on the present state."""
        try:
            return Answer(self.history, decision(self.state, *wanted, **named), None)
        except Refusal as refusal:
            return Answer(self.history, None, refusal)


Given = Callable[..., Story]


@pytest.fixture
def given() -> Given:
    return lambda *events: Story(events)
