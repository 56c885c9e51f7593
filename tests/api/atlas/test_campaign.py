"""A campaign as an engineer works through it."""

from typing import Any

from domain.tokens import Role
from tests.conftest import World


async def make_run(world: World, steps: int = 4) -> tuple[str, str, list[str]]:
    """A run with one card of some steps: ids of run, card and steps."""
    system = (await world.engineer("POST", "/systems", {"system_name": "Power Distribution Unit"})).json()["system_id"]
    run = (await world.engineer("POST", "/test-runs", {"title": "Motor Controller Acceptance Test", "system_id": system})).json()["uuid"]
    card = (await world.engineer("POST", f"/test-runs/{run}/cards", {"title": "Overvoltage protection"})).json()["uuid"]
    made = [
        (await world.engineer("POST", f"/test-runs/{run}/cards/{card}/steps", {"title": f"Step {n}"})).json()["uuid"] for n in range(steps)
    ]
    return run, card, made


async def summary(world: World) -> Any:
    return (await world.engineer("GET", "/test-runs")).json()["items"][0]


async def test_three_of_four_passed_is_three_quarters(world: World) -> None:
    run, card, steps = await make_run(world)
    for step in steps[:3]:
        answer = await world.clients[Role.OPERATOR]("PATCH", f"/test-runs/{run}/cards/{card}/steps/{step}", {"execution_status": "passed"})
        assert answer.status_code == 200, answer.text
    item = await summary(world)
    assert (item["completion_pct"], item["step_status_counts"]) == (0.75, {"todo": 1, "passed": 3})
    assert item["contributors"] == ["engineer@example.com", "operator@example.com"]


async def test_deleting_and_restoring_a_card_moves_the_counts_at_once(world: World) -> None:
    run, card, steps = await make_run(world, 2)
    await world.engineer("POST", f"/test-runs/{run}/results", {"results": [{"test_step_id": steps[0], "execution_status": "failed"}]})
    assert (await world.engineer("DELETE", f"/test-runs/{run}/cards/{card}")).status_code == 204
    item = await summary(world)
    assert (item["card_count"], item["step_status_counts"], item["completion_pct"]) == (0, {}, 0.0)
    answer = await world.engineer("PATCH", f"/test-runs/{run}/cards/{card}/steps/{steps[0]}", {"execution_status": "passed"})
    assert answer.status_code == 404
    assert (await world.engineer("POST", f"/test-runs/{run}/cards/{card}/restore")).status_code == 200
    item = await summary(world)
    assert (item["card_count"], item["step_status_counts"]) == (1, {"todo": 1, "failed": 1})


async def test_nothing_is_recorded_in_a_closed_run(world: World) -> None:
    run, card, steps = await make_run(world, 1)
    assert (await world.engineer("POST", f"/test-runs/{run}/close")).json()["status"] == "closed"
    step = f"/test-runs/{run}/cards/{card}/steps/{steps[0]}"
    for method, path, body in (
        ("PATCH", step, {"execution_status": "passed"}),
        ("POST", f"{step}/observations", {"text": "smoke"}),
        ("POST", f"/test-runs/{run}/cards", {"title": "more"}),
        ("DELETE", f"/test-runs/{run}", None),
        ("PATCH", f"/test-runs/{run}", {"title": "other"}),
    ):
        answer = await world.engineer(method, path, body)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/closed"), path


async def test_observations_and_issue_links_show_at_their_step(world: World) -> None:
    run, card, steps = await make_run(world, 1)
    step = f"/test-runs/{run}/cards/{card}/steps/{steps[0]}"
    issue = (await world.engineer("POST", "/issues", {"title": "Trips late", "priority": "high"})).json()["uuid"]
    seen = (await world.engineer("POST", f"{step}/observations", {"text": "Smoke at 13 V"})).json()
    assert (await world.engineer("PUT", f"{step}/issues/{issue}")).status_code == 204
    assert (await world.engineer("PUT", f"{step}/issues/{issue}")).status_code == 204
    shown = (await world.engineer("GET", step)).json()
    assert [o["uuid"] for o in shown["observations"]] == [seen["uuid"]]
    assert shown["issues"] == [{"uuid": issue, "title": "Trips late", "status": "open", "priority": "high"}]
    assert (await summary(world))["issue_count"] == 1
    edited = await world.engineer("PATCH", f"{step}/observations/{seen['uuid']}", {"text": "No smoke"})
    assert edited.json()["text"] == "No smoke"
    assert (await world.engineer("DELETE", f"{step}/observations/{seen['uuid']}")).status_code == 204
    assert (await world.engineer("DELETE", f"{step}/issues/{issue}")).status_code == 204
    assert (await world.engineer("DELETE", f"{step}/issues/{issue}")).status_code == 404
    assert (await summary(world))["issue_count"] == 0


async def test_two_editors_with_one_tag_one_wins(world: World) -> None:
    run, card, steps = await make_run(world, 1)
    tag = (await world.engineer("GET", f"/test-runs/{run}")).headers["etag"]
    step = f"/test-runs/{run}/cards/{card}/steps/{steps[0]}"
    assert (await world.engineer("PATCH", step, {"execution_status": "passed"})).status_code == 200
    assert (await world.engineer("PATCH", f"/test-runs/{run}", {"title": "A"}, if_match=tag)).status_code == 200
    assert (await world.engineer("PATCH", f"/test-runs/{run}", {"title": "B"}, if_match=tag)).status_code == 412


async def test_the_same_key_gives_the_first_answer_again(world: World) -> None:
    system = (await world.engineer("POST", "/systems", {"system_name": "PDU"})).json()["system_id"]
    body = {"title": "Once", "system_id": system}
    first = await world.engineer("POST", "/test-runs", body, idempotency_key="k1")
    again = await world.engineer("POST", "/test-runs", body, idempotency_key="k1")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-command-id"] == first.headers["x-command-id"]
    other = await world.engineer("POST", "/test-runs", body | {"title": "Other"}, idempotency_key="k1")
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    assert (await world.engineer("GET", "/test-runs")).json()["count"] == 1


async def test_templates_become_cards_with_pinned_versions(world: World) -> None:
    system = (await world.engineer("POST", "/systems", {"system_name": "PDU"})).json()["system_id"]
    steps = [{"title": "Apply 13V"}, {"title": "Wait", "step_type": "information"}]
    template = (await world.engineer("POST", "/card-templates", {"title": "Input protection", "steps": steps})).json()
    await world.engineer("PATCH", f"/card-templates/{template['uuid']}", {"title": "Input protection, rev 2"})
    run = await world.engineer("POST", "/test-runs", {"title": "T", "system_id": system, "template_ids": [template["uuid"]] * 2})
    cards = run.json()["test_cards"]
    assert [(c["title"], c["order"], c["template_version"], len(c["test_steps"])) for c in cards] == [
        ("Input protection, rev 2", 1, 2, 2),
        ("Input protection, rev 2", 2, 2, 2),
    ]


async def test_reordering_is_one_event(world: World) -> None:
    run, _, _ = await make_run(world, 0)
    for order in (2, 3, 2):
        await world.engineer("POST", f"/test-runs/{run}/cards", {"title": f"at {order}", "order": order})
    shown = (await world.engineer("GET", f"/test-runs/{run}")).json()["test_cards"]
    assert [c["order"] for c in shown] == [1, 2, 2, 3]
    before = (await world.engineer("GET", f"/test-runs/{run}")).headers["x-run-version"]
    ids = [c["uuid"] for c in reversed(shown)]
    answer = await world.engineer("PUT", f"/test-runs/{run}/cards/order", {"ids": ids})
    assert answer.status_code == 200, answer.text
    assert [(c["uuid"], c["order"]) for c in answer.json()["items"]] == list(zip(ids, (1, 2, 3, 4), strict=True))
    after = (await world.engineer("GET", f"/test-runs/{run}")).headers["x-run-version"]
    assert int(after) == int(before) + 1
    assert (await world.engineer("PUT", f"/test-runs/{run}/cards/order", {"ids": ids[:3]})).status_code == 422
