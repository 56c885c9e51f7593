"""Holds every answer that a test gets against the API document: its status, its media type, its body."""

from typing import Any

import httpx
import msgspec

from api.conventions import Conventions
from api.openapi import document
from api.openapi.envelopes import OF_SURFACE
from api.openapi.operation import JSON
from api.problems import surface_of
from api.routes import Routes


class Documented:
    """An event hook of httpx; an answer that is not documented fails the request."""

    def __init__(self, app: Conventions) -> None:
        self.operations = {(spoken.path, spoken.method): spoken.operation for spoken in document.routes(app.app)}
        paths = {path for path, _ in self.operations}
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
        if response.status_code == operation.status:
            media = response.headers.get("content-type", "").split(";")[0]
            assert media in operation.media if operation.answer else not media, f"{method} {path}: {media}"
            if request.method != "HEAD" and media == JSON:
                check(await response.aread(), operation.answer)

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
