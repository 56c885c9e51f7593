"""Cards: edited, moved, deleted and restored."""

import pytest

from domain import cards
from domain.cards import CardAdded, CardDeleted, CardEdited, CardMoved, CardRestored, StepsReordered
from domain.refusals import Invalid, NotFound, StateConflict
from tests.domain.conftest import Given, number

ADDED = CardAdded(title="Overvoltage", description="13 V", order=2)


def test_a_card_from_a_template_pins_its_version_in_the_fact(given: Given) -> None:
    pinned = CardAdded(title="Overvoltage", description="13 V", order=2, template_id=number(9), template_version=3)
    assert given(pinned).state == given(ADDED).state
    assert (pinned.template_id, pinned.template_version) == (number(9), 3)


def test_only_the_members_that_differ_are_recorded(given: Given) -> None:
    given(ADDED).when(cards.edit, 2, "Undervoltage", "13 V", 2).then(CardEdited(title="Undervoltage"))
    given(ADDED).when(cards.edit, 2, None, "", None).then(CardEdited(description=""))


def test_a_new_order_is_a_move_and_no_edit(given: Given) -> None:
    given(ADDED).when(cards.edit, 2, None, None, 5).then(CardMoved(order=5))


def test_an_edit_and_a_move_are_two_facts(given: Given) -> None:
    story = given(ADDED).when(cards.edit, 2, "Undervoltage", None, 1).then(CardEdited(title="Undervoltage"), CardMoved(order=1))
    assert (story.state.title, story.state.description) == ("Undervoltage", "13 V")


def test_an_edit_to_the_present_state_records_nothing(given: Given) -> None:
    given(ADDED).when(cards.edit, 2, None, None, None).nothing()
    given(ADDED).when(cards.edit, 2, "Overvoltage", "13 V", 2).nothing()


def test_a_deleted_card_is_not_there_for_a_second_delete(given: Given) -> None:
    given(ADDED).when(cards.delete).then(CardDeleted()).when(cards.delete).refused(NotFound, says="No such card.")


def test_a_deleted_card_comes_back_as_it_was(given: Given) -> None:
    assert given(ADDED, CardDeleted()).when(cards.restore).then(CardRestored()).state == given(ADDED).state


def test_a_live_card_cannot_be_restored(given: Given) -> None:
    given(ADDED).when(cards.restore).refused(StateConflict, says="The card is not deleted.")


def test_steps_are_renumbered_by_one_event_in_the_stream_of_their_card(given: Given) -> None:
    one, two = number(1), number(2)
    assert cards.reorder_steps((one, two), (two, one)) == [StepsReordered(step_ids=(two, one))]
    assert given(ADDED, StepsReordered(step_ids=(two, one))).state == given(ADDED).state


def test_an_order_of_steps_names_every_live_step_exactly_once() -> None:
    with pytest.raises(Invalid, match="must also name the steps"):
        cards.reorder_steps((number(1), number(2)), (number(1),))
    with pytest.raises(Invalid, match="names no live step here"):
        cards.reorder_steps((number(1),), (number(1), number(2)))
