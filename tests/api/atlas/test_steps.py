"""Steps: definition, outcome, order."""

from typing import Any

import pytest

from tests.api.making import campaign, errors, made, problem, version
from tests.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEP = {
    "uuid", "title", "description", "order", "step_type", "execution_status", "exception", "started_at", "ended_at",
    "observations", "test_data", "issues", "reports", "created_at", "updated_at",
}  # fmt: skip


async def test_a_new_step_has_yet_to_be_done(shared: World) -> None:
    here = await campaign(shared, 0)
    answer = await shared.engineer("POST", f"{here.card_path}/steps", {"title": "Apply 13V to input rail"})
    step = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/api/v1{here.card_path}/steps/{step['uuid']}")
    assert step.keys() == STEP
    assert {k: v for k, v in step.items() if k not in ("uuid", "created_at", "updated_at")} == {
        "title": "Apply 13V to input rail", "description": "", "order": 1, "step_type": "passfail", "execution_status": "todo", "exception": None,
        "started_at": None, "ended_at": None, "observations": [], "test_data": [], "issues": [], "reports": [],
    }  # fmt: skip
    assert step["created_at"] == step["updated_at"]
    assert (await shared.engineer("GET", f"{here.card_path}/steps/{step['uuid']}")).json() == step


async def test_every_wrong_member_of_a_new_step_is_named_at_once(shared: World) -> None:
    here = await campaign(shared, 0)
    body = {
        "title": " ",
        "description": None,
        "step_type": "other",
        "order": 0,
        "execution_status": "done",
        "exception": None,
        "started_at": None,
        "ended_at": None,
    }
    assert errors(await shared.engineer("POST", f"{here.card_path}/steps", body)) == {
        ("#/title", "blank"), ("#/description", "invalid_type"), ("#/step_type", "invalid_value"), ("#/order", "out_of_range"),
        ("#/execution_status", "unknown_field"), ("#/exception", "unknown_field"), ("#/started_at", "unknown_field"), ("#/ended_at", "unknown_field"),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["passfail", "checklist", "measurement", "information"])
@pytest.mark.parametrize("status", ["todo", "done", "passed", "passed_with_exception", "failed"])
async def test_a_step_of_any_type_takes_any_status(shared: World, kind: str, status: str) -> None:
    here = await campaign(shared, 0)
    step = await made(shared.engineer, f"{here.card_path}/steps", {"title": "a", "step_type": kind, "order": None})
    answer = await shared.engineer("PATCH", f"{here.card_path}/steps/{step['uuid']}", {"execution_status": status})
    assert (answer.status_code, answer.json()["step_type"], answer.json()["execution_status"]) == (200, kind, status)


@pytest.mark.parametrize("value", ["step_type", "template_id", "card_id"])
async def test_what_a_step_is_cannot_be_changed(shared: World, value: str) -> None:
    here = await campaign(shared)
    assert errors(await shared.engineer("PATCH", here.step_path, {value: "passfail"})) == {(f"#/{value}", "unknown_field")}


@pytest.mark.parametrize(
    ("status", "code"),
    [(None, "invalid_type"), ("PASSED", "invalid_value"), ("", "invalid_value"), ("skipped", "invalid_value"), (1, "invalid_type")],
)
async def test_another_status_is_refused(shared: World, status: Any, code: str) -> None:
    here = await campaign(shared)
    assert errors(await shared.engineer("PATCH", here.step_path, {"execution_status": status})) == {("#/execution_status", code)}


@pytest.mark.parametrize(
    ("present", "change", "after"),
    [
        ("todo", {"execution_status": "passed_with_exception", "exception": "Re-test once"}, ("passed_with_exception", "Re-test once")),
        ("todo", {"execution_status": "passed_with_exception"}, ("passed_with_exception", None)),
        ("passed_with_exception", {"execution_status": "failed"}, ("failed", None)),
        ("passed_with_exception", {"exception": ""}, ("passed_with_exception", None)),
        ("passed_with_exception", {"exception": None}, ("passed_with_exception", None)),
        ("passed_with_exception", {"exception": "other"}, ("passed_with_exception", "other")),
        ("passed_with_exception", {"execution_status": "passed_with_exception"}, ("passed_with_exception", "noted")),
        ("passed_with_exception", {"execution_status": "passed", "exception": ""}, ("passed", None)),
        ("passed_with_exception", {"title": "x"}, ("passed_with_exception", "noted")),
        ("passed", {"exception": None}, ("passed", None)),
        ("passed", {"execution_status": "failed", "exception": None}, ("failed", None)),
    ],
)
async def test_an_exception_goes_with_its_status_only(shared: World, present: str, change: Any, after: Any) -> None:
    here = await campaign(shared)
    note = {"exception": "noted"} if present == "passed_with_exception" else {}
    await shared.engineer("PATCH", here.step_path, {"execution_status": present, **note})
    step = (await shared.engineer("PATCH", here.step_path, change)).json()
    assert (step["execution_status"], step["exception"]) == after


@pytest.mark.parametrize(
    ("present", "change"),
    [
        ("passed", {"exception": "x"}),
        ("todo", {"execution_status": "failed", "exception": "x"}),
        ("passed_with_exception", {"execution_status": "failed", "exception": "noted"}),
        ("passed_with_exception", {"execution_status": "todo", "exception": " "}),
    ],
)
async def test_an_exception_with_another_status_is_refused(shared: World, present: str, change: Any) -> None:
    here = await campaign(shared)
    note = {"exception": "noted"} if present == "passed_with_exception" else {}
    before = (await shared.engineer("PATCH", here.step_path, {"execution_status": present, **note})).json()
    assert errors(await shared.engineer("PATCH", here.step_path, change)) == {("#/exception", "not_allowed")}
    assert (await shared.engineer("GET", here.step_path)).json() == before


async def test_an_outcome_is_a_fact_each_time_and_the_rest_only_when_it_differs(shared: World) -> None:
    here = await campaign(shared)
    present = await version(shared, here.run)
    for body, events in (
        ({"execution_status": "passed"}, 1),
        ({"execution_status": "passed"}, 1),
        ({"exception": None}, 0),
        ({}, 0),
        ({"title": "Step 0", "description": ""}, 0),
        ({"order": 1}, 0),
        ({"started_at": "2026-04-13T11:00:00Z"}, 1),
        ({"started_at": "2026-04-13T13:00:00+02:00"}, 0),
        ({"started_at": None}, 1),
        ({"title": "b", "order": 2, "execution_status": "todo"}, 3),
    ):
        present += events
        answer = await shared.engineer("PATCH", here.step_path, body)
        assert (answer.status_code, answer.headers["x-run-version"]) == (200, str(present)), body


async def test_nothing_sets_the_times_by_itself(shared: World) -> None:
    here = await campaign(shared)
    for status in ("done", "passed", "failed", "todo"):
        step = (await shared.engineer("PATCH", here.step_path, {"execution_status": status})).json()
        assert (step["started_at"], step["ended_at"]) == (None, None)


async def test_a_step_does_not_end_before_it_starts(shared: World) -> None:
    here = await campaign(shared)
    early, late = "2026-04-13T11:00:00.000001Z", "2026-04-13T11:00:00.000002Z"
    assert errors(await shared.engineer("PATCH", here.step_path, {"started_at": late, "ended_at": early})) == {
        ("#/ended_at", "out_of_range")
    }
    assert (await shared.engineer("PATCH", here.step_path, {"started_at": early, "ended_at": early})).status_code == 200
    assert errors(await shared.engineer("PATCH", here.step_path, {"started_at": late})) == {("#/started_at", "out_of_range")}
    assert (await shared.engineer("PATCH", here.step_path, {"started_at": late, "ended_at": None})).status_code == 200
    assert errors(await shared.engineer("PATCH", here.step_path, {"ended_at": early})) == {("#/ended_at", "out_of_range")}
    both = await shared.engineer("PATCH", here.step_path, {"ended_at": early, "execution_status": "failed", "exception": "x"})
    assert errors(both) == {("#/ended_at", "out_of_range"), ("#/exception", "not_allowed")}


async def test_steps_stand_by_order_then_age(shared: World) -> None:
    here = await campaign(shared, 0)
    for title, order in (("a", 5), ("b", None), ("c", 5), ("d", 1), ("e", 9_007_199_254_740_991)):
        await made(shared.engineer, f"{here.card_path}/steps", {"title": title, "order": order})
    card = (await shared.engineer("GET", here.card_path)).json()
    assert [(s["title"], s["order"]) for s in card["test_steps"]] == [("d", 1), ("a", 5), ("c", 5), ("b", 6), ("e", 9_007_199_254_740_991)]


async def test_a_new_step_comes_after_the_last_live_one(shared: World) -> None:
    here = await campaign(shared, 3)
    last = f"{here.card_path}/steps/{here.steps[2]}"
    await shared.engineer("DELETE", last)
    assert (await made(shared.engineer, f"{here.card_path}/steps", {"title": "x"}))["order"] == 3
    assert (await shared.engineer("POST", f"{last}/restore")).json()["order"] == 3


async def test_renumbering_names_every_live_step_once(shared: World) -> None:
    here = await campaign(shared, 3)
    gone = here.steps[2]
    await shared.engineer("DELETE", f"{here.card_path}/steps/{gone}")
    path, (one, two) = f"{here.card_path}/steps/order", here.steps[:2]
    for ids, code in (
        ([one], "required"),
        ([one, two, one], "duplicate"),
        ([one, two, gone], "not_found"),
        ([one, two, here.card], "not_found"),
    ):
        assert ("#/ids", code) in errors(await shared.engineer("PUT", path, {"ids": ids}))
    assert errors(await shared.engineer("PUT", path, {})) == {("#/ids", "required")}
    assert errors(await shared.engineer("PUT", path, {"ids": [None, "x"]})) == {("#/ids/0", "invalid_type"), ("#/ids/1", "invalid_format")}
    before = await version(shared, here.run)
    answer = await shared.engineer("PUT", path, {"ids": [two.upper(), one]})
    assert [(s["uuid"], s["order"]) for s in answer.json()["items"]] == [(two, 1), (one, 2)]
    assert answer.json()["count"] == 2
    assert await version(shared, here.run) == before + 1


async def test_deleting_twice_is_not_found_and_restoring_what_is_there_a_conflict(shared: World) -> None:
    here = await campaign(shared, 2)
    assert problem(await shared.engineer("POST", f"{here.step_path}/restore")) == (409, "state-conflict")
    assert (await shared.engineer("DELETE", here.step_path)).status_code == 204
    assert problem(await shared.engineer("DELETE", here.step_path)) == (404, "not-found")
    assert problem(await shared.engineer("GET", here.step_path)) == (404, "not-found")
    restored = await shared.engineer("POST", f"{here.step_path}/restore")
    assert (restored.status_code, restored.json()["order"]) == (200, 1)
    await shared.engineer("DELETE", here.step_path)
    await shared.engineer("DELETE", here.card_path)
    assert problem(await shared.engineer("POST", f"{here.step_path}/restore")) == (404, "not-found")
    await shared.engineer("POST", f"{here.card_path}/restore")
    assert [s["uuid"] for s in (await shared.engineer("GET", here.card_path)).json()["test_steps"]] == [here.steps[1]]
