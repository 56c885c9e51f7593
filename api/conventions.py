"""What every response has in common: request ids, HEAD, OPTIONS, 405 with Allow, safe headers, being measured."""

import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from litestar import Litestar

from api import problems
from api.recording import Send, recorded
from api.routes import Routes
from infra import tracing
from infra.access_log import AccessLog
from infra.rate_limits import RateLimits, Standing

Observe = Callable[[str, str, int, float, str], None]  # method, route, status, seconds, request id

UNMATCHED = "unmatched"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_COMMON = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))


class Conventions:
    """Wraps the application; pure ASGI, so that it costs little on the hot routes."""

    def __init__(self, app: Litestar, access_log: AccessLog, rates: RateLimits, observers: tuple[Observe, ...] = ()) -> None:
        self.app, self._access_log, self._observers = app, access_log, observers
        self._untouched = rates.untouched if rates.on else None  # what is told where no token was found to count for
        self._routes = Routes((route.path_format, set(getattr(route, "methods", ()))) for route in app.routes)

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = sent.decode() if _REQUEST_ID.fullmatch(sent) else str(uuid4())
        state = scope.setdefault("state", {})
        state["request_id"], state["rate"] = request_id, self._untouched
        method, route = scope["method"], self._routes.find(scope["path"])
        reply = _finish(send, state, drop_body=method == "HEAD")
        name = UNMATCHED if route is None else route.path
        try:
            with tracing.request(method, name, scope["headers"]) as span:
                await self._answer(scope, receive, reply, route)
                tracing.answered(span, state["status"], request_id)
        finally:
            seconds = time.perf_counter() - started
            for observe in self._observers:
                observe(method, name, state.get("status", 500), seconds, request_id)

    async def _answer(self, scope: Any, receive: Any, reply: Send, route: Any) -> None:
        method = scope["method"]
        if route is None:
            await problems.send(scope, reply, "not-found", "There is nothing at this address.")
        elif method == "OPTIONS":
            await reply({"type": "http.response.start", "status": 204, "headers": [(b"allow", route.allowed.encode())]})
            await reply({"type": "http.response.body", "body": b""})
        elif method not in route.methods:
            await problems.send(
                scope, reply, "method-not-allowed", f"This address takes {route.allowed}.", (b"allow", route.allowed.encode())
            )
        else:
            asked: Any = {**scope, "method": "GET"} if method == "HEAD" else scope  # the server must still see HEAD
            await self.app(asked, receive, recorded(scope, reply, self._access_log))


def _finish(send: Send, state: dict[str, Any], *, drop_body: bool) -> Send:
    async def reply(message: Any) -> None:
        if message["type"] == "http.response.start":
            status = state["status"] = message["status"]
            names = {name.lower() for name, _ in message["headers"]}
            headers = [h for h in message["headers"] if not (status in (204, 304) and h[0] in (b"content-length", b"content-type"))]
            headers += [(b"x-request-id", state["request_id"].encode()), *_COMMON, *_rate(state["rate"])]
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"private, no-cache"))
            message = {**message, "headers": headers}
        elif drop_body:
            message = {**message, "body": b""}
        await send(message)

    return reply


def _rate(told: Standing | None) -> tuple[tuple[bytes, bytes], ...]:
    if told is None:
        return ()
    return (
        (b"x-ratelimit-limit", b"%d" % told.limit),
        (b"x-ratelimit-remaining", b"%d" % told.left),
        (b"x-ratelimit-reset", b"%d" % told.reset_s),
    )
