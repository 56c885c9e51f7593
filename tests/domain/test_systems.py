"""Systems."""

from domain import systems
from domain.refusals import NotFound, StateConflict
from domain.systems import SystemCreated, SystemDeleted, SystemEdited, SystemRestored
from tests.domain.conftest import Given

CREATED = SystemCreated(system_name="Power Distribution Unit", description="Rev A")


def test_a_description_may_become_null_and_only_that_is_recorded(given: Given) -> None:
    wanted = SystemEdited(system_name="Power Distribution Unit", description=None)
    story = given(CREATED).when(systems.edit, wanted).then(SystemEdited(description=None))
    assert (story.state.system_name, story.state.description) == ("Power Distribution Unit", None)


def test_replacing_a_system_by_itself_records_nothing(given: Given) -> None:
    given(CREATED).when(systems.edit, SystemEdited(system_name="Power Distribution Unit", description="Rev A")).nothing()


def test_a_system_is_deleted_once_and_comes_back_as_it_was(given: Given) -> None:
    story = given(CREATED).when(systems.delete).then(SystemDeleted())
    story.when(systems.delete).refused(NotFound, says="No such system.")
    assert story.when(systems.restore).then(SystemRestored()).state == given(CREATED).state


def test_a_live_system_cannot_be_restored(given: Given) -> None:
    given(CREATED).when(systems.restore).refused(StateConflict, says="The system is not deleted.")
