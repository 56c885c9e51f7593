"""Partial edits."""

import msgspec

from domain.assets import Asset, AssetCreated, AssetEdited
from domain.differences import applied, asked, begun, edited
from domain.runs import Run, RunEdited
from tests.domain.conftest import number

PUMP = Asset(name="Pump", serial_number="SN-1")
RUN = Run(title="Acceptance", description="", system_id=number(1))


def test_what_is_unset_or_equal_is_no_difference() -> None:
    assert edited(PUMP, AssetEdited()) == []
    assert edited(PUMP, AssetEdited(name="Pump", part_number=None)) == []


def test_a_difference_names_only_what_differs() -> None:
    assert edited(PUMP, AssetEdited(name="Pump", serial_number=None, revision="B")) == [AssetEdited(serial_number=None, revision="B")]


def test_applying_keeps_what_is_unset_and_takes_null_over() -> None:
    assert applied(PUMP, AssetEdited(serial_number=None)) == Asset(name="Pump")
    assert applied(PUMP, AssetEdited()) == PUMP


def test_what_a_caller_leaves_alone_is_left_out() -> None:
    assert edited(RUN, RunEdited(title=asked(None), description=asked("At 13 V"))) == [RunEdited(description="At 13 V")]
    assert msgspec.json.encode(RunEdited(description="")) == b'{"type":"test_run.edited","description":""}'


def test_a_state_begins_with_every_member_of_its_creation() -> None:
    assert begun(Asset, AssetCreated(name="Pump", serial_number="SN-1")) == PUMP
