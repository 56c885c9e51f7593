"""Holds every answer that a test gets against the API document: its status, its headers, its media type, its body."""

from typing import Any

import httpx
import msgspec
from jsonschema_rs import is_valid

from api.conventions import Conventions
from api.openapi import document
from api.openapi.envelopes import OF_SURFACE
from api.openapi.operation import JSON
from api.problems import surface_of
from api.routes import Routes

UNTOLD = {
    "content-type",
    "content-length",
    "x-content-type-options",
    "referrer-policy",
}  # the first two by the protocol, the others in words


class Documented:
    """An event hook of httpx; an answer that is not documented fails the request."""

    def __init__(self, app: Conventions) -> None:
        self.operations = {(spoken.path, spoken.method): spoken.operation for spoken in document.routes(app.app)}
        paths = {path for path, _ in self.operations}
        self.document = msgspec.json.decode(app.app.state.openapi)
        self.routes = Routes((path, {method for known, method in self.operations if known == path}) for path in paths)

    async def __call__(self, response: httpx.Response) -> None:
        request = response.request
        path = request.url.path
        route = self.routes.find(path)
        method = "GET" if request.method == "HEAD" else request.method
        operation = self.operations.get((route.path, method)) if route else None
        if response.status_code >= 400:
            await self._refused(request, response)
        if operation is None:
            assert response.status_code in ((404,) if route is None else (204, 405)), f"{request.method} {path}: {response.status_code}"
            return
        known = operation.statuses(method)
        assert response.status_code in known, f"{method} {path}: {response.status_code} is not documented; {known} are"
        self._check_headers(route.path, method, response)
        if response.status_code == operation.status:
            media = response.headers.get("content-type", "").split(";")[0]
            assert media in operation.media if operation.answer else not media, f"{method} {path}: {media}"
            if request.method != "HEAD" and media == JSON:
                check(await response.aread(), operation.answer)

    def _check_headers(self, path: str, method: str, response: httpx.Response) -> None:
        told = self._found(self.document["paths"][path][method.lower()]["responses"][str(response.status_code)])["headers"]
        known = {name.lower(): self._found(header) for name, header in told.items()}
        where = f"{method} {path}: {response.status_code}"
        for name, value in response.headers.items():
            assert name in known or name in UNTOLD, f"{where}: the header {name} is not documented"
            schema = known.get(name, {}).get("schema", {})
            typed = int(value) if schema.get("type") == "integer" else value
            assert is_valid(schema, typed, validate_formats=True), f"{where}: {name}: {value} is not {schema}"
        missing = {name for name, header in known.items() if header["required"]} - response.headers.keys()
        assert not missing, f"{where} has no {missing}"

    def _found(self, node: dict[str, Any]) -> dict[str, Any]:
        """The node, or what it refers to."""
        found: Any = node
        if "$ref" in node:
            found = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
        return found

    async def _refused(self, request: httpx.Request, response: httpx.Response) -> None:
        assert response.headers["content-type"] == "application/problem+json"
        if request.method != "HEAD":
            check(await response.aread(), OF_SURFACE[surface_of(request.url.path)])


def client(app: Conventions) -> httpx.AsyncClient:
    """A client of the application in process that fails on every answer that is not documented."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", event_hooks={"response": [Documented(app)]})


def check(body: bytes, kind: Any) -> None:
    """The body has every member that its struct has, and no other."""
    assert msgspec.json.decode(msgspec.json.encode(msgspec.json.decode(body, type=kind))) == msgspec.json.decode(body)
