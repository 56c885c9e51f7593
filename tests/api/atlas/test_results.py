"""Outcomes in bulk: all or nothing."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.making import campaign, errors, problem, version
from tests.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


def entry(step: str, status: str = "passed", **more: Any) -> dict[str, Any]:
    return {"test_step_id": step, "execution_status": status, **more}


async def test_steps_come_back_in_the_order_sent(shared: World) -> None:
    here = await campaign(shared, 3)
    before = await version(shared, here.run)
    sent = [
        entry(here.steps[2].upper(), "passed_with_exception", exception="odd"),
        entry(here.steps[0], started_at="2026-04-13T11:00:00Z", ended_at=None),
    ]
    answer = await shared.engineer("POST", f"{here.run_path}/results", {"results": sent})
    items = answer.json()["items"]
    assert (answer.status_code, answer.json()["count"]) == (200, 2)
    assert [(i["uuid"], i["execution_status"], i["exception"], i["started_at"]) for i in items] == [
        (here.steps[2], "passed_with_exception", "odd", None),
        (here.steps[0], "passed", None, "2026-04-13T11:00:00.000000"),
    ]
    assert items[0] == (await shared.engineer("GET", f"{here.card_path}/steps/{here.steps[2]}")).json()
    assert await version(shared, here.run) == before + 2


async def test_every_bad_entry_is_named_and_nothing_is_recorded(shared: World) -> None:
    here, other = await campaign(shared, 6), await campaign(shared)
    before = await version(shared, here.run)
    sent = [
        entry(here.steps[0]),
        entry(here.steps[1], "failed", exception="x"),
        {"test_step_id": here.steps[2]},
        entry("x"),
        entry(here.steps[3], "PASSED"),
        entry(here.steps[4], started_at="2026-04-13"),
        entry(here.steps[5], more=1),
        "x",
    ]
    assert errors(await shared.engineer("POST", f"{here.run_path}/results", {"results": sent})) == {
        ("#/results/1/exception", "not_allowed"),
        ("#/results/2/execution_status", "required"),
        ("#/results/3/test_step_id", "invalid_format"),
        ("#/results/4/execution_status", "invalid_value"),
        ("#/results/5/started_at", "invalid_format"),
        ("#/results/6/more", "unknown_field"),
        ("#/results/7", "invalid_type"),
    }
    late = {"started_at": "2026-04-13T12:00:00Z", "ended_at": "2026-04-13T11:00:00Z"}
    sent = [entry(here.steps[0]), entry(here.steps[0]), entry(here.steps[1], **late), entry(other.steps[0])]
    assert errors(await shared.engineer("POST", f"{here.run_path}/results", {"results": sent})) == {
        ("#/results/1/test_step_id", "duplicate"),
        ("#/results/2/ended_at", "out_of_range"),
        ("#/results/3/test_step_id", "not_found"),
    }
    assert await version(shared, here.run) == before


async def test_a_step_of_another_run_or_a_deleted_one_is_unknown(shared: World) -> None:
    here, other = await campaign(shared, 2), await campaign(shared)
    await shared.engineer("DELETE", here.step_path)
    for step in (other.steps[0], here.steps[0], here.card, here.run, str(uuid4())):
        answer = await shared.engineer("POST", f"{here.run_path}/results", {"results": [entry(here.steps[1]), entry(step)]})
        assert problem(answer) == (422, "unknown-reference")
        assert errors(answer) == {("#/results/1/test_step_id", "not_found")}
    await shared.engineer("DELETE", here.card_path)
    answer = await shared.engineer("POST", f"{here.run_path}/results", {"results": [entry(here.steps[1])]})
    assert problem(answer) == (422, "unknown-reference")


@pytest.mark.parametrize(
    ("body", "error"),
    [({}, "required"), ({"results": []}, "too_short"), ({"results": None}, "invalid_type"), ({"results": {}}, "invalid_type")],
)
async def test_there_must_be_a_list_of_results(shared: World, body: Any, error: str) -> None:
    here = await campaign(shared)
    assert errors(await shared.engineer("POST", f"{here.run_path}/results", body)) == {("#/results", error)}


async def test_five_hundred_fit_and_one_more_does_not(shared: World) -> None:
    here = await campaign(shared, 0)
    steps = [{"title": f"Step {n}"} for n in range(500)]
    template = (await shared.engineer("POST", "/card-templates", {"title": "many", "steps": steps})).json()["uuid"]
    card = (await shared.engineer("POST", f"{here.run_path}/cards", {"template_id": template})).json()
    results = [entry(s["uuid"]) for s in card["test_steps"]]
    assert problem(await shared.engineer("POST", f"{here.run_path}/results", {"results": [*results, results[0]]})) == (
        413,
        "content-too-large",
    )
    answer = await shared.engineer("POST", f"{here.run_path}/results", {"results": results})
    assert answer.json()["count"] == 500
    assert {i["execution_status"] for i in answer.json()["items"]} == {"passed"}
