"""Who may do what, for every route: the tests that matrix.toml makes."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from api import app as application
from domain.tokens import Role, at_least
from infra import database
from infra.settings import Settings
from tests.api.making import made, problem
from tests.conftest import Atlas, World

ROUTES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "matrix.toml").read_text())["routes"]
CLOSED_ROUTES = [r for r in ROUTES if r["least"] != "none"]
ABOUT_ONE = [r for r in CLOSED_ROUTES if "_id}" in r["path"]]
LASTING = ("token_id", "actor_id")  # no DELETE takes these away: a revoked token and an erased person are still listed

# Where the thing with an id is deleted and restored.
OWN_PATH = {
    "run_id": "/test-runs/{run_id}",
    "card_id": "/test-runs/{run_id}/cards/{card_id}",
    "step_id": "/test-runs/{run_id}/cards/{card_id}/steps/{step_id}",
    "observation_id": "/test-runs/{run_id}/cards/{card_id}/steps/{step_id}/observations/{observation_id}",
    "file_id": "/test-runs/{run_id}/data/{file_id}",
    "report_id": "/test-runs/{run_id}",  # neither can be deleted on its own
    "job_run_id": "/test-runs/{run_id}",
    "system_id": "/systems/{system_id}",
    "asset_id": "/assets/{asset_id}",
    "issue_id": "/issues/{issue_id}",
    "template_id": "/card-templates/{template_id}",
}

module_loop = pytest.mark.asyncio(loop_scope="module")


def name_of(route: dict[str, Any]) -> str:
    query = f"?{route['query']}" if "query" in route else ""
    return f"{route['method']} {route['path'].removeprefix('/api/v1')}{query} {route['least']}"


def fill(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+_id)\}", lambda found: ids[found[1]], text)


def ids_in(route: dict[str, Any]) -> list[str]:
    return re.findall(r"\{(\w+)\}", route["path"])


async def ground(world: World) -> dict[str, str]:
    """One of everything, all of one system."""
    client = world.engineer
    system = (await made(client, "/systems", {"system_name": "PDU"}))["system_id"]
    own = {"system_id": system}
    template = (await made(client, "/card-templates", {"title": "a", "steps": [{"title": "a"}], **own}))["uuid"]
    issue, asset = [(await made(client, path, {name: "a", **own}))["uuid"] for path, name in (("/issues", "title"), ("/assets", "name"))]
    run = await made(client, "/test-runs", {"title": "a", "template_ids": [template], **own})
    ids = {"run_id": run["uuid"], "card_id": run["test_cards"][0]["uuid"], "step_id": run["test_cards"][0]["test_steps"][0]["uuid"]}
    seen = await made(client, fill("/test-runs/{run_id}/cards/{card_id}/steps/{step_id}/observations", ids), {"text": "a"})
    address = await world.put("matrix.csv", b"a")
    file = await made(client, f"/test-runs/{run['uuid']}/data", {"file_name": "a", "s3_url": address, "file_size": 1})
    report = await made(client, f"/test-runs/{run['uuid']}/reports", {"scope": "run"})
    ids |= {"file_id": file["uuid"], "report_id": report["uuid"], "job_run_id": report["job_run_id"]}
    person = {"name": "a", "email": f"{uuid4().hex}@example.com", "role": "viewer", "system_ids": [system]}
    token = await made(world.clients[Role.ADMIN], "/admin/tokens", person)
    ids |= {"token_id": token["token_id"], "actor_id": token["actor_id"]}
    return {**ids, **own, "template_id": template, "issue_id": issue, "asset_id": asset, "observation_id": seen["uuid"]}


class Stage(NamedTuple):
    """Two grounds that no test changes, and a token of every role that is limited to the second one's system."""

    world: World
    here: dict[str, str]
    there: dict[str, str]
    outside: dict[Role, Atlas]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(shared: World) -> Stage:
    here, there = await ground(shared), await ground(shared)
    return Stage(shared, here, there, {role: await shared.client(role, systems=[there["system_id"]]) for role in Role})


async def ask(client: Atlas, route: dict[str, Any], ids: dict[str, str]) -> httpx.Response:
    path = fill(route["path"], ids).removeprefix("/api/v1")
    return await client(route["method"], f"{path}?{route.get('query', '')}", fill(route.get("body", ""), ids).encode())


async def prepare(world: World, route: dict[str, Any], ids: dict[str, str]) -> None:
    path = fill(route["path"], ids).removeprefix("/api/v1")
    match route.get("after"):
        case "delete":
            done = await world.engineer("DELETE", path.removesuffix("/restore"))
        case "close":
            done = await world.engineer("POST", path.removesuffix("/reopen") + "/close")
        case "link":
            done = await world.engineer("PUT", path)
        case _:
            return
    assert done.status_code in (200, 204), done.text


def test_every_route_of_the_application_is_in_the_matrix(settings: Settings, tell: Callable[[str], None]) -> None:
    app = application.create(settings, database.pool(settings)).app
    served = {
        (method, re.sub(r"\{\w+:\w+\}", "{}", route.path_format if hasattr(route, "path_format") else route.path))
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method not in ("OPTIONS", "HEAD")
    }
    served = {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in served}
    assert served == {(r["method"], re.sub(r"\{\w+\}", "{}", r["path"])) for r in ROUTES}
    tell(f"{len(ROUTES)} routes, {len(CLOSED_ROUTES)} of them behind a token, each asked by {len(Role)} roles")


@module_loop
@pytest.mark.parametrize("route", ROUTES, ids=name_of)
async def test_a_token_is_asked_for_first(stage: Stage, route: dict[str, Any]) -> None:
    for ids in (stage.here, dict.fromkeys(stage.here, "none")):
        answer = await stage.world.http.request(route["method"], fill(route["path"], ids), content=b"{", headers={"if-match": "x"})
        if route["least"] == "none":
            assert answer.status_code == route["status"]
        else:
            assert problem(answer) == (401, "unauthenticated")


@module_loop
@pytest.mark.parametrize("route", CLOSED_ROUTES, ids=name_of)
async def test_own_things_take_the_least_role_and_no_less(stage: Stage, route: dict[str, Any]) -> None:
    world = stage.world
    for role in Role:
        if at_least(role, Role(route["least"])):
            here = await ground(world)
            await prepare(world, route, here)
            answer = await ask(world.clients[role], route, here)
            assert answer.status_code == route["status"], (role, answer.text)
        else:
            answer = await ask(world.clients[role], route, stage.here)
            assert problem(answer) == (403, "forbidden"), role
            assert route["least"] in answer.json()["detail"]


@module_loop
@pytest.mark.parametrize("route", ABOUT_ONE, ids=name_of)
async def test_another_system_looks_as_if_it_were_not_there(stage: Stage, route: dict[str, Any]) -> None:
    unknown = dict.fromkeys(stage.here, str(uuid4()))
    for role in Role:
        answer = await ask(stage.outside[role], route, stage.here)
        assert problem(answer) == (404, "not-found"), role
        never = await ask(stage.outside[role], route, unknown)
        assert {**answer.json(), "instance": ""} == {**never.json(), "instance": ""}
        assert set(answer.headers) == set(never.headers)


@module_loop
@pytest.mark.parametrize("route", [r for r in ABOUT_ONE if not {*ids_in(r)} & {*LASTING}], ids=name_of)
async def test_what_is_deleted_is_not_there_for_anyone(stage: Stage, route: dict[str, Any]) -> None:
    world = stage.world
    here = await ground(world)
    for name in ids_in(route):
        own = fill(OWN_PATH[name], here)
        assert (await world.engineer("DELETE", own)).status_code == 204
        for role in Role:
            if route.get("after") == "delete" and name == ids_in(route)[-1]:
                allowed = (409 if role is Role.ADMIN else 200) if at_least(role, Role.ENGINEER) else 403
                assert (await ask(world.clients[role], route, here)).status_code == allowed
            elif "deleted" in route and at_least(role, Role(route["deleted"])):
                assert (await ask(world.clients[role], route, here)).status_code == route["status"], (name, role)
            else:
                assert problem(await ask(world.clients[role], route, here)) == (404, "not-found"), (name, role)
        await world.engineer("POST", f"{own}/restore")


@module_loop
@pytest.mark.parametrize("route", ABOUT_ONE, ids=name_of)
async def test_an_id_below_another_parent_is_not_there(stage: Stage, route: dict[str, Any]) -> None:
    names = ids_in(route)
    for name in names:
        alone = name == "issue_id" or not set(names) - {name, "issue_id"}  # nothing else that it would have to fit to
        mixed = stage.here | {name: str(uuid4()) if alone else stage.there[name]}
        for role in Role:
            assert problem(await ask(stage.world.clients[role], route, mixed)) == (404, "not-found"), (name, role)
