"""Tokens: who they let in, what they reach, and what a request may name."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.tokens import Role
from tests.api.making import Campaign, campaign, errors, made, problem
from tests.conftest import Atlas, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def two_systems(world: World) -> tuple[Campaign, Campaign, Atlas]:
    """A campaign in each of two systems and an engineer of the first system only."""
    here, there = await campaign(world), await campaign(world)
    return here, there, await world.client(Role.ENGINEER, systems=[here.system])


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer x", "{token}", "Bearer {token}x", "Bearer {token} x", "Token {token}"]
)
async def test_without_a_good_token_nobody_is_let_in(shared: World, sent: str) -> None:
    answer = await shared.http.get("/api/v1/test-runs", headers={"authorization": sent.format(token=shared.engineer.token)} if sent else {})
    assert problem(answer) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_in_an_address_is_none(shared: World) -> None:
    answer = await shared.http.get(f"/api/v1/test-runs?access_token={shared.engineer.token}&token={shared.engineer.token}")
    assert problem(answer) == (401, "unauthenticated")


async def test_a_token_with_another_secret_is_none(shared: World) -> None:
    other = shared.engineer.token[:-1] + ("a" if shared.engineer.token[-1] != "a" else "b")
    assert problem(await Atlas(shared.http, other)("GET", "/test-runs")) == (401, "unauthenticated")


async def test_an_expired_token_is_none(shared: World) -> None:
    old = await shared.client(Role.ADMIN, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert problem(await old("GET", "/test-runs")) == (401, "unauthenticated")
    young = await shared.client(Role.ADMIN, expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert (await young("GET", "/test-runs")).status_code == 200


async def test_no_token_wins_over_everything_that_is_wrong_with_a_request(shared: World) -> None:
    answer = await shared.http.patch("/api/v1/test-runs/none", content=b"{", headers={"content-type": "text/plain", "if-match": "x"})
    assert problem(answer) == (401, "unauthenticated")


async def test_form_wins_over_path_path_over_role_and_role_over_fields(shared: World) -> None:
    here, viewer = await campaign(shared), shared.clients[Role.VIEWER]
    assert problem(await viewer("PATCH", "/test-runs/none", b"{", content_type="text/plain")) == (415, "unsupported-media-type")
    assert problem(await viewer("PATCH", "/test-runs/none", b"{")) == (400, "malformed-request")
    assert problem(await viewer("PATCH", "/test-runs/none", {"title": ""})) == (404, "not-found")
    assert problem(await viewer("PATCH", here.run_path, {"title": ""})) == (403, "forbidden")
    assert problem(await viewer("POST", "/test-runs", {"title": ""})) == (403, "forbidden")
    assert problem(await viewer("PATCH", here.run_path, {"title": ""}, idempotency_key="x")) == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "operator"),
    [
        ({}, 200),
        ({"execution_status": "passed"}, 200),
        ({"exception": None, "started_at": None, "ended_at": None}, 200),
        ({"title": "x"}, 403),
        ({"description": "x"}, 403),
        ({"order": 1}, 403),
        ({"execution_status": "passed", "title": "x"}, 403),
        ({"step_type": "passfail"}, 403),
        ({"unknown": 1}, 422),
    ],
)
async def test_an_operator_records_outcomes_and_defines_nothing(shared: World, body: Any, operator: int) -> None:
    here = await campaign(shared)
    assert (await shared.clients[Role.OPERATOR]("PATCH", here.step_path, body)).status_code == operator
    for role in (Role.VIEWER, Role.AUDITOR):
        assert problem(await shared.clients[role]("PATCH", here.step_path, body)) == (403, "forbidden")
    for role in (Role.ENGINEER, Role.ADMIN):
        assert (await shared.clients[role]("PATCH", here.step_path, body)).status_code == (
            422 if "step_type" in body or "unknown" in body else 200
        )


async def test_lists_show_what_the_token_reaches(shared: World) -> None:
    here, there, inside = await two_systems(shared)
    for path, name in (("/assets", "name"), ("/issues", "title"), ("/card-templates", "title")):
        ids = [(await made(shared.engineer, path, {name: "a", "system_id": s}))["uuid"] for s in (here.system, there.system, None)]
        answer = await inside("GET", path)
        listed = {item["uuid"] for item in answer.json()["items"]}
        assert [i in listed for i in ids] == [True, False, True]
        assert answer.headers["x-total-count"] == str(answer.json()["count"]) == str(len(listed))
        assert (await inside("GET", f"{path}?system_id={there.system}")).json() == {"items": [], "count": 0}
    assert [s["system_id"] for s in (await inside("GET", "/systems?is_deleted=true")).json()["items"]] == [here.system]
    runs = await inside("GET", "/test-runs?limit=1")
    assert ([r["uuid"] for r in runs.json()["items"]], runs.headers["x-total-count"]) == ([here.run], "1")
    assert "link" not in runs.headers
    assert (await inside("GET", f"/test-runs?system_id={there.system}")).json() == {"items": [], "count": 0}


async def test_an_id_in_a_body_from_outside_looks_like_one_that_never_was(shared: World) -> None:
    here, there, inside = await two_systems(shared)
    engineer = shared.engineer
    hidden = {
        kind: (await made(engineer, f"/{kind}", {name: "a", "system_id": there.system}))["uuid"]
        for kind, name in (("assets", "name"), ("issues", "title"), ("card-templates", "title"))
    }

    def body(system: str, asset: str, issue: str, template: str) -> dict[str, Any]:
        return {"title": "a", "system_id": system, "asset_ids": [asset], "issue_ids": [issue], "template_ids": [template]}

    outside = body(there.system, *hidden.values())
    unknown = body(*(str(uuid4()) for _ in range(4)))
    pointers = {(f"#/{p}", "not_found") for p in ("system_id", "asset_ids/0", "issue_ids/0", "template_ids/0")}
    answers = [await inside("POST", "/test-runs", b) for b in (outside, unknown)]
    for answer, sent in zip(answers, (outside, unknown), strict=True):
        assert problem(answer) == (422, "unknown-reference")
        assert errors(answer) == pointers
        assert without_ids(answer, sent) == without_ids(answers[0], outside)
    assert errors(await inside("POST", f"{here.run_path}/cards", {"template_id": hidden["card-templates"]})) == {
        ("#/template_id", "not_found")
    }
    assert errors(await inside("PATCH", here.run_path, {"asset_ids": [hidden["assets"]]})) == {("#/asset_ids/0", "not_found")}


def without_ids(answer: Any, sent: dict[str, Any]) -> str:
    text: str = answer.text
    for value in (sent["system_id"], *sent["asset_ids"], *sent["issue_ids"], *sent["template_ids"]):
        text = text.replace(value, "ID")
    return text.replace(answer.headers["x-request-id"], "")


async def test_an_asset_or_template_must_be_shared_or_of_the_runs_system(shared: World) -> None:
    here, there, _ = await two_systems(shared)
    foreign = (await made(shared.engineer, "/assets", {"name": "a", "system_id": there.system}))["uuid"]
    template = (await made(shared.engineer, "/card-templates", {"title": "a", "system_id": there.system}))["uuid"]
    common = (await made(shared.engineer, "/assets", {"name": "b"}))["uuid"]
    body = {"title": "a", "system_id": here.system, "asset_ids": [common, foreign], "template_ids": [template]}
    assert errors(await shared.engineer("POST", "/test-runs", body)) == {("#/asset_ids/1", "not_found"), ("#/template_ids/0", "not_found")}
    assert errors(await shared.engineer("POST", f"{here.run_path}/cards", {"template_id": template})) == {("#/template_id", "not_found")}


async def test_what_is_shared_is_read_by_all_and_written_without_a_limit_only(shared: World) -> None:
    _, _, inside = await two_systems(shared)
    for path, name in (("/assets", "name"), ("/issues", "title"), ("/card-templates", "title")):
        one = f"{path}/{(await made(shared.engineer, path, {name: 'a'}))['uuid']}"
        assert (await inside("GET", one)).status_code == 200
        for method, target, body in (("PATCH", one, {name: ""}), ("DELETE", one, None)):
            assert problem(await inside(method, target, body)) == (403, "forbidden"), target
        await shared.engineer("DELETE", one)
        assert problem(await inside("POST", f"{one}/restore")) == (403, "forbidden")
        assert problem(await inside("POST", path, {name: "a", "system_id": None})) == (403, "forbidden")
    assert problem(await inside("POST", "/systems", {"system_name": ""})) == (403, "forbidden")


async def test_a_token_of_one_system_creates_there(shared: World) -> None:
    here, there, inside = await two_systems(shared)
    for path, name in (("/assets", "name"), ("/issues", "title"), ("/card-templates", "title")):
        assert (await made(inside, path, {name: "a"}))["system_id"] == here.system
        assert (await made(inside, path, {name: "a", "system_id": here.system}))["system_id"] == here.system
        assert errors(await inside("POST", path, {name: "a", "system_id": there.system})) == {("#/system_id", "not_found")}
        one = f"{path}/{(await made(inside, path, {name: 'a'}))['uuid']}"
        assert problem(await inside("PATCH", one, {"system_id": None})) == (403, "forbidden")
        assert errors(await inside("PATCH", one, {"system_id": there.system})) == {("#/system_id", "not_found")}
    both = await shared.client(Role.ENGINEER, systems=[here.system, there.system])
    assert errors(await both("POST", "/assets", {"name": "a"})) == {("#/system_id", "required")}
    assert (await made(both, "/assets", {"name": "a", "system_id": there.system}))["system_id"] == there.system


async def test_what_moves_to_another_system_moves_out_of_sight(shared: World) -> None:
    here, there, inside = await two_systems(shared)
    one = f"/assets/{(await made(inside, '/assets', {'name': 'a'}))['uuid']}"
    assert (await shared.engineer("PATCH", one, {"system_id": there.system})).status_code == 200
    assert problem(await inside("GET", one)) == (404, "not-found")
    assert (await shared.engineer("PATCH", one, {"system_id": here.system})).status_code == 200
    assert (await inside("GET", one)).status_code == 200


@pytest.mark.parametrize(("systems", "projects"), [(None, ["proj_1"]), ([], None), ([], ["proj_1"])])
async def test_a_token_without_any_system_does_not_have_the_surface(shared: World, systems: Any, projects: Any) -> None:
    here = await campaign(shared)
    client = await shared.client(Role.ADMIN, systems=systems, projects=projects)
    common = (await made(shared.engineer, "/assets", {"name": "a"}))["uuid"]
    for method, path, body in (
        ("GET", "/test-runs", None),
        ("GET", here.run_path, None),
        ("GET", "/assets", None),
        ("GET", f"/assets/{common}", None),
        ("POST", "/systems", {"system_name": "a"}),
    ):
        assert problem(await client(method, path, body)) == (404, "not-found")


async def test_a_token_with_systems_and_projects_has_its_systems(shared: World) -> None:
    here, there, _ = await two_systems(shared)
    client = await shared.client(Role.VIEWER, systems=[here.system], projects=["proj_1"])
    assert (await client("GET", here.run_path)).status_code == 200
    assert problem(await client("GET", there.run_path)) == (404, "not-found")


async def test_deleted_systems_are_listed_for_some(shared: World) -> None:
    system = (await made(shared.engineer, "/systems", {"system_name": "gone"}))["system_id"]
    await shared.engineer("DELETE", f"/systems/{system}")
    for role, client in shared.clients.items():
        answer = await client("GET", "/systems?is_deleted=TRUE&search=gone")
        if role in (Role.VIEWER, Role.OPERATOR):
            assert problem(answer) == (403, "forbidden")
            assert problem(await client("GET", "/systems?is_deleted=1&limit=x")) == (403, "forbidden")
        else:
            assert [(s["system_id"], s["is_deleted"]) for s in answer.json()["items"]] == [(system, True)]
        assert system not in {s["system_id"] for s in (await client("GET", "/systems?is_deleted=false")).json()["items"]}
