"""Rules that hold on every route, asked of every route of the access matrix."""

import base64
import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from api.openapi import document
from api.openapi.operation import Operation
from domain.tokens import Role
from infra import database
from tests.api.making import errors, problem
from tests.api.test_matrix import OWN_PATH, ROUTES, Stage, ask, fill, ground, ids_in, name_of, prepare, stage
from tests.conftest import Atlas, World
from tests.workers.test_sequencer import caught_up, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
__all__ = ["stage"]

PATHS = {path: {r["method"] for r in ROUTES if r["path"] == path} for path in dict.fromkeys(r["path"] for r in ROUTES)}
READS = [r for r in ROUTES if r["method"] == "GET"]
WRITES = [r for r in ROUTES if r["method"] != "GET"]
DONE = [r for r in WRITES if r["status"] < 300]
NO_STORE = ("/admin/tokens", "/download", "/uploads", "/evidence")
WITHOUT_ADDRESS = ("/uploads",)  # what is made there is a file in S3
FROM_TIME_TO_TIME = ("/metrics", "/readyz", "/download", "/access-log", "/projections")  # no two answers need be the same
QUERY = "nobody=1&nobody=%20"  # what nobody knows is ignored, however often it stands
STALE = '"99-99-000000000000"'


def operation(world: World, route: dict[str, Any]) -> Operation:
    """What the application says of a route; its path ids may have other names there."""
    wanted = route["method"], re.sub(r"{\w+}", "{}", route["path"])
    return next(s.operation for s in document.routes(world.app) if (s.method, re.sub(r"{\w+}", "{}", s.path)) == wanted)


async def raw(client: Atlas, route: dict[str, Any], ids: dict[str, str], query: str, *headers: tuple[str, str]) -> httpx.Response:
    """A request of a route with a query and headers as they stand."""
    address = client.http.base_url.copy_with(raw_path=f"{fill(route['path'], ids)}?{query}".encode())
    sent = [("authorization", f"Bearer {client.token}"), ("content-type", "application/json"), *headers]
    body = fill(route.get("body", ""), ids).encode()
    return await client.http.request(route["method"], address, content=body if route["method"] != "GET" else None, headers=sent)


@pytest.mark.parametrize("path", PATHS)
async def test_options_tells_the_methods_and_another_is_refused_with_them(shared: World, path: str) -> None:
    allow = ", ".join(sorted(PATHS[path] | {"OPTIONS"} | ({"HEAD"} if "GET" in PATHS[path] else set())))
    answer = await shared.http.options(path)
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allow, b"")
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - set(allow.split(", ")):
        refused = await shared.http.request(method, path)
        assert (refused.status_code, refused.headers["allow"]) == (405, allow)
        assert method == "HEAD" or problem(refused) == (405, "method-not-allowed")


@pytest.mark.parametrize("path", PATHS)
async def test_a_slash_more_is_another_address(shared: World, path: str) -> None:
    for other in (f"{path}/", f"/{path}", path.upper()):
        for method in (*PATHS[path], "OPTIONS"):
            answer = await shared.http.request(method, shared.http.base_url.copy_with(raw_path=other.encode()))
            assert (problem(answer), "location" in answer.headers) == ((404, "not-found"), False), (method, other)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sequenced(stage: Stage) -> Stage:
    """Its events have positions: verification tells of those that have waited for one for five seconds, of more with each answer."""
    async with running(stage.world.settings), await database.dedicated(stage.world.settings) as conn:
        await caught_up(conn)
    return stage


@pytest.mark.parametrize("route", READS, ids=name_of)
async def test_head_tells_what_get_tells(sequenced: Stage, route: dict[str, Any]) -> None:
    told: dict[str, httpx.Response] = {}
    for ids in (sequenced.here, dict.fromkeys(sequenced.here, str(uuid4()))):
        for method in ("GET", "HEAD"):
            asked = {**route, "method": method}
            told[method] = await raw(sequenced.world.clients[Role.ADMIN], asked, ids, route.get("query", ""), ("x-request-id", "same"))
        assert (told["HEAD"].status_code, told["HEAD"].content) == (told["GET"].status_code, b"")
        if not route["path"].endswith(FROM_TIME_TO_TIME):
            assert dict(told["HEAD"].headers) == dict(told["GET"].headers)
        assert int(told["GET"].headers["content-length"]) == len(told["GET"].content)
        check_headers(route, told["GET"])


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
async def test_an_address_that_cannot_be_read_is_malformed(stage: Stage, route: dict[str, Any]) -> None:
    unknown = dict.fromkeys(stage.here, str(uuid4()))
    for query, role, ids in (("a=%FF", Role.ADMIN, stage.here), ("%00=1", Role.VIEWER, unknown)):
        assert problem(await raw(stage.world.clients[role], route, ids, query)) == (400, "malformed-request"), query


@pytest.mark.parametrize("route", [r for r in READS if r["least"] != "none"], ids=name_of)
async def test_a_parameter_of_one_value_stands_once(stage: Stage, route: dict[str, Any]) -> None:
    for name in operation(stage.world, route).query:
        answer = await raw(stage.world.clients[Role.VIEWER], route, dict.fromkeys(stage.here, str(uuid4())), f"{name}=1&{name}=1")
        listed = name == "component_types"
        assert (problem(answer) == (400, "malformed-request")) is not listed, name


@pytest.mark.parametrize("route", [r for r in READS if r["least"] != "none"], ids=name_of)
async def test_a_forged_cursor_is_a_wrong_value(stage: Stage, route: dict[str, Any]) -> None:
    if "cursor" not in operation(stage.world, route).query:
        return
    path, last = fill(route["path"], stage.here), uuid4()
    moments = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-04-13T11:00:00", "now", "9" * 5_000)
    forged = [base64.urlsafe_b64encode(text.encode()).decode() for text in (f"{m} {last} {path}" for m in moments)]
    for cursor in (*forged, "", "x", "%C3%A9", "A" * 5_000):
        answer = await raw(stage.world.clients[Role.ADMIN], route, stage.here, f"cursor={cursor}")
        assert errors(answer) == {("query:cursor", "invalid_value")}, cursor
    first = await raw(stage.world.clients[Role.ADMIN], route, stage.here, "limit=1")
    assert int(first.headers["x-total-count"]) >= first.json()["count"]
    assert ("link" in first.headers) is (int(first.headers["x-total-count"]) > 1)


@pytest.mark.parametrize("route", WRITES, ids=name_of)
async def test_what_is_no_object_is_a_wrong_field(stage: Stage, route: dict[str, Any]) -> None:
    world, ids = stage.world, stage.here
    unknown = dict.fromkeys(ids, str(uuid4()))
    for body in ("[]", "null", "[{}]"):
        asked = {**route, "body": body}
        answer = await ask(world.clients[Role.ADMIN], asked, ids)
        if route["status"] == 404:  # a follower that is not there
            assert problem(answer) == (404, "not-found")
        else:
            assert (problem(answer), errors(answer)) == ((422, "validation-failed"), {("#", "invalid_type")}), body
        if ids_in(route):
            assert problem(await ask(world.clients[Role.ADMIN], asked, unknown)) == (404, "not-found"), body
        assert problem(await ask(world.clients[Role.AUDITOR], asked, ids)) == (403, "forbidden"), body


@pytest.mark.parametrize("route", DONE, ids=name_of)
async def test_a_key_makes_every_write_safe_to_repeat(stage: Stage, route: dict[str, Any]) -> None:
    world, client, key = stage.world, stage.world.clients[Role.ADMIN], ("idempotency-key", str(uuid4()))
    here = await ground(world)
    await prepare(world, route, here)
    wrong = await raw(client, {**route, "body": '{"nobody": 1}'}, here, QUERY, key)
    assert wrong.status_code == 422
    stale = () if operation(world, route).compares(route["method"]) else (("if-match", STALE),)  # ignored where nothing has a tag
    first = await raw(client, route, here, QUERY, key, *stale)
    assert (first.status_code, "idempotency-replayed" in first.headers) == (route["status"], False), first.text
    assert str(UUID(first.headers["x-command-id"])) == first.headers["x-command-id"]
    check_headers(route, first)
    again = await raw(client, route, here, QUERY, key)
    assert again.headers["idempotency-replayed"] == "true"
    secret = "/admin/tokens" in route["path"] and first.content
    for answer in (first, again):
        for name in ("idempotency-replayed", "x-request-id", *(("content-length",) if secret else ())):
            answer.headers.pop(name, None)
    assert (again.status_code, dict(again.headers)) == (first.status_code, dict(first.headers))
    assert again.content == first.content or {**first.json(), "token": None} == again.json()
    gone = route["method"] == "DELETE" and route["path"].removeprefix("/api/v1") in OWN_PATH.values()
    other = await raw(client, route, here, "x=1", key), await raw(client, {**route, "body": "{ }"}, here, QUERY, key)
    assert {problem(answer) for answer in other} == {(404, "not-found") if gone else (422, "idempotency-key-reused")}


@pytest.mark.parametrize("route", [r for r in DONE if r["status"] == 201], ids=name_of)
async def test_what_was_made_lies_at_its_location(stage: Stage, route: dict[str, Any]) -> None:
    client = stage.world.clients[Role.ADMIN]
    answer = await ask(client, route, stage.here)
    if route["path"].endswith(WITHOUT_ADDRESS):
        assert "location" not in answer.headers
        return
    location = answer.headers["location"].removeprefix("/api/v1")
    found = await client("GET", location)
    if found.status_code == 405:  # read in its list only
        items = (await client("GET", location.rpartition("/")[0])).json()["items"]
        assert location.rpartition("/")[2] in {item.get("uuid") or item.get("token_id") for item in items}
    else:
        assert (found.status_code, found.content, found.headers["etag"]) == (200, answer.content, answer.headers["etag"])


def check_headers(route: dict[str, Any], answer: httpx.Response) -> None:
    """How an answer may be kept, and which request it answers."""
    kept = "no-store" if route["path"].endswith(NO_STORE) and answer.status_code < 300 else "private, no-cache"
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == (kept, "nosniff")
    assert answer.headers["x-request-id"] == answer.request.headers.get("x-request-id", answer.headers["x-request-id"])


@pytest.mark.parametrize("route", READS, ids=name_of)
async def test_one_resource_has_a_tag_and_is_not_sent_twice(stage: Stage, route: dict[str, Any]) -> None:
    client, query = stage.world.clients[Role.ADMIN], route.get("query", "")
    first = await raw(client, route, stage.here, query)
    one = route["path"].endswith("_id}") and route["least"] != "none"
    if one:
        assert re.fullmatch(r'"\d+-\d+-[0-9a-f]{12}"', first.headers["etag"])
    if "etag" not in first.headers:
        return
    tag = first.headers["etag"]
    for sent in ([tag], [f"W/{tag}"], ["*"], [f'"a,b", W/"x" ,{tag}'], ['"x"', tag]):
        for method in ("GET", "HEAD"):
            kept = await raw(client, {**route, "method": method}, stage.here, query, *(("if-none-match", s) for s in sent))
            assert (kept.status_code, kept.content, kept.headers["etag"]) == (304, b"", tag), sent
            assert "content-type" not in kept.headers
            assert kept.headers["cache-control"] == first.headers["cache-control"]
    for other in (STALE, "x", ""):
        assert (await raw(client, route, stage.here, query, ("if-none-match", other))).status_code == 200


@pytest.mark.parametrize("route", DONE, ids=name_of)
async def test_if_match_is_compared_where_there_is_a_tag(stage: Stage, route: dict[str, Any]) -> None:
    world, client = stage.world, stage.world.clients[Role.ADMIN]
    if not operation(world, route).compares(route["method"]):
        return
    here = await ground(world)
    await prepare(world, route, here)
    answer = await raw(client, route, here, "", ("if-match", '"x"'), ("if-match", STALE))
    assert problem(answer) == (412, "precondition-failed")
    read = await client("GET", re.sub("/(close|reopen|restore|cancel)$", "", fill(route["path"], here)).removeprefix("/api/v1"))
    assert read.status_code == 405 or answer.headers.get("etag") == read.headers.get("etag")  # observations are read in their list
    if "etag" in answer.headers:
        present = ("if-match", '"x"'), ("if-match", answer.headers["etag"])
        assert (await raw(client, route, here, "", *present)).status_code == route["status"]
