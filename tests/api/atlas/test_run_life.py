"""A run from its creation to its restoring."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from domain.tokens import Role
from tests.api.making import campaign, errors, made, problem, version
from tests.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_run_begins_with_everything_it_names_once(shared: World) -> None:
    client = shared.engineer
    system = (await made(client, "/systems", {"system_name": "PDU"}))["system_id"]
    assets = [(await made(client, "/assets", {"name": n}))["uuid"] for n in ("a", "b")]
    issues = [(await made(client, "/issues", {"title": n}))["uuid"] for n in ("a", "b")]
    template = (await made(client, "/card-templates", {"title": "T", "steps": [{"title": "s"}]}))["uuid"]
    body = {
        "title": "a", "system_id": system, "asset_ids": [assets[1], assets[0], assets[1].upper()], "issue_ids": [issues[1], issues[0], issues[1]],
        "template_ids": [template, template],
    }  # fmt: skip
    run = await made(client, "/test-runs", body)
    assert (run["asset_ids"], [i["uuid"] for i in run["issues"]]) == (assets[::-1], issues[::-1])
    assert [(c["order"], c["template_id"], len(c["test_steps"])) for c in run["test_cards"]] == [(1, template, 1), (2, template, 1)]
    item = (await client("GET", f"/test-runs?system_id={system}")).json()["items"][0]
    assert (item["asset_names"], item["issue_count"], item["card_count"], item["step_status_counts"]) == (["b", "a"], 2, 2, {"todo": 2})


@pytest.mark.parametrize(("name", "most"), [("asset_ids", 200), ("issue_ids", 200), ("template_ids", 50)])
async def test_lists_of_ids_are_limited_and_typed(shared: World, name: str, most: int) -> None:
    body = {"title": "a", "system_id": str(uuid4())}
    assert errors(await shared.engineer("POST", "/test-runs", body | {name: [str(uuid4())] * (most + 1)})) == {(f"#/{name}", "too_long")}
    for value, found in (
        (None, (f"#/{name}", "invalid_type")),
        ("x", (f"#/{name}", "invalid_type")),
        ([None], (f"#/{name}/0", "invalid_type")),
        (["x"], (f"#/{name}/0", "invalid_format")),
    ):
        assert errors(await shared.engineer("POST", "/test-runs", body | {name: value})) == {found}


async def test_only_what_differs_is_recorded(shared: World) -> None:
    here, client = await campaign(shared, 0), shared.engineer
    asset = (await made(client, "/assets", {"name": "a"}))["uuid"]
    present = await version(shared, here.run)
    for body, events in (
        ({}, 0),
        ({"title": "b"}, 1),
        ({"title": "b", "description": ""}, 0),
        ({"asset_ids": [asset, asset]}, 1),
        ({"asset_ids": [asset]}, 0),
        ({"asset_ids": [], "title": "c"}, 2),
    ):
        present += events
        answer = await client("PATCH", here.run_path, body)
        assert (answer.status_code, answer.headers["x-run-version"]) == (200, str(present)), body
    for name in ("system_id", "issue_ids", "template_ids", "status", "test_run_id"):
        assert errors(await client("PATCH", here.run_path, {name: here.system})) == {(f"#/{name}", "unknown_field")}
    assert errors(await client("PATCH", here.run_path, {"asset_ids": [asset, here.run, here.card]})) == {
        ("#/asset_ids/1", "not_found"),
        ("#/asset_ids/2", "not_found"),
    }


async def test_contributors_are_named_by_their_first_deed(shared: World) -> None:
    here = await campaign(shared)
    people = {name: await shared.client(Role.ENGINEER, f"{name}@example.com") for name in ("zoe", "adam", "mia")}
    await people["zoe"]("PATCH", here.step_path, {"execution_status": "done"})
    await people["adam"]("PATCH", here.run_path, {})
    await people["mia"]("POST", f"{here.run_path}/cards", {"title": "a"})
    await people["adam"]("PATCH", here.card_path, {"title": "b"})
    await people["zoe"]("PATCH", here.run_path, {"title": "b"})
    run = (await shared.engineer("GET", here.run_path)).json()
    assert (run["created_by"], run["contributors"]) == (
        "engineer@example.com",
        [f"{n}@example.com" for n in ("engineer", "zoe", "mia", "adam")],
    )


async def test_nothing_in_a_closed_run_changes(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    linked, other = [(await made(client, "/issues", {"title": "a"}))["uuid"] for _ in range(2)]
    gone = (await made(client, f"{here.run_path}/cards", {"title": "b"}))["uuid"]
    lost = (await made(client, f"{here.card_path}/steps", {"title": "b"}))["uuid"]
    seen = (await made(client, f"{here.step_path}/observations", {"text": "a"}))["uuid"]
    for path in (f"{here.run_path}/cards/{gone}", f"{here.card_path}/steps/{lost}"):
        await client("DELETE", path)
    for path in (here.run_path, here.card_path, here.step_path):
        await client("PUT", f"{path}/issues/{linked}")
    closed = await client("POST", f"{here.run_path}/close", {"reason": "done"})
    assert (closed.status_code, closed.json()["status"], closed.json()["closed_at"]) == (200, "closed", closed.json()["updated_at"])
    links = [
        (m, f"{p}/issues/{i}", None)
        for p in (here.run_path, here.card_path, here.step_path)
        for m, i in (("PUT", other), ("DELETE", linked))
    ]
    for method, path, body in (
        ("PATCH", here.run_path, {"title": "x"}), ("DELETE", here.run_path, None), ("POST", f"{here.run_path}/close", None),
        ("POST", f"{here.run_path}/cards", {"title": "x"}), ("PUT", f"{here.run_path}/cards/order", {"ids": [here.card]}),
        ("PATCH", here.card_path, {"title": "x"}), ("DELETE", here.card_path, None), ("POST", f"{here.run_path}/cards/{gone}/restore", None),
        ("POST", f"{here.card_path}/steps", {"title": "x"}), ("PUT", f"{here.card_path}/steps/order", {"ids": here.steps}),
        ("PATCH", here.step_path, {"execution_status": "done"}), ("DELETE", here.step_path, None), ("POST", f"{here.card_path}/steps/{lost}/restore", None),
        ("POST", f"{here.run_path}/results", {"results": [{"test_step_id": here.steps[0], "execution_status": "done"}]}),
        ("POST", f"{here.step_path}/observations", {"text": "x"}), ("PATCH", f"{here.step_path}/observations/{seen}", {"text": "x"}),
        ("DELETE", f"{here.step_path}/observations/{seen}", None), *links,
    ):  # fmt: skip
        assert problem(await client(method, path, body)) == (409, "closed"), (method, path)
    assert (await client("GET", here.run_path)).json() == closed.json()
    assert errors(await client("PATCH", here.run_path, {"title": ""})) == {("#/title", "blank")}
    reopened = await client("POST", f"{here.run_path}/reopen", {"reason": "more"})
    assert (reopened.status_code, reopened.json()["status"], reopened.json()["closed_at"]) == (200, "open", None)
    assert (await client("PATCH", here.run_path, {"title": "x"})).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "required"), ({"reason": " "}, "blank"), ({"reason": None}, "invalid_type"), ({"reason": "x" * 2_001}, "too_long")],
)
async def test_reopening_takes_a_reason(shared: World, body: Any, code: str) -> None:
    here = await campaign(shared, 0)
    assert errors(await shared.engineer("POST", f"{here.run_path}/reopen", body)) == {("#/reason", code)}
    assert problem(await shared.engineer("POST", f"{here.run_path}/reopen", {"reason": "x" * 2_000})) == (409, "state-conflict")
    if body:
        assert errors(await shared.engineer("POST", f"{here.run_path}/close", body)) == {("#/reason", code)}


async def test_a_deleted_run_hides_everything_and_comes_back_whole(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    before = (await client("GET", here.run_path)).json()
    assert problem(await client("POST", f"{here.run_path}/restore")) == (409, "state-conflict")
    assert (await client("DELETE", here.run_path)).status_code == 204
    for path in (here.run_path, here.card_path, here.step_path, f"/test-runs/{before['test_run_id']}"):
        assert problem(await client("GET", path)) == (404, "not-found")
        assert problem(await client("DELETE", path)) == (404, "not-found")
    for path in (here.card_path, here.step_path):
        assert problem(await client("POST", f"{path}/restore")) == (404, "not-found")
    assert (await client("GET", f"/test-runs?system_id={here.system}")).json()["count"] == 0
    restored = (await client("POST", f"{here.run_path}/restore")).json()
    assert {**restored, "updated_at": ""} == {**before, "updated_at": ""}
    assert restored["updated_at"] > before["updated_at"]


async def test_a_deleted_system_takes_no_runs_and_keeps_those_it_has(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    name = (await client("GET", f"/systems/{here.system}")).json()["system_name"]
    await client("DELETE", f"/systems/{here.system}")
    assert errors(await client("POST", "/test-runs", {"title": "a", "system_id": here.system})) == {("#/system_id", "not_found")}
    assert (await client("GET", here.run_path)).json()["system_name"] == name
    assert (await client("GET", f"/test-runs?system_id={here.system}")).json()["items"][0]["system_name"] == name
    assert (await client("PATCH", here.step_path, {"execution_status": "done"})).status_code == 200
    await client("POST", f"/systems/{here.system}/restore")
    assert (await client("POST", "/test-runs", {"title": "a", "system_id": here.system})).status_code == 201


async def test_no_outcome_follows_the_close(shared: World) -> None:
    here = await campaign(shared, 8)

    async def record(step: str) -> int:
        last = 0
        for _ in range(5):
            answer = await shared.engineer("PATCH", f"{here.card_path}/steps/{step}", {"execution_status": "passed"})
            assert answer.status_code in (200, 409), answer.text
            last = max(last, int(answer.headers.get("x-run-version", 0)))
        return last

    close = shared.engineer("POST", f"{here.run_path}/close")
    *recorded, closed = await asyncio.gather(*(record(s) for s in here.steps), close)
    assert max(recorded, default=0) < int(closed.headers["x-run-version"]) == await version(shared, here.run)
