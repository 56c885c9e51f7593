"""What holds after any sequence of decisions, refused ones among them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import reduce
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from domain import card_templates, cards, issue_links, runs, steps
from domain.card_templates import CardTemplateCreated, CardTemplateEdited, TemplateStep
from domain.cards import CardAdded, CardMoved
from domain.events import Event, name_of
from domain.facts import BY_NAME
from domain.refusals import Refusal
from domain.runs import RunCreated
from domain.steps import ExecutionStatus, Outcome, StepAdded, StepMoved, StepOutcomeRecorded
from infra import mapper
from tests.domain.conftest import number, state_after


class Asked(NamedTuple):
    decision: Callable[..., list[Event]]
    wanted: tuple[Any, ...]


class Noun(NamedTuple):
    begun: Event
    asked: st.SearchStrategy[Asked]


class Turn(NamedTuple):
    before: Any
    facts: list[Event]
    after: Any


def ask(decision: Callable[..., list[Event]], *wanted: st.SearchStrategy[Any]) -> st.SearchStrategy[Asked]:
    return st.tuples(*wanted).map(lambda values: Asked(decision, values))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.just(UNSET) | strategy


IDS = st.integers(1, 4).map(number)
TEXTS = st.none() | st.sampled_from(["", "a", "b"])
TIMES = st.none() | st.integers(0, 3).map(lambda hour: datetime(2026, 4, 13, hour, tzinfo=UTC))
ORDERS = st.none() | st.integers(1, 3)
OUTCOMES = st.builds(
    Outcome, status=maybe(st.sampled_from(ExecutionStatus)), exception=maybe(TEXTS), started_at=maybe(TIMES), ended_at=maybe(TIMES)
)
TEMPLATE_STEPS = st.lists(st.builds(TemplateStep, title=st.sampled_from("ab")), max_size=2).map(tuple)
TEMPLATE_EDITS = st.builds(
    CardTemplateEdited,
    title=maybe(st.sampled_from("ab")),
    description=maybe(st.sampled_from("ab")),
    steps=maybe(TEMPLATE_STEPS),
    system_id=maybe(st.none() | IDS),
)


def link(state: Any, issue_id: Any) -> list[Event]:
    return issue_links.link(state.issue_ids, issue_id)


def unlink(state: Any, issue_id: Any) -> list[Event]:
    return issue_links.unlink(state.issue_ids, issue_id)


LINKS = ask(link, IDS) | ask(unlink, IDS)
RUN = Noun(
    RunCreated(number=1, title="a", description="", system_id=number(1)),
    ask(runs.edit, TEXTS, TEXTS, st.none() | st.lists(IDS, max_size=2).map(tuple))
    | ask(runs.close, TEXTS)
    | ask(runs.reopen, st.just("why"))
    | ask(runs.delete)
    | ask(runs.restore)
    | LINKS,
)
CARD = Noun(
    CardAdded(title="a", description="", order=1),
    ask(cards.edit, st.just(1), TEXTS, TEXTS, ORDERS) | ask(cards.delete) | ask(cards.restore) | LINKS,
)
STEP = Noun(
    StepAdded(card_id=number(1), title="a", description="", step_type="passfail", order=1),
    ask(steps.record_outcome, OUTCOMES)
    | ask(steps.edit, st.just(1), TEXTS, TEXTS, ORDERS)
    | ask(steps.delete)
    | ask(steps.restore)
    | LINKS,
)
TEMPLATE = Noun(
    CardTemplateCreated(title="a"),
    ask(card_templates.edit, TEMPLATE_EDITS) | ask(card_templates.delete) | ask(card_templates.restore),
)
every_noun = pytest.mark.parametrize("noun", [RUN, CARD, STEP, TEMPLATE], ids=lambda noun: type(noun.begun).__name__)
DRAWN = st.data()


def walk(data: st.DataObject, noun: Noun) -> Iterator[Turn]:
    """Decides one after the other; a refusal records nothing."""
    history = [noun.begun]
    for asked in data.draw(st.lists(noun.asked, max_size=12)):
        before = state_after(history)
        try:
            facts = asked.decision(before, *asked.wanted)
        except Refusal:
            facts = []
        history += facts
        yield Turn(before, facts, state_after(history))


@every_noun
@given(DRAWN)
def test_a_stream_reads_back_from_its_bytes_to_the_same_state(noun: Noun, data: st.DataObject) -> None:
    turns = list(walk(data, noun))
    history = [noun.begun, *(fact for turn in turns for fact in turn.facts)]
    stored = [mapper.decode(name_of(e), mapper.number_of(e), mapper.encode(e)) for e in history]
    assert stored == history
    assert reduce(lambda _, turn: turn.after, turns, state_after(history[:1])) == state_after(stored)


@every_noun
@given(DRAWN)
def test_no_change_no_event(noun: Noun, data: st.DataObject) -> None:
    """Only an outcome may repeat the present state; an order is kept outside it."""
    for turn in walk(data, noun):
        if not any(isinstance(fact, (StepOutcomeRecorded, CardMoved, StepMoved)) for fact in turn.facts):
            assert (turn.before == turn.after) is (turn.facts == [])


@every_noun
@given(DRAWN)
def test_deleted_and_restored_take_turns(noun: Noun, data: st.DataObject) -> None:
    deeds = []
    for turn in walk(data, noun):
        deeds += [name_of(fact).split(".")[1] for fact in turn.facts]
        assert turn.after.deleted is (deeds.count("deleted") - deeds.count("restored") == 1)


def to_the_present(state: Any) -> list[Event]:
    match state:
        case runs.Run():
            return runs.edit(state, state.title, state.description, state.asset_ids)
        case cards.Card():
            return cards.edit(state, 1, state.title, state.description, 1)
        case steps.Step():
            return steps.edit(state, 1, state.title, state.description, 1)
    members = {f: getattr(state, f) for f in CardTemplateEdited.__struct_fields__}
    return card_templates.edit(state, CardTemplateEdited(**members))


@every_noun
@given(DRAWN)
def test_an_edit_to_the_present_state_records_nothing(noun: Noun, data: st.DataObject) -> None:
    for turn in walk(data, noun):
        assert to_the_present(turn.after) == []


@given(DRAWN)
def test_a_run_is_closed_between_a_close_and_a_reopen(data: st.DataObject) -> None:
    closed = False
    for turn in walk(data, RUN):
        for fact in turn.facts:
            closed = {"test_run.closed": True, "test_run.reopened": False}.get(name_of(fact), closed)
        assert turn.after.closed is closed


@given(DRAWN)
def test_an_exception_stands_only_with_its_status_and_never_empty(data: st.DataObject) -> None:
    for turn in walk(data, STEP):
        assert turn.after.exception is None or turn.after.status is ExecutionStatus.PASSED_WITH_EXCEPTION
        assert turn.after.exception != ""


@given(DRAWN)
def test_no_step_ends_before_it_starts(data: st.DataObject) -> None:
    for turn in walk(data, STEP):
        assert turn.after.started_at is None or turn.after.ended_at is None or turn.after.started_at <= turn.after.ended_at


@given(DRAWN, OUTCOMES)
def test_an_outcome_twice_leaves_the_state_of_once(data: st.DataObject, wanted: Outcome) -> None:
    state = reduce(lambda _, turn: turn.after, walk(data, STEP), state_after([STEP.begun]))
    try:
        once = reduce(steps.evolve, steps.record_outcome(state, wanted), state)
    except Refusal:
        return
    again = steps.record_outcome(once, wanted)
    assert reduce(steps.evolve, again, once) == once
    assert len(again) == (wanted.status is not UNSET)


@given(DRAWN)
def test_a_templates_version_is_one_more_than_its_edits(data: st.DataObject) -> None:
    edits = 0
    for turn in walk(data, TEMPLATE):
        edits += sum(isinstance(fact, BY_NAME["card_template.edited"]) for fact in turn.facts)
        assert turn.after.version == 1 + edits
