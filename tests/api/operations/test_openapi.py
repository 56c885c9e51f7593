"""The API document: complete, true to the contract's examples, valid."""

import re

import msgspec
import pytest
from litestar import Litestar, get

from api.openapi import document
from api.openapi.operation import Operation
from domain.tokens import ORDER
from tests.api.test_matrix import ROUTES
from tests.conftest import World
from tests.documented import check


async def openapi(world: World) -> dict:
    return (await world.http.get("/schema/openapi.json")).json()


async def test_every_route_is_documented_with_every_status(world: World) -> None:
    paths = (await openapi(world))["paths"]
    assert {"post", "get"} <= paths["/api/v1/test-runs"].keys()
    responses = paths["/api/v1/test-runs/{run_id}"]["patch"]["responses"]
    assert set(responses) == {"200", "400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "428", "429", "500", "503"}
    assert {"/livez", "/readyz", "/metrics", "/docs", "/problems/{slug}", "/schema/openapi.json"} <= paths.keys()


async def test_a_route_that_says_nothing_of_itself_is_refused() -> None:
    @get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(document.UndocumentedRoute, match="GET /forgotten"):
        document.render(Litestar([forgotten], openapi_config=None, logging_config=None))


async def test_operations_have_names_of_their_own_and_every_reference_resolves(world: World) -> None:
    whole = await openapi(world)
    ids = [operation["operationId"] for path in whole["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids)) > 40
    for reference in references(whole):
        found = whole
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def references(node: object) -> list[str]:
    match node:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [found for value in node.values() for found in references(value)]
        case list():
            return [found for value in node for found in references(value)]
    return []


async def test_examples_have_the_shape_of_their_answers(world: World) -> None:
    shown = [spoken.operation.answer for spoken in document.routes(world.app)]
    examples = {kind.EXAMPLE: kind for kind in shown if hasattr(kind, "EXAMPLE")}
    assert len(examples) >= 5
    for text, kind in examples.items():
        check(text.encode(), kind)


async def test_the_documented_role_is_the_least_of_the_access_matrix(world: World) -> None:
    least: dict[tuple[str, str], set[str]] = {}
    for row in ROUTES:
        least.setdefault((row["method"], re.sub(r"{\w+}", "{}", row["path"])), set()).add(row["least"])
    for spoken in document.routes(world.app):
        known = least[spoken.method, re.sub(r"{\w+}", "{}", spoken.path)]
        weakest = min(known, key=["none", *ORDER, "auditor"].index)
        assert (spoken.operation.least or "none") == weakest, spoken.path


async def test_a_body_says_what_its_members_may_be(world: World) -> None:
    title = (await openapi(world))["components"]["schemas"]["CreateRun"]["properties"]["title"]
    assert title == {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}


async def test_the_document_is_sent_once_to_whoever_keeps_it(world: World) -> None:
    first = await world.http.get("/schema/openapi.json")
    again = await world.http.get("/schema/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_lists_and_single_answers_differ_in_their_headers() -> None:
    single, listed = Operation("", None, msgspec.Struct, kept=True), Operation("", None, None)
    assert single.tagged
    assert not listed.tagged
