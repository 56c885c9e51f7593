"""Test runs: edited, closed and reopened, deleted and restored."""

import pytest

from domain import runs
from domain.refusals import Closed, FieldError, Invalid, NotFound, StateConflict
from domain.runs import CardsReordered, RunAssetsChanged, RunClosed, RunCreated, RunDeleted, RunEdited, RunReopened, RunRestored
from tests.domain.conftest import Given, number

SYSTEM, PUMP, VALVE = number(1), number(2), number(3)
CREATED = RunCreated(number=42, title="Acceptance", description="", system_id=SYSTEM, asset_ids=(PUMP,))
CLOSED = RunClosed(reason="done")


def test_a_new_run_is_open_and_live(given: Given) -> None:
    run = given(CREATED).state
    assert (run.title, run.description, run.system_id, run.asset_ids) == ("Acceptance", "", SYSTEM, (PUMP,))
    assert not run.closed
    assert not run.deleted
    assert run.issue_ids == ()


def test_only_the_members_that_differ_are_recorded(given: Given) -> None:
    given(CREATED).when(runs.edit, "Acceptance", "At 13 V", None).then(RunEdited(description="At 13 V"))
    given(CREATED).when(runs.edit, "Rev 2", "", None).then(RunEdited(title="Rev 2"))
    given(CREATED).when(runs.edit, "Rev 2", "At 13 V", None).then(RunEdited(title="Rev 2", description="At 13 V"))


def test_an_edit_keeps_what_it_does_not_name(given: Given) -> None:
    run = given(CREATED, RunEdited(description="At 13 V"), RunEdited(title="Rev 2")).state
    assert (run.title, run.description, run.asset_ids) == ("Rev 2", "At 13 V", (PUMP,))


def test_a_description_can_be_emptied(given: Given) -> None:
    story = given(CREATED, RunEdited(description="At 13 V")).when(runs.edit, None, "", None).then(RunEdited(description=""))
    assert story.state.description == ""


def test_an_edit_to_the_present_state_records_nothing(given: Given) -> None:
    given(CREATED).when(runs.edit, None, None, None).nothing()
    given(CREATED).when(runs.edit, "Acceptance", "", (PUMP,)).nothing()


def test_the_list_of_assets_is_replaced_as_a_fact_of_its_own(given: Given) -> None:
    story = (
        given(CREATED)
        .when(runs.edit, "Rev 2", None, (VALVE, PUMP))
        .then(RunEdited(title="Rev 2"), RunAssetsChanged(asset_ids=(VALVE, PUMP)))
    )
    assert story.state.asset_ids == (VALVE, PUMP)
    story.when(runs.edit, None, None, ()).then(RunAssetsChanged(asset_ids=()))


def test_the_order_of_assets_matters(given: Given) -> None:
    changed = RunAssetsChanged(asset_ids=(PUMP, VALVE))
    given(CREATED, changed).when(runs.edit, None, None, (VALVE, PUMP)).then(RunAssetsChanged(asset_ids=(VALVE, PUMP)))


def test_a_run_closes_once(given: Given) -> None:
    story = given(CREATED).when(runs.close, "done").then(CLOSED)
    assert story.state.closed
    story.when(runs.close, "again").refused(Closed, says="The test run is closed already.")


def test_a_run_may_be_closed_without_a_reason(given: Given) -> None:
    given(CREATED).when(runs.close, None).then(RunClosed(reason=None))


def test_a_closed_run_can_be_reopened_and_closed_again(given: Given) -> None:
    story = given(CREATED, CLOSED).when(runs.reopen, "one more test").then(RunReopened(reason="one more test"))
    assert not story.state.closed
    story.when(runs.close, "done").then(CLOSED)


def test_an_open_run_cannot_be_reopened(given: Given) -> None:
    given(CREATED).when(runs.reopen, "why not").refused(StateConflict, says="The test run is open.")


def test_a_deleted_run_is_not_there_for_a_second_delete(given: Given) -> None:
    story = given(CREATED).when(runs.delete).then(RunDeleted())
    assert story.state.deleted
    story.when(runs.delete).refused(NotFound, says="No such test run.")


def test_a_deleted_run_comes_back_as_it_was(given: Given) -> None:
    story = given(CREATED, RunEdited(title="Rev 2"), RunDeleted()).when(runs.restore).then(RunRestored())
    assert story.state == given(CREATED, RunEdited(title="Rev 2")).state


def test_a_live_run_cannot_be_restored(given: Given) -> None:
    given(CREATED).when(runs.restore).refused(StateConflict, says="The test run is not deleted.")
    given(CREATED, RunDeleted(), RunRestored()).when(runs.restore).refused(StateConflict)


def reorder(present: tuple[int, ...], wanted: tuple[int, ...]) -> list[object]:
    return list(runs.reorder_cards(tuple(map(number, present)), tuple(map(number, wanted))))


def test_cards_are_renumbered_by_one_event_that_names_them_all() -> None:
    assert reorder((1, 2, 3), (3, 1, 2)) == [CardsReordered(card_ids=(number(3), number(1), number(2)))]


@pytest.mark.parametrize(
    ("wanted", "code", "message"),
    [
        ((1, 2, 2, 3), "duplicate", "must name every card once"),
        ((1, 2, 3, 4), "not_found", f"names no live card here: {number(4)}"),
        ((1, 2), "required", f"must also name the cards {number(3)}"),
    ],
)
def test_an_order_names_every_live_card_exactly_once(wanted: tuple[int, ...], code: str, message: str) -> None:
    with pytest.raises(Invalid) as refusal:
        reorder((1, 2, 3), wanted)
    assert refusal.value.errors == (FieldError("#/ids", code, message),)
    assert refusal.value.detail == f"ids {message}"


def test_everything_wrong_with_an_order_is_told_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        reorder((1, 2, 3), (1, 1, 4))
    assert [e.code for e in refusal.value.errors] == ["duplicate", "not_found", "required"]


def test_a_wrong_order_names_ten_ids_and_counts_the_rest() -> None:
    with pytest.raises(Invalid) as refusal:
        reorder(tuple(range(25)), ())
    message = refusal.value.errors[0].message
    assert message.startswith("must also name the cards 00000000-")
    assert message.count("00000000-0000") == 10
    assert message.endswith(" and 15 more")


def test_reordering_leaves_the_run_itself_as_it_was(given: Given) -> None:
    assert given(CREATED, CardsReordered(card_ids=(PUMP,))).state == given(CREATED).state


@pytest.mark.parametrize(("n", "text"), [(1, "TR-0001"), (42, "TR-0042"), (9_999, "TR-9999"), (10_000, "TR-10000")])
def test_run_numbers_have_four_digits_and_grow(n: int, text: str) -> None:
    assert runs.number_text(n) == text
