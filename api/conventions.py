"""What every response has in common: request ids, HEAD, OPTIONS, 405 with Allow, safe headers."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from litestar import Litestar

from api import problems

Send = Callable[[Any], Awaitable[None]]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_COMMON = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))


class Conventions:
    """Wraps the application; pure ASGI, so that it costs little on the hot routes."""

    def __init__(self, app: Litestar) -> None:
        self.app = app
        by_path = sorted(_methods_of(app).items(), key=lambda item: _literals_first(item[0]))
        self._routes = [(_pattern(path), methods) for path, methods in by_path]

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else str(uuid4()).encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        method = scope["method"]
        reply = _finish(send, request_id, drop_body=method == "HEAD")
        allowed = self._allowed(scope["path"])
        if allowed is None:
            await _problem(scope, reply, "not-found", "There is nothing at this address.")
        elif method == "OPTIONS":
            await reply({"type": "http.response.start", "status": 204, "headers": [(b"allow", allowed.encode())]})
            await reply({"type": "http.response.body", "body": b""})
        elif method not in allowed.split(", "):
            await _problem(scope, reply, "method-not-allowed", f"This address takes {allowed}.", (b"allow", allowed.encode()))
        else:
            asked: Any = {**scope, "method": "GET"} if method == "HEAD" else scope  # the server must still see HEAD
            await self.app(asked, receive, reply)

    def _allowed(self, path: str) -> str | None:
        """Methods of the route that matches; a literal segment wins over a wildcard, whatever was registered first."""
        return next((methods for pattern, methods in self._routes if pattern.fullmatch(path)), None)


def _literals_first(path: str) -> list[bool]:
    return [part.startswith("{") for part in path.split("/")]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/")))


def _methods_of(app: Litestar) -> dict[str, str]:
    methods: dict[str, str] = {}
    for route in app.routes:
        own = set(getattr(route, "methods", ())) | {"OPTIONS"}
        methods[route.path] = ", ".join(sorted(own | ({"HEAD"} if "GET" in own else set())))
    return methods


def _finish(send: Send, request_id: bytes, *, drop_body: bool) -> Send:
    async def reply(message: Any) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message["headers"]}
            headers = [
                h for h in message["headers"] if not (message["status"] in (204, 304) and h[0] in (b"content-length", b"content-type"))
            ]
            headers += [(b"x-request-id", request_id), *_COMMON]
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"private, no-cache"))
            message = {**message, "headers": headers}
        elif drop_body:
            message = {**message, "body": b""}
        await send(message)

    return reply


async def _problem(scope: Any, reply: Send, slug: str, detail: str, *more: tuple[bytes, bytes]) -> None:
    status, body = problems.render(scope["path"], scope["state"]["request_id"], slug, detail)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), *more]
    await reply({"type": "http.response.start", "status": status, "headers": headers})
    await reply({"type": "http.response.body", "body": body})
