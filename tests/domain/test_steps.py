"""Steps: definition and outcome, after the table of the Atlas contract."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import steps
from domain.refusals import FieldError, Invalid, NotFound, StateConflict
from domain.steps import ExecutionStatus, Outcome, StepAdded, StepDeleted, StepEdited, StepMoved, StepOutcomeRecorded, StepRestored
from tests.domain.conftest import Given, number

TODO, DONE, PASSED, EXCEPTED, FAILED = ExecutionStatus
ADDED = StepAdded(card_id=number(1), title="Apply 13 V", description="", step_type="passfail", order=1)
NOON = datetime(2026, 4, 13, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
NOTED = StepOutcomeRecorded(status=EXCEPTED, exception="Re-test once")
TIMED = StepOutcomeRecorded(status=PASSED, started_at=NOON, ended_at=LATER)
RECORDED = {s: StepOutcomeRecorded(status=s) for s in ExecutionStatus}
CLEARS = [None, ""]


def test_a_new_step_is_to_do_without_exception_or_times(given: Given) -> None:
    step = given(ADDED).state
    assert (step.status, step.exception, step.started_at, step.ended_at) == (TODO, None, None, None)
    assert (step.card_id, step.title, step.deleted) == (number(1), "Apply 13 V", False)


@pytest.mark.parametrize("before", ExecutionStatus)
@pytest.mark.parametrize("after", ExecutionStatus)
def test_any_change_of_status_is_allowed_and_always_recorded(given: Given, before: ExecutionStatus, after: ExecutionStatus) -> None:
    story = given(ADDED, RECORDED[before]).when(steps.record_outcome, Outcome(status=after)).then(RECORDED[after])
    assert story.state.status is after


def test_an_equal_outcome_is_recorded_again_because_repeating_a_test_is_a_fact(given: Given) -> None:
    given(ADDED, NOTED).when(steps.record_outcome, Outcome(status=EXCEPTED)).then(NOTED)
    given(ADDED, TIMED).when(steps.record_outcome, Outcome(status=PASSED, started_at=NOON, ended_at=LATER)).then(TIMED)


def test_an_outcome_that_names_nothing_records_nothing(given: Given) -> None:
    given(ADDED, NOTED).when(steps.record_outcome, Outcome()).nothing()


def test_status_and_exception_are_stored_together(given: Given) -> None:
    story = given(ADDED).when(steps.record_outcome, Outcome(status=EXCEPTED, exception="Re-test once")).then(NOTED)
    assert (story.state.status, story.state.exception) == (EXCEPTED, "Re-test once")


def test_an_exception_is_not_required_with_its_status(given: Given) -> None:
    given(ADDED).when(steps.record_outcome, Outcome(status=EXCEPTED)).then(RECORDED[EXCEPTED])


def test_an_exception_can_be_added_and_changed_later(given: Given) -> None:
    story = given(ADDED, RECORDED[EXCEPTED]).when(steps.record_outcome, Outcome(exception="Re-test once")).then(NOTED)
    story.when(steps.record_outcome, Outcome(exception="Twice")).then(StepOutcomeRecorded(status=EXCEPTED, exception="Twice"))
    story.when(steps.record_outcome, Outcome(exception="Re-test once")).nothing()


@pytest.mark.parametrize("status", [TODO, DONE, PASSED, FAILED])
def test_leaving_passed_with_exception_clears_the_exception(given: Given, status: ExecutionStatus) -> None:
    story = given(ADDED, NOTED).when(steps.record_outcome, Outcome(status=status)).then(RECORDED[status])
    assert story.state.exception is None


@pytest.mark.parametrize("clear", CLEARS)
def test_null_and_empty_text_clear_the_exception_and_keep_the_status(given: Given, clear: str | None) -> None:
    given(ADDED, NOTED).when(steps.record_outcome, Outcome(exception=clear)).then(RECORDED[EXCEPTED])
    given(ADDED, NOTED).when(steps.record_outcome, Outcome(status=EXCEPTED, exception=clear)).then(RECORDED[EXCEPTED])


@pytest.mark.parametrize("clear", CLEARS)
@pytest.mark.parametrize("status", ExecutionStatus)
def test_clearing_an_exception_that_is_not_there_records_nothing(given: Given, status: ExecutionStatus, clear: str | None) -> None:
    given(ADDED, RECORDED[status]).when(steps.record_outcome, Outcome(exception=clear)).nothing()


@pytest.mark.parametrize("clear", CLEARS)
@pytest.mark.parametrize("status", [TODO, DONE, PASSED, FAILED])
def test_clearing_is_fine_with_every_status(given: Given, status: ExecutionStatus, clear: str | None) -> None:
    given(ADDED, NOTED).when(steps.record_outcome, Outcome(status=status, exception=clear)).then(RECORDED[status])


@pytest.mark.parametrize("status", [TODO, DONE, PASSED, FAILED])
def test_an_exception_goes_with_no_other_resulting_status(given: Given, status: ExecutionStatus) -> None:
    refusal = {"pointer": "#/exception", "code": "not_allowed", "says": "exception goes with the status passed_with_exception only"}
    given(ADDED, RECORDED[status]).when(steps.record_outcome, Outcome(exception="x")).refused(Invalid, **refusal)
    given(ADDED).when(steps.record_outcome, Outcome(status=status, exception="x")).refused(Invalid, **refusal)
    given(ADDED, NOTED).when(steps.record_outcome, Outcome(status=status, exception="Re-test once")).refused(Invalid, **refusal)


def test_a_blank_exception_is_still_a_text(given: Given) -> None:
    given(ADDED, NOTED).when(steps.record_outcome, Outcome(exception=" ")).then(StepOutcomeRecorded(status=EXCEPTED, exception=" "))
    given(ADDED).when(steps.record_outcome, Outcome(exception=" ")).refused(Invalid, pointer="#/exception", code="not_allowed")


def test_times_are_kept_as_claimed_and_nothing_sets_them_by_itself(given: Given) -> None:
    story = given(ADDED).when(steps.record_outcome, Outcome(status=PASSED, started_at=NOON, ended_at=LATER)).then(TIMED)
    assert (story.state.started_at, story.state.ended_at) == (NOON, LATER)
    story.when(steps.record_outcome, Outcome(status=FAILED)).then(StepOutcomeRecorded(status=FAILED, started_at=NOON, ended_at=LATER))
    given(ADDED).when(steps.record_outcome, Outcome(status=DONE)).then(RECORDED[DONE])


def test_times_alone_are_recorded_only_where_they_differ(given: Given) -> None:
    given(ADDED, TIMED).when(steps.record_outcome, Outcome(started_at=NOON, ended_at=LATER)).nothing()
    given(ADDED, TIMED).when(steps.record_outcome, Outcome(ended_at=None)).then(StepOutcomeRecorded(status=PASSED, started_at=NOON))
    given(ADDED, TIMED).when(steps.record_outcome, Outcome(started_at=None, ended_at=None)).then(RECORDED[PASSED])


def test_a_step_may_end_in_the_moment_it_starts(given: Given) -> None:
    given(ADDED).when(steps.record_outcome, Outcome(started_at=NOON, ended_at=NOON)).then(
        StepOutcomeRecorded(status=TODO, started_at=NOON, ended_at=NOON)
    )


@pytest.mark.parametrize("wanted", [Outcome(started_at=LATER, ended_at=NOON), Outcome(status=PASSED, started_at=LATER, ended_at=NOON)])
def test_a_step_cannot_end_before_it_starts(given: Given, wanted: Outcome) -> None:
    given(ADDED).when(steps.record_outcome, wanted).refused(
        Invalid, pointer="#/ended_at", code="out_of_range", says="ended_at must not be before started_at"
    )


def test_the_resulting_times_count_not_only_those_sent(given: Given) -> None:
    given(ADDED, TIMED).when(steps.record_outcome, Outcome(ended_at=NOON - timedelta(seconds=1))).refused(
        Invalid, FieldError("#/ended_at", "out_of_range", "must not be before started_at")
    )
    given(ADDED, TIMED).when(steps.record_outcome, Outcome(started_at=LATER + timedelta(seconds=1))).refused(
        Invalid, FieldError("#/started_at", "out_of_range", "must not be after ended_at")
    )


def test_a_time_can_be_moved_once_the_other_is_cleared_with_it(given: Given) -> None:
    after = LATER + timedelta(hours=1)
    given(ADDED, TIMED).when(steps.record_outcome, Outcome(started_at=after, ended_at=None)).then(
        StepOutcomeRecorded(status=PASSED, started_at=after)
    )


def test_all_errors_of_an_outcome_are_told_at_once_where_the_caller_wrote_them(given: Given) -> None:
    wanted = Outcome(status=FAILED, exception="x", started_at=LATER, ended_at=NOON)
    given(ADDED).when(steps.record_outcome, wanted, "#/results/3").refused(
        Invalid,
        FieldError("#/results/3/exception", "not_allowed", "goes with the status passed_with_exception only"),
        FieldError("#/results/3/ended_at", "out_of_range", "must not be before started_at"),
    )


def test_a_definition_is_edited_by_the_members_that_differ(given: Given) -> None:
    story = given(ADDED).when(steps.edit, 1, "Apply 14 V", "", 1).then(StepEdited(title="Apply 14 V"))
    story.when(steps.edit, 1, None, "slowly", 3).then(StepEdited(description="slowly"), StepMoved(order=3))
    assert story.state.title == "Apply 14 V"


def test_editing_leaves_the_outcome_alone(given: Given) -> None:
    step = given(ADDED, NOTED, StepEdited(title="Apply 14 V"), StepMoved(order=3)).state
    assert (step.status, step.exception) == (EXCEPTED, "Re-test once")


def test_an_edit_to_the_present_state_records_nothing(given: Given) -> None:
    given(ADDED).when(steps.edit, 1, None, None, None).nothing()
    given(ADDED).when(steps.edit, 1, "Apply 13 V", "", 1).nothing()


def test_a_deleted_step_is_not_there_for_a_second_delete(given: Given) -> None:
    given(ADDED).when(steps.delete).then(StepDeleted()).when(steps.delete).refused(NotFound, says="No such step.")


def test_a_deleted_step_comes_back_with_its_outcome(given: Given) -> None:
    assert given(ADDED, NOTED, StepDeleted()).when(steps.restore).then(StepRestored()).state == given(ADDED, NOTED).state


def test_a_live_step_cannot_be_restored(given: Given) -> None:
    given(ADDED).when(steps.restore).refused(StateConflict, says="The step is not deleted.")
