"""The API document: complete, true to the contract's examples, valid."""

import re

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from litestar import Litestar, get

from api.openapi import document
from api.openapi.examples import EXAMPLES
from api.openapi.operation import JSON, Operation
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


async def test_the_document_is_valid_openapi(world: World) -> None:
    schemathesis.openapi.from_dict(await openapi(world)).validate()


async def test_every_body_and_every_json_answer_has_an_example_that_fits(world: World) -> None:
    whole = await openapi(world)
    shown = 0
    for path, _, operation in operations(whole):
        bodies = [("body", operation["requestBody"])] if "requestBody" in operation else []
        for where, node in [*bodies, *operation["responses"].items()]:
            for media, content in resolved(whole, node).get("content", {}).items():
                if not media.endswith("json") or (path, where) == ("/schema/openapi.json", "200"):
                    continue
                examples = [content["example"]] if "example" in content else [e["value"] for e in content["examples"].values()]
                for example in examples:
                    jsonschema_rs.validate({**whole, **content["schema"]}, example, validate_formats=True)
                    shown += 1
    assert shown > 150


async def test_an_example_of_an_answer_has_every_member_and_no_other(world: World) -> None:
    answers = [
        s.operation.answer for s in document.routes(world.app) if JSON in s.operation.media and s.operation.answer not in (None, dict)
    ]
    shown = {kind.__args__[0] if hasattr(kind, "__args__") else kind for kind in answers}
    for kind in shown:
        check(msgspec.json.encode(EXAMPLES[kind.__name__]), kind)
    bodies = {s.operation.body for s in document.routes(world.app)} - {None}
    assert {kind.__name__ for kind in shown | bodies} == EXAMPLES.keys()


async def test_everything_that_a_client_sends_or_reads_is_described(world: World) -> None:
    whole = await openapi(world)
    for path, method, operation in operations(whole):
        parameters = [resolved(whole, p) for p in operation["parameters"]]
        assert all(p["description"].strip() for p in parameters), (method, path)
        assert all(p["schema"].keys() & {"type", "enum", "anyOf"} for p in parameters), (method, path)
        assert operation["tags"][0] in {tag["name"] for tag in whole["tags"]}
    assert all(header["description"] for header in whole["components"]["headers"].values())
    assert all(re.fullmatch("[A-Z][A-Za-z]+", name) for name in whole["components"]["schemas"])
    assert all(tag["description"] for tag in whole["tags"])


async def test_what_was_made_links_to_all_that_can_be_asked_of_it(world: World) -> None:
    paths = (await openapi(world))["paths"]
    links = paths["/api/v1/test-runs/{run_id}/cards"]["post"]["responses"]["201"]["links"]
    assert links["get_card"] == {
        "operationId": "get_card",
        "parameters": {"run_id": "$request.path.run_id", "card_id": "$response.body#/uuid"},
    }
    assert {"update_card", "delete_card", "restore_card", "create_step", "order_steps"} < links.keys()
    assert "get_step" not in links  # which needs a step
    system = paths["/api/v1/systems"]["post"]["responses"]["201"]["links"]["get_system"]
    assert system["parameters"] == {"system_id": "$response.body#/system_id"}


def operations(whole: dict) -> list[tuple[str, str, dict]]:
    return [(path, method, operation) for path, found in whole["paths"].items() for method, operation in found.items()]


def resolved(whole: dict, node: dict) -> dict:
    """The node, or what it refers to."""
    if "$ref" in node:
        found = whole
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found
    return node


async def test_the_documented_role_is_the_least_of_the_access_matrix(world: World) -> None:
    least: dict[tuple[str, str], set[str]] = {}
    for row in ROUTES:
        least.setdefault((row["method"], re.sub(r"{\w+}", "{}", row["path"])), set()).add(row["least"])
    paths = (await openapi(world))["paths"]
    for spoken in document.routes(world.app):
        known = least[spoken.method, re.sub(r"{\w+}", "{}", spoken.path)]
        weakest = min(known, key=["none", *ORDER, "auditor"].index)
        assert (spoken.operation.least or "none") == weakest, spoken.path
        told = paths[spoken.path][spoken.method.lower()]["security"]
        assert told == ([{"bearer": [weakest]}] if weakest != "none" else [{}, {"bearer": []}] if spoken.path == "/metrics" else [])


async def test_a_body_says_what_its_members_may_be(world: World) -> None:
    title = (await openapi(world))["components"]["schemas"]["CreateRun"]["properties"]["title"]
    assert title == {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"[^\s\u001c-\u001f\u0085]"}


async def test_the_document_is_sent_once_to_whoever_keeps_it(world: World) -> None:
    first = await world.http.get("/schema/openapi.json")
    again = await world.http.get("/schema/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_lists_and_single_answers_differ_in_their_headers() -> None:
    single, listed = Operation("", None, msgspec.Struct, kept=True), Operation("", None, None)
    assert single.tagged
    assert not listed.tagged
