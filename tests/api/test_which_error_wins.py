"""Two faults in one request: the one that the contract names first is answered, on every write of the access matrix."""

import json
import re
from itertools import combinations
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import replace

from domain.tokens import ORDER, Role
from tests.api.making import problem
from tests.api.test_every_route import DONE, STALE, operation
from tests.api.test_matrix import Stage, fill, ground, ids_in, name_of, prepare, stage
from tests.conftest import Atlas, served

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["stage"]

# In the order in which they win; what each is answered with.
FAULTS = {
    "nothing there": (404, "not-found"),
    "method": (405, "method-not-allowed"),
    "token": (401, "unauthenticated"),
    "media type": (415, "unsupported-media-type"),
    "address": (400, "malformed-request"),
    "path ids": (404, "not-found"),
    "role": (403, "forbidden"),
    "key": (422, "idempotency-key-reused"),
    "fields": (422, "validation-failed"),
    "condition": (412, "precondition-failed"),
    "state": (409, "closed"),
}
TOGETHER = [pair for pair in combinations(FAULTS, 2) if pair != ("token", "role")]
KEY = "used for something else"
EVER = ("/reports", "/close", "/reopen", "/cancel")  # what a closed run still allows, or refuses in other words


def possible(route: dict[str, Any], compares: bool) -> set[str]:
    """The faults that a request of this route can have."""
    found = set(FAULTS) - {"path ids", "condition", "state"}
    found |= {"path ids"} if ids_in(route) else set()
    found |= {"condition"} if compares else set()
    path = route["path"]
    in_run = path.startswith("/api/v1/test-runs/{run_id}") and not path.endswith(EVER) and "/reports/" not in path
    return found | ({"state"} if in_run and path != "/api/v1/test-runs/{run_id}/restore" else set())


async def send(http: httpx.AsyncClient, route: dict[str, Any], ids: dict[str, str], faults: set[str], token: str) -> httpx.Response:
    path = fill(route["path"], dict.fromkeys(ids, str(uuid4())) if "path ids" in faults else ids)
    path += "/nothing/there" * ("nothing there" in faults) + "?a=%FF" * ("address" in faults)
    headers = {"authorization": "Bearer none" if "token" in faults else f"Bearer {token}"}
    headers["content-type"] = "text/plain" if "media type" in faults else "application/json"
    headers |= {"idempotency-key": KEY} if "key" in faults else {}
    headers |= {"if-match": STALE} if "condition" in faults else {}
    body = fill(route.get("body", ""), ids)
    if {"fields", "media type"} & faults:
        body = json.dumps({**json.loads(body or "{}"), "nobody": 1})
    method = "TRACE" if "method" in faults else route["method"]
    return await http.request(method, http.base_url.copy_with(raw_path=path.encode()), content=body.encode(), headers=headers)


def too_low(least: str) -> Role:
    """A role that may read and no more, or the next one below."""
    return ORDER[ORDER.index(Role(least)) - 1] if least != "admin" else Role.ENGINEER


async def closed(stage: Stage, route: dict[str, Any]) -> dict[str, str]:
    """A ground on which the run is closed."""
    ids = await ground(stage.world)
    await prepare(stage.world, route, ids)
    assert (await stage.world.engineer("POST", f"/test-runs/{ids['run_id']}/close")).status_code == 200
    return ids


@pytest.mark.parametrize("route", DONE, ids=name_of)
async def test_of_two_faults_the_first_is_told(stage: Stage, route: dict[str, Any]) -> None:
    world = stage.world
    compares = operation(world, route).compares(route["method"])
    faults = possible(route, compares)
    ids = await closed(stage, route) if "state" in faults else await ground(world)
    await world.clients[Role.ADMIN]("POST", "/systems", {"system_name": "a"}, idempotency_key=KEY)
    await world.clients[too_low(route["least"])]("POST", "/systems", {"system_name": "a"}, idempotency_key=KEY)
    for pair in [{*pair} for pair in TOGETHER if {*pair} <= faults]:
        first = next(fault for fault in FAULTS if fault in pair)
        token = world.clients[too_low(route["least"]) if "role" in pair else Role.ADMIN].token
        answer = await send(world.http, route, ids, pair, token)
        assert problem(answer) == FAULTS[first], (pair, answer.text)


async def test_a_missing_condition_comes_after_the_key_and_before_the_fields(stage: Stage) -> None:
    """Where a deployment asks for conditions, every PATCH, PUT and DELETE needs one, and no POST does."""
    world = stage.world
    admin = world.clients[Role.ADMIN]
    await admin("POST", "/systems", {"system_name": "a"}, idempotency_key=KEY)
    async with served(replace(world.settings, require_if_match=True)) as (_app, http, _pool):
        for route in DONE:
            told = problem(await send(http, route, stage.here, {"fields"}, admin.token))
            asks = route["method"] != "POST"
            assert told == ((428, "precondition-required") if asks else (422, "validation-failed")), name_of(route)
            assert problem(await send(http, route, stage.here, {"fields", "key"}, admin.token)) == FAULTS["key"], name_of(route)
            low = world.clients[too_low(route["least"])].token
            assert problem(await send(http, route, stage.here, {"fields"}, low)) == FAULTS["role"], name_of(route)


async def test_an_unknown_reference_comes_after_the_fields_and_before_condition_and_state(stage: Stage) -> None:
    here = await ground(stage.world)
    client: Atlas = stage.world.engineer
    path, unknown = f"/test-runs/{here['run_id']}", {"asset_ids": [str(uuid4())]}
    await client("POST", f"{path}/close")
    assert problem(await client("PATCH", path, {**unknown, "title": ""}, if_match=STALE)) == FAULTS["fields"]
    assert problem(await client("PATCH", path, unknown, if_match=STALE)) == (422, "unknown-reference")
    assert problem(await client("PATCH", path, unknown)) == (422, "unknown-reference")
    assert problem(await client("PATCH", path, {}, if_match=STALE)) == FAULTS["condition"]
    assert re.fullmatch(r"\d+", (await client("GET", path)).headers["x-run-version"])
