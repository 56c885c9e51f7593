"""What must be on record before it is answered: denials, and what is shown only to few."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from api import problems
from domain.refusals import Forbidden, OutOfScope, Refusal, Unauthenticated, Unavailable
from infra.access_log import AccessLog, Entry

Send = Callable[[Any], Awaitable[None]]

CLIENT_CHARACTERS_MAX = 200
PATH_CHARACTERS_MAX = 500
_SECRET = re.compile(r"rl_[0-9A-Za-z]+_[0-9A-Za-z]+|eyJ[\w-]+(?:\.[\w-]+)*", re.ASCII)


def privileged(scope: Any, what: str) -> None:
    """Notes that the answer will show what is not for everyone."""
    scope["state"]["shown"] = what


def entry(scope: Any, status: int, reason: str) -> Entry:
    """A row of the access log: neither query nor body, nothing that could be a token."""
    state = scope["state"]
    who = state.get("actor") or state.get("refusal")  # a token that holds no more still tells whose it was
    actor_id, token_id, role = (getattr(who, name, None) for name in ("actor_id", "token_id", "role"))
    client = next((value for name, value in scope["headers"] if name == b"user-agent"), b"").decode("latin-1")
    path, client = _shown(scope["path"], PATH_CHARACTERS_MAX), _shown(client, CLIENT_CHARACTERS_MAX)
    return Entry(status, reason, scope["method"][:16], path, actor_id, token_id, role, state["request_id"], client)


def _shown(text: str, characters_max: int) -> str:
    """What PostgreSQL can hold and nobody must hide."""
    kept = text.replace("\0", "\ufffd").encode(errors="replace").decode()
    return _SECRET.sub("[hidden]", kept)[:characters_max]


def recorded(scope: Any, send: Send, access_log: AccessLog) -> Send:
    """Sends an answer once its row is written. Where it cannot be, the answer is 503 instead."""
    withheld = False

    async def reply(message: Any) -> None:
        nonlocal withheld
        if message["type"] == "http.response.start" and (due := _due(scope, message["status"])):
            try:
                await access_log.record(due)
            except Unavailable as refusal:
                withheld = True
                await problems.send(scope, send, refusal.slug, refusal.detail)
        if not withheld:
            await send(message)

    return reply


def _due(scope: Any, status: int) -> Entry | None:
    state = scope["state"]
    reason = _denial(state.get("refusal")) if status in (401, 403, 404) else state.get("shown") if status < 400 else None
    return None if reason is None else entry(scope, status, reason)


def _denial(refusal: Refusal | None) -> str | None:
    """Why it was one; None for what is no matter of access."""
    match refusal:
        case Unauthenticated(why=why):
            return why
        case Forbidden():
            return "role too low"
        case OutOfScope():
            return "out of scope"
    return None
