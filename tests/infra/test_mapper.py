"""Stored events: stable names, exact bytes, old shapes lifted, unknown ones refused."""

from typing import Any

import pytest
from hypothesis import given

from domain.events import Event, name_of
from domain.runs import RunClosed
from domain.steps import ExecutionStatus, StepOutcomeRecorded
from infra import mapper
from tests.domain.test_facts import ANY_EVENT

STORED = b'{"status":"failed","extra":[1],"type":"step.outcome_recorded"}'


@given(ANY_EVENT)
def test_every_event_comes_back_from_its_stored_bytes_which_stay_as_they_are(event: Event) -> None:
    state = mapper.encode(event)
    back = mapper.decode(name_of(event), mapper.number_of(event), state)
    assert back == event
    assert mapper.encode(back) == state


def test_what_a_later_release_added_to_an_event_is_passed_over() -> None:
    assert mapper.decode("step.outcome_recorded", 1, STORED) == StepOutcomeRecorded(status=ExecutionStatus.FAILED)


@pytest.mark.parametrize(("name", "number"), [("step.exploded", 1), ("step.outcome_recorded", 2), ("domain.steps:StepAdded", 1)])
def test_an_unknown_name_or_a_later_schema_is_refused_by_name(name: str, number: int) -> None:
    with pytest.raises(mapper.UnknownEvent, match=f"{name} schema {number}"):
        mapper.decode(name, number, STORED)


def test_an_old_shape_is_lifted_step_by_step_on_the_plain_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(plain: dict[str, Any]) -> dict[str, Any]:
        return {"type": plain["type"], "why": plain["comment"]}

    def say_reason(plain: dict[str, Any]) -> dict[str, Any]:
        return {"type": plain["type"], "reason": plain["why"].strip()}

    monkeypatch.setitem(mapper.UPCASTERS, "test_run.closed", (rename, say_reason))
    assert mapper.number_of(RunClosed()) == 3
    assert mapper.decode("test_run.closed", 1, b'{"type":"test_run.closed","comment":" done "}') == RunClosed(reason="done")
    assert mapper.decode("test_run.closed", 2, b'{"type":"test_run.closed","why":"done"}') == RunClosed(reason="done")
    assert mapper.decode("test_run.closed", 3, b'{"type":"test_run.closed","reason":"done"}') == RunClosed(reason="done")
