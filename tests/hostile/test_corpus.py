"""The corpus against every parameter of every route: no 5xx, the answer documented, text kept byte for byte or refused."""

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest
import pytest_asyncio

from domain.tokens import Role
from infra.logs import AsText
from tests.api.test_matrix import CLOSED_ROUTES, fill, ground, ids_in, name_of
from tests.conftest import World
from tests.hostile.corpus import FORGED, NUMBERS, PATHS, STAMPS, STRINGS

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXTS = {name: json.dumps(text, ensure_ascii=re.search("[\ud800-\udfff]", text) is not None) for name, text in STRINGS.items()}
TIMES = {f"time {text!r}": json.dumps(text) for text in STAMPS}
FEW = {"NUL": TEXTS["NUL"], "SQL": TEXTS["SQL"], "HTML": TEXTS["HTML"], "empty": '""', "2^63": "9223372036854775808"}
FEW |= {"true": "true", "null": "null", "an array": "[5]", "an object": "{}", "NaN": "NaN"}
HERE = "\0here"  # stands in a body where the hostile value goes

# Bodies with which more of a route is reached than with those of the matrix.
FULLER = {
    "/steps/{step_id}": {"execution_status": "passed_with_exception"},
    "/results": {"results": [{"test_step_id": "{step_id}", "execution_status": "passed_with_exception"}]},
    "/card-templates": {"title": "x", "steps": [{"title": "x"}]},
    "/card-templates/{template_id}": {"steps": [{"title": "x"}]},
}

# What an answer does not repeat: reasons stand in the history, a context in the report's event, an upload's name in its address.
NOT_SHOWN = {("close", "reason"), ("reopen", "reason"), ("reports", "analysis_context"), ("uploads", "file_name")}
QUERY_BYTES_MAX = 60_000  # servers take no longer address

asked: Counter[str] = Counter()


class Ground:
    """What the values are sent at: one of everything, and the API document."""

    def __init__(self, world: World, ids: dict[str, str], document: dict[str, Any]) -> None:
        self.world, self.ids, self.document = world, ids, document
        self.operations = {
            (method.upper(), re.sub(r"{\w+}", "{}", path)): operation
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }

    def operation(self, route: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.operations[route["method"], re.sub(r"{\w+}", "{}", route["path"])]
        return found

    async def send(self, kind: str, method: str, path: str, query: str = "", content: bytes | None = None) -> httpx.Response:
        """As admin, over an address that nobody mends on the way; the client holds the answer against the API document."""
        asked[kind] += 1
        address = self.world.http.base_url.copy_with(raw_path=f"{path}?{query}".encode() if query else path.encode())
        headers = {"authorization": f"Bearer {self.world.clients[Role.ADMIN].token}", "content-type": "application/json"}
        answer = await self.world.http.request(method, address, content=content, headers=headers)
        assert answer.status_code < 500, (method, path[:200], query[:200], (content or b"")[:300], answer.text)
        assert not set(answer.headers) & {"set-cookie"}
        return answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(shared: World) -> Ground:
    return Ground(shared, await ground(shared), (await shared.http.get("/schema/openapi.json")).json())


def leaves(
    document: dict[str, Any], schema: dict[str, Any], place: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Every member of a body that holds no others, with its schema; of an array its first item."""
    if reference := schema.get("$ref"):
        schema = document["components"]["schemas"][reference.rsplit("/", 1)[-1]]
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    for kind in kinds:
        if "$ref" in kind:
            yield from leaves(document, kind, place)
        elif kind.get("properties"):
            for name, member in kind["properties"].items():
                yield from leaves(document, member, (*place, name))
        elif kind.get("type") == "array":
            yield from leaves(document, kind.get("items", {}), (*place, 0))
        else:
            yield place, kind


def planted(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy of the body with the value at the place."""
    if not place:
        return value
    first, rest = place[0], place[1:]
    if first == 0:
        items = body if isinstance(body, list) and body else [{} if rest else None]
        return [planted(items[0], rest, value), *items[1:]]
    members = body if isinstance(body, dict) else {}
    return members | {first: planted(members.get(first), rest, value)}


def values_for(name: str, schema: dict[str, Any]) -> dict[str, str]:
    """JSON by what it shows."""
    if schema.get("type") == "integer":
        return NUMBERS | FEW
    if schema.get("type") == "object":
        return {label: f'{{"x": {text}, "y": [{text}]}}' for label, text in (TEXTS | NUMBERS).items()}
    if schema.get("type") != "string" or schema.get("format") == "uuid" or "enum" in schema:
        return FEW
    dated = name.endswith(("_at", "_after", "_before", "as_of"))
    return TEXTS | FEW | (TIMES if dated else {})


def of_name(answer: Any, name: Any) -> list[Any]:
    """Every value that stands under the name, at any depth."""
    match answer:
        case dict():
            own = [answer[name]] if name in answer else []
            return own + [found for value in answer.values() for found in of_name(value, name)]
        case list():
            return [found for item in answer for found in of_name(item, name)]
    return []


def shown(answer: Any, name: Any) -> list[Any]:
    """The texts that an answer has under the name; a text that was cleared is null or empty."""
    values = [item for value in of_name(answer, name) for item in (value if isinstance(value, list) else [value])]
    return ["" if value is None else value for value in values]


def base_of(route: dict[str, Any], ids: dict[str, str]) -> Any:
    """A body that the route takes."""
    fuller = next((body for end, body in FULLER.items() if route["path"].endswith(end)), None)
    return json.loads(fill(json.dumps(fuller) if fuller else route.get("body", "{}"), ids))


@pytest.mark.parametrize("route", [r for r in CLOSED_ROUTES if r["method"] in ("POST", "PUT", "PATCH")], ids=name_of)
async def test_a_body_of_hostile_values_is_kept_exactly_or_refused(here: Ground, route: dict[str, Any]) -> None:
    body = here.operation(route).get("requestBody")
    if body is None:
        body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"surplus": {"type": "string"}}}}}}
    for place, schema in leaves(here.document, body["content"]["application/json"]["schema"]):
        name = next(part for part in reversed(place) if part != 0)
        sent = json.dumps(planted(base_of(route, here.ids), place, HERE))
        for label, text in values_for(name, schema).items():
            content = sent.replace(json.dumps(HERE), text).encode()
            answer = await here.send("bodies", route["method"], fill(route["path"], here.ids), content=content)
            if answer.status_code < 300 and answer.content and label in STRINGS and schema.get("type") == "string":
                told = shown(answer.json(), name)
                assert STRINGS[label] in told or (told == [] and (route["path"].rsplit("/", 1)[-1], name) in NOT_SHOWN), (name, label)
                asked["kept byte for byte"] += told != []


@pytest.mark.parametrize("route", CLOSED_ROUTES, ids=name_of)
async def test_a_query_of_hostile_values_is_answered_as_documented(here: Ground, route: dict[str, Any]) -> None:
    parameters = [p for p in here.operation(route)["parameters"] if p.get("in") == "query"]
    for parameter in parameters:
        name, values = parameter["name"], values_for(parameter["name"], parameter["schema"])
        for text in values.values():
            plain = json.loads(text) if text.startswith('"') else text
            value = quote_from_bytes(plain.encode("utf-8", "surrogatepass"))[:QUERY_BYTES_MAX]
            answer = await here.send("queries", route["method"], fill(route["path"], here.ids), f"{name}={value}")
            assert answer.status_code in (200, 400, 422) or (
                name in ("version", "as_of", "from", "to") and answer.status_code in (404, 409)
            )


@pytest.mark.parametrize("route", [r for r in CLOSED_ROUTES if "{" in r["path"]], ids=name_of)
async def test_a_path_of_hostile_parts_is_not_found_or_malformed(here: Ground, route: dict[str, Any]) -> None:
    for name in ids_in(route):
        for part in PATHS:
            path = fill(route["path"].replace(f"{{{name}}}", part.replace("{", "{{").replace("}", "}}"), 1), here.ids)
            answer = await here.send("paths", route["method"], path.replace("{{", "{").replace("}}", "}"), content=b"")
            assert answer.status_code in (400, 404, 405, 422), (part, answer.status_code)


async def test_reasons_are_kept_byte_for_byte(here: Ground) -> None:
    path = f"/api/v1/test-runs/{here.ids['run_id']}"
    for label, text in STRINGS.items():
        await here.send("bodies", "POST", f"{path}/close", content=b"")
        answer = await here.send("bodies", "POST", f"{path}/reopen", content=b'{"reason": %s}' % TEXTS[label].encode())
        if answer.status_code == 200:
            latest = (await here.send("queries", "GET", f"{path}/history", "order=desc&limit=1")).json()["items"][0]
            assert latest["reason"] == text
            asked["kept byte for byte"] += 1
        else:
            assert answer.status_code in (400, 413, 422)
    await here.send("bodies", "POST", f"{path}/reopen", content=b'{"reason": "x"}')


async def test_what_was_kept_can_be_read_everywhere_and_nothing_was_forged(
    here: Ground, caplog: pytest.LogCaptureFixture, tell: Callable[[str], None]
) -> None:
    with caplog.at_level(logging.DEBUG):
        for route in (r for r in CLOSED_ROUTES if r["method"] == "GET"):
            await here.send("reads", "GET", fill(route["path"], here.ids), route.get("query", ""))
    lines = [line for record in caplog.records for line in AsText().format(record).splitlines()]
    assert lines
    assert not [line for line in lines if line.startswith(FORGED)]
    tell(f"{asked.total() - asked['kept byte for byte']:,} requests, {dict(asked)}")
