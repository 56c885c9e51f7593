"""Cards: free or from a template, their order, deleting and restoring."""

from typing import Any

import pytest

from tests.api.making import campaign, errors, made, problem, version
from tests.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def cards(world: World, run: str) -> list[tuple[str, int]]:
    shown = (await world.engineer("GET", f"/test-runs/{run}")).json()["test_cards"]
    return [(c["title"], c["order"]) for c in shown]


async def test_a_new_card_is_empty_and_last(shared: World) -> None:
    here = await campaign(shared, 0)
    answer = await shared.engineer(
        "POST", f"{here.run_path}/cards", {"title": "Overvoltage protection", "template_id": None, "order": None}
    )
    card = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/api/v1{here.run_path}/cards/{card['uuid']}")
    assert card == {
        "uuid": card["uuid"], "title": "Overvoltage protection", "description": "", "order": 2, "test_steps": [], "issues": [], "test_data": [],
        "reports": [], "created_at": card["created_at"], "updated_at": card["created_at"], "template_id": None, "template_version": None,
    }  # fmt: skip
    assert (await shared.engineer("GET", f"{here.run_path}/cards/{card['uuid']}")).json() == card


@pytest.mark.parametrize("body", [{}, {"template_id": None}, {"description": "x", "order": 1}])
async def test_a_card_needs_a_title_or_a_template(shared: World, body: Any) -> None:
    here = await campaign(shared, 0)
    assert errors(await shared.engineer("POST", f"{here.run_path}/cards", body)) == {("#/title", "required")}


async def test_every_wrong_member_of_a_card_is_named_at_once(shared: World) -> None:
    here = await campaign(shared, 0)
    body = {"description": 1, "order": "1", "uuid": "x", "template_id": None}
    assert errors(await shared.engineer("POST", f"{here.run_path}/cards", body)) == {
        ("#/title", "required"), ("#/description", "invalid_type"), ("#/order", "invalid_type"), ("#/uuid", "unknown_field"),
    }  # fmt: skip
    assert errors(await shared.engineer("PATCH", here.card_path, {"template_id": None, "order": None, "title": None})) == {
        ("#/template_id", "unknown_field"), ("#/order", "invalid_type"), ("#/title", "invalid_type"),
    }  # fmt: skip


async def test_a_card_pins_the_template_it_came_from(shared: World) -> None:
    here = await campaign(shared, 0)
    steps = [{"title": "Apply 13V", "description": "slowly", "step_type": "measurement"}, {"title": "Wait"}]
    template = await made(shared.engineer, "/card-templates", {"title": "Input protection", "description": "all inputs", "steps": steps})
    card = await made(shared.engineer, f"{here.run_path}/cards", {"template_id": template["uuid"]})
    assert (card["title"], card["description"], card["template_id"], card["template_version"]) == (
        "Input protection",
        "all inputs",
        template["uuid"],
        1,
    )
    assert [(s["title"], s["description"], s["step_type"], s["order"], s["execution_status"]) for s in card["test_steps"]] == [
        ("Apply 13V", "slowly", "measurement", 1, "todo"),
        ("Wait", "", "passfail", 2, "todo"),
    ]
    await shared.engineer("PATCH", f"/card-templates/{template['uuid']}", {"title": "Other", "steps": []})
    assert (await shared.engineer("GET", f"{here.run_path}/cards/{card['uuid']}")).json() == card
    own = {"template_id": template["uuid"], "title": "Own title", "description": "", "order": 7}
    other = await made(shared.engineer, f"{here.run_path}/cards", own)
    assert (other["title"], other["description"], other["template_version"], other["order"], other["test_steps"]) == (
        "Own title",
        "",
        2,
        7,
        [],
    )
    await shared.engineer("DELETE", f"/card-templates/{template['uuid']}")
    assert errors(await shared.engineer("POST", f"{here.run_path}/cards", own)) == {("#/template_id", "not_found")}
    assert (await shared.engineer("GET", f"{here.run_path}/cards/{card['uuid']}")).json() == card


async def test_equal_numbers_stand_by_age_until_they_are_renumbered(shared: World) -> None:
    here = await campaign(shared, 0)
    for title, order in (("b", None), ("c", None), ("d", 2)):
        await made(shared.engineer, f"{here.run_path}/cards", {"title": title, "order": order})
    assert await cards(shared, here.run) == [("Overvoltage protection", 1), ("b", 2), ("d", 2), ("c", 3)]
    ids = [c["uuid"] for c in (await shared.engineer("GET", here.run_path)).json()["test_cards"]]
    before = await version(shared, here.run)
    answer = await shared.engineer("PUT", f"{here.run_path}/cards/order", {"ids": ids[::-1]})
    assert [(c["uuid"], c["order"]) for c in answer.json()["items"]] == [(i, n) for n, i in enumerate(ids[::-1], 1)]
    assert (await version(shared, here.run), answer.json()["count"]) == (before + 1, 4)
    assert (await shared.engineer("PUT", f"{here.run_path}/cards/order", {"ids": ids[::-1]})).headers["x-run-version"] == str(before + 1)


async def test_a_card_moves_by_its_number(shared: World) -> None:
    here = await campaign(shared, 0)
    await made(shared.engineer, f"{here.run_path}/cards", {"title": "b"})
    assert (await shared.engineer("PATCH", here.card_path, {"order": 9})).json()["order"] == 9
    assert await cards(shared, here.run) == [("b", 2), ("Overvoltage protection", 9)]
    assert (await made(shared.engineer, f"{here.run_path}/cards", {"title": "c"}))["order"] == 10


async def test_a_restored_card_stands_where_it_stood_with_the_steps_it_had(shared: World) -> None:
    here = await campaign(shared, 2)
    await made(shared.engineer, f"{here.run_path}/cards", {"title": "b"})
    await shared.engineer("DELETE", here.step_path)
    before = (await shared.engineer("GET", here.card_path)).json()
    assert (await shared.engineer("DELETE", here.card_path)).status_code == 204
    assert await cards(shared, here.run) == [("b", 2)]
    for path in (here.card_path, here.step_path, f"{here.card_path}/steps/{here.steps[1]}"):
        assert problem(await shared.engineer("GET", path)) == (404, "not-found")
    assert problem(await shared.engineer("POST", f"{here.card_path}/steps", {"title": "a"})) == (404, "not-found")
    restored = (await shared.engineer("POST", f"{here.card_path}/restore")).json()
    assert {**restored, "updated_at": ""} == {**before, "updated_at": ""}
    assert await cards(shared, here.run) == [("Overvoltage protection", 1), ("b", 2)]
    assert problem(await shared.engineer("POST", f"{here.card_path}/restore")) == (409, "state-conflict")


async def test_a_card_was_updated_when_anything_of_it_was(shared: World) -> None:
    here = await campaign(shared, 2)
    issue = (await made(shared.engineer, "/issues", {"title": "a"}))["uuid"]
    other = await made(shared.engineer, f"{here.run_path}/cards", {"title": "b"})
    last = f"{here.card_path}/steps/{here.steps[1]}"
    for method, path, body in (
        ("PATCH", here.card_path, {"title": "x"}),
        ("PATCH", here.step_path, {"execution_status": "done"}),
        ("PUT", f"{here.card_path}/issues/{issue}", None),
        ("PUT", f"{here.step_path}/issues/{issue}", None),
        ("POST", f"{here.step_path}/observations", {"text": "x"}),
        ("PUT", f"{here.card_path}/steps/order", {"ids": here.steps[::-1]}),
        ("DELETE", last, None),
        ("POST", f"{last}/restore", None),
    ):
        before = (await shared.engineer("GET", here.card_path)).json()["updated_at"]
        assert (await shared.engineer(method, path, body)).status_code < 300
        run = (await shared.engineer("GET", here.run_path)).json()
        shown = {c["uuid"]: c for c in run["test_cards"]}
        assert before < shown[here.card]["updated_at"] == run["updated_at"], (method, path)
        assert shown[other["uuid"]] == other
    await shared.engineer("PATCH", here.card_path, {"title": "x"})
    assert (await shared.engineer("GET", here.run_path)).json()["updated_at"] == run["updated_at"]
