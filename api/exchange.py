"""From an HTTP request to the door and back: what every handler of every surface goes through."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from api import bodies, parameters
from api.access import Doorkeeper
from commands.asking import Actor, Answer, Ask
from commands.door import Door
from commands.work import Query, Target, Work
from domain.refusals import Forbidden, NotFound
from domain.tokens import Role, at_least
from infra.settings import Settings

CLIENT_CHARACTERS_MAX = 200

Req = Request[Any, Any, Any]


class Exchange:
    """What handlers need, made once a process."""

    def __init__(self, settings: Settings, pool: AsyncConnectionPool[AsyncConnection[Any]], door: Door) -> None:
        self.settings, self.pool, self.door = settings, pool, door
        self.doorkeeper = Doorkeeper(pool)

    async def body(self, request: Req) -> dict[str, Any]:
        """The caller's body as a plain object; who calls is asked first."""
        await self.actor(request)
        raw = await request.body()
        return bodies.parse(raw, request.headers.get("content-type", ""), patch=request.method == "PATCH")

    async def actor(self, request: Req) -> Actor:
        return await self.doorkeeper.identify(request.headers.get("authorization"))

    async def write(self, request: Req, target: Target | None, least: Role, decide: Callable[[Work], Awaitable[Query]]) -> Response[bytes]:
        """Performs a change and answers it."""
        answer = await self.door.perform(await self._ask(request), target, least, decide)
        return written(answer)

    async def read(self, request: Req, sql: str, params: dict[str, Any], target: Target, least: Role = Role.VIEWER) -> Response[bytes]:
        """Answers one document below a root, if the root is in the caller's scope."""
        actor = await self.actor(request)
        async with self.pool.connection() as conn:
            params = params | {"run_id": await self.visible(conn, actor, target)}
            if not at_least(actor.role, least):
                raise Forbidden(f"This needs the role {least}; the token has {actor.role}.")
            row = await (await conn.execute(sql, params, prepare=True)).fetchone()
        if row is None:
            raise NotFound("Not found.")
        own, wide, body = row
        tag = etag(own, wide, bytes(body)) if own else None
        return document(request, bytes(body), tag, {"x-run-version": str(wide)} if wide else {})

    async def visible(self, conn: AsyncConnection[Any], actor: Actor, target: Target) -> Any:
        """The id of a live root in the caller's scope."""
        column = "number" if isinstance(target.ref, int) else "root_id"
        cursor = await conn.execute(
            f"SELECT root_id, system_id, status FROM roots WHERE kind = %s AND {column} = %s", (target.kind, target.ref), prepare=True
        )
        row = await cursor.fetchone()
        if row is None or row[2] == "deleted" or not actor.sees(row[1]):
            raise NotFound(f"No such {target.kind.replace('_', ' ').replace('run', 'test run')}.")
        return row[0]

    async def _ask(self, request: Req) -> Ask:
        key = parameters.idempotency_key(request.headers)
        fingerprint = b""
        if key is not None:
            text = f"{request.method} {request.scope['path']}?{request.scope['query_string'].decode('latin-1')}\n"
            fingerprint = hashlib.sha256(text.encode() + await request.body()).digest()
        return Ask(
            actor=await self.actor(request),
            request_id=str(request.scope["state"].get("request_id", "")),
            client=request.headers.get("user-agent", "")[:CLIENT_CHARACTERS_MAX],
            condition=parameters.condition(request.headers),
            require_condition=self.settings.require_if_match and request.method in ("PATCH", "PUT", "DELETE"),
            key=key,
            fingerprint=fingerprint,
        )


def etag(own: int, wide: int, body: bytes) -> str:
    """`"<own>-<wide>-<first 12 hex digits of the body's SHA-256>"`."""
    return f'"{own}-{wide}-{hashlib.sha256(body).hexdigest()[:12]}"'


def written(answer: Answer) -> Response[bytes]:
    headers = {"x-command-id": str(answer.command_id)}
    if answer.replayed:
        headers["idempotency-replayed"] = "true"
    if answer.location:
        headers["location"] = answer.location
    if answer.body is None:
        return Response(b"", status_code=answer.status, headers=headers, media_type="")
    if answer.own:
        headers["etag"] = etag(answer.own, answer.wide or 0, answer.body)
    if answer.wide:
        headers["x-run-version"] = str(answer.wide)
    return Response(answer.body, status_code=answer.status, headers=headers, media_type="application/json")


def document(request: Req, body: bytes, tag: str | None, headers: dict[str, str]) -> Response[bytes]:
    """A document, or 304 when the caller has it already (weak comparison of If-None-Match)."""
    if tag is not None:
        headers["etag"] = tag
        asked = request.headers.get("if-none-match", "")
        if asked.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in asked.split(",")):
            return Response(b"", status_code=304, headers=headers, media_type="")
    return Response(body, headers=headers, media_type="application/json")
