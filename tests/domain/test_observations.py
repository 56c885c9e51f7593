"""Observations: the old text stays in the history, the whole new one is the fact."""

from datetime import UTC, datetime

from msgspec import UNSET

from domain import observations
from domain.observations import ObservationDeleted, ObservationEdited, ObservationRecorded
from domain.refusals import NotFound
from tests.domain.conftest import Given, number

NOON = datetime(2026, 4, 13, 12, tzinfo=UTC)
RECORDED = ObservationRecorded(step_id=number(1), text="Smoke", observed_at=NOON)


def test_an_edit_tells_the_whole_observation_after_it(given: Given) -> None:
    story = given(RECORDED).when(observations.edit, "White smoke", UNSET).then(ObservationEdited(text="White smoke", observed_at=NOON))
    assert (story.state.text, story.state.observed_at, story.state.step_id) == ("White smoke", NOON, number(1))


def test_the_time_of_observing_can_be_cleared(given: Given) -> None:
    given(RECORDED).when(observations.edit, None, None).then(ObservationEdited(text="Smoke", observed_at=None))


def test_an_edit_to_the_present_state_records_nothing(given: Given) -> None:
    given(RECORDED).when(observations.edit, None, UNSET).nothing()
    given(RECORDED).when(observations.edit, "Smoke", NOON).nothing()


def test_an_observation_is_deleted_once(given: Given) -> None:
    story = given(RECORDED).when(observations.delete).then(ObservationDeleted())
    assert story.state.deleted
    story.when(observations.delete).refused(NotFound, says="No such observation.")
