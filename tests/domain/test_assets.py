"""Assets."""

from domain import assets
from domain.assets import AssetCreated, AssetDeleted, AssetEdited, AssetRestored
from domain.refusals import NotFound, StateConflict
from tests.domain.conftest import Given, number

CREATED = AssetCreated(name="Pump", serial_number="SN-1", revision="A", system_id=number(1))


def test_an_asset_without_a_system_is_shared(given: Given) -> None:
    assert given(AssetCreated(name="Pump")).state.system_id is None


def test_only_the_members_that_differ_are_recorded(given: Given) -> None:
    story = given(CREATED).when(assets.edit, AssetEdited(name="Pump", revision="B")).then(AssetEdited(revision="B"))
    asset = story.state
    assert (asset.name, asset.serial_number, asset.part_number, asset.revision) == ("Pump", "SN-1", None, "B")


def test_null_is_a_value_and_absent_means_leave_it(given: Given) -> None:
    story = given(CREATED).when(assets.edit, AssetEdited(serial_number=None)).then(AssetEdited(serial_number=None))
    assert (story.state.serial_number, story.state.revision) == (None, "A")


def test_an_asset_can_be_shared_with_all_systems_later(given: Given) -> None:
    assert given(CREATED).when(assets.edit, AssetEdited(system_id=None)).then(AssetEdited(system_id=None)).state.system_id is None


def test_an_edit_to_the_present_state_records_nothing(given: Given) -> None:
    given(CREATED).when(assets.edit, AssetEdited()).nothing()
    given(CREATED).when(assets.edit, AssetEdited(name="Pump", part_number=None, system_id=number(1))).nothing()


def test_an_asset_is_deleted_once_and_comes_back_as_it_was(given: Given) -> None:
    story = given(CREATED).when(assets.delete).then(AssetDeleted())
    story.when(assets.delete).refused(NotFound, says="No such asset.")
    assert story.when(assets.restore).then(AssetRestored()).state == given(CREATED).state


def test_a_live_asset_cannot_be_restored(given: Given) -> None:
    given(CREATED).when(assets.restore).refused(StateConflict, says="The asset is not deleted.")
