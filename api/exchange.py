"""From an HTTP request to the door and back: what every handler of every surface goes through."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
from litestar import Request, Response
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from api import bodies, parameters, present, recording
from api.access import Doorkeeper
from api.turns import turn
from commands.asking import Actor, Answer, Ask
from commands.door import Door
from commands.work import NOUN, Query, Target, Work
from domain.facts import Kind
from domain.refusals import Forbidden, NotFound, OutOfScope, PreconditionFailed, RateLimited
from domain.tokens import Role, at_least
from infra import placeholders
from infra.access_log import AccessLog
from infra.embedding.questions import Questions
from infra.objects import Objects
from infra.rate_limits import RateLimits
from infra.settings import Settings
from projections import evidence
from projections.word_counts import Counts

Req = Request[Any, Any, Any]
SEARCH_WAIT_S = 5


class Exchange:
    """What handlers need, made once a process."""

    def __init__(self, settings: Settings, pool: AsyncConnectionPool[AsyncConnection[Any]], door: Door) -> None:
        self.settings, self.pool, self.door = settings, pool, door
        self.doorkeeper = Doorkeeper(settings, pool)
        self.access_log = AccessLog(pool)
        self.rates = RateLimits(settings)
        self.objects = Objects(settings)
        self.questions = Questions(settings)
        self.word_counts = Counts()
        self._searches = asyncio.Semaphore(settings.searches_max)

    async def admit(self, request: Req) -> None:
        """Runs before every handler: who calls (401) and how often (429), size and form of the request (413, 415, 400), the surface (404).

        So none of these depends on what a handler does first, and each wins over what is found later.
        """
        state, headers = request.scope["state"], request.headers
        actor = state["actor"] = await self.doorkeeper.identify(parameters.joined(headers, "authorization"))
        if self.rates.on:
            state["rate"] = rate = await self.rates.take(actor.token_id)
            if rate.wait_s:
                raise RateLimited(
                    f"This token has sent too many requests: {rate.limit} at once, then {self.rates.per_s} a second.", rate.wait_s
                )
        if request.method != "GET":
            state["body"] = bodies.parse(await request.body(), headers.get("content-type", ""), patch=request.method == "PATCH")
            state["condition"], state["key"] = parameters.condition(headers), parameters.idempotency_key(headers)
        parameters.check_address(request.scope, request.scope["route_handler"].opt["operation"].single)
        if not actor.reaches_systems:
            raise OutOfScope("There is nothing at this address.")

    def body(self, request: Req) -> dict[str, Any]:
        """The caller's body as a plain object."""
        state = request.scope["state"]
        return state.pop("body") if isinstance(state["body"], dict) else {}  # what is no object `write` refuses in its turn

    def actor(self, request: Req) -> Actor:
        actor: Actor = request.scope["state"]["actor"]
        return actor

    def require(self, request: Req, least: Role) -> Actor:
        """The caller, if the role suffices for what concerns the whole ledger and the token is not limited to a part of it."""
        actor = self.actor(request)
        if not at_least(actor.role, least):
            raise Forbidden(f"This needs the role {least}; the token has {actor.role}.")
        if actor.limited:
            raise Forbidden(f"This needs a token of the role {least} that is not limited to systems or projects.")
        return actor

    async def show_deleted(self, request: Req, conn: AsyncConnection[Any], root_id: Any) -> bool:
        """Whether the caller may read what was deleted. A root that holds any is then a privileged read, which is put on record."""
        if not at_least(self.actor(request).role, Role.AUDITOR):
            return False
        if (await (await conn.execute(evidence.HOLDS_DELETED, (root_id,), prepare=True)).fetchone()) == (True,):
            recording.privileged(request.scope, "deleted things")
        return True

    async def write(self, request: Req, target: Target | None, least: Role, decide: Callable[[Work], Awaitable[Query]]) -> Response[bytes]:
        """Performs a change and answers it. A body that the handler did not ask for must be empty."""
        surplus = request.scope["state"].get("body", {})
        try:
            answer = await self.door.perform(await self._ask(request), target, least, _refuse(surplus) if surplus != {} else decide)
        except PreconditionFailed as refusal:
            refusal.etag = await self._present_tag(target, self.actor(request))
            raise
        return written(answer)

    async def read(self, request: Req, sql: str, params: dict[str, Any], target: Target, least: Role = Role.VIEWER) -> Response[bytes]:
        """Answers one document below a root, if the root is in the caller's scope."""
        own, wide, body = await self.row(request, sql, params, target, least)
        tag = etag(own, wide, body) if own else None
        return document(request, body, tag, {"x-run-version": str(wide)} if target.kind is Kind.RUN else {})

    def turn_to_search(self) -> AbstractAsyncContextManager[None]:
        """More searches at once than there are processors only make each other late, and all that is asked meanwhile."""
        return turn(self._searches, SEARCH_WAIT_S, "More searches are waiting than can be answered soon; try again.")

    async def row(
        self, request: Req, sql: str, params: dict[str, Any], target: Target, least: Role = Role.VIEWER
    ) -> tuple[int, int, bytes]:
        """Own and wide version and the bytes of a document below a root, if the root is in the caller's scope."""
        actor = self.actor(request)
        async with self.pool.connection() as conn:
            params = params | {"run_id": await self.visible(conn, actor, target), "reach": actor.reach}
            if not at_least(actor.role, least):
                raise Forbidden(f"This needs the role {least}; the token has {actor.role}.")
            row = await (await placeholders.execute(conn, sql, params)).fetchone()
        if row is None:
            raise NotFound("Not found.")
        return row[0], row[1], bytes(row[2])

    async def visible(self, conn: AsyncConnection[Any], actor: Actor, target: Target) -> Any:
        """The id of a live root in the caller's scope."""
        return (await self.found(conn, actor, target, deleted=False))[0]

    async def found(self, conn: AsyncConnection[Any], actor: Actor, target: Target, *, deleted: bool) -> tuple[Any, int]:
        """Id and version of a root in the caller's scope, with `deleted` also of a deleted one."""
        row = await (await conn.execute(*present.root(target), prepare=True)).fetchone()
        if row is None:
            raise NotFound(f"No such {NOUN[target.kind]}.")
        if not actor.sees(row[1]):
            raise OutOfScope(f"No such {NOUN[target.kind]}.")
        if row[2] == "deleted" and not deleted:
            raise NotFound(f"No such {NOUN[target.kind]}.")
        return row[0], row[3]

    async def _present_tag(self, target: Target | None, actor: Actor) -> str | None:
        """The ETag of what a write was about, as it stands now."""
        if target is None:
            return None
        async with self.pool.connection() as conn:
            found = await (await conn.execute(*present.root(target), prepare=True)).fetchone()
            if found is None:
                return None
            row = await (await conn.execute(*present.document(target, found[0], actor.reach), prepare=True)).fetchone()
        return None if row is None else etag(row[0], row[1], bytes(row[2]))

    async def _ask(self, request: Req) -> Ask:
        state = request.scope["state"]
        key = state["key"]
        fingerprint = b""
        if key is not None:
            text = f"{request.method} {request.scope['path']}?{request.scope['query_string'].decode('latin-1')}\n"
            fingerprint = hashlib.sha256(text.encode() + await request.body()).digest()
        return Ask(
            actor=state["actor"],
            request_id=str(state.get("request_id", "")),
            client=request.headers.get("user-agent", "")[: recording.CLIENT_CHARACTERS_MAX],
            condition=state["condition"],
            require_condition=self.settings.require_if_match and request.method in ("PATCH", "PUT", "DELETE"),
            key=key,
            fingerprint=fingerprint,
        )


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request that has nothing to say."""


def _refuse(surplus: object) -> Callable[[Work], Awaitable[Query]]:
    async def decide(_: Work) -> Query:
        bodies.check(_Nothing, surplus)
        return Query(204)

    return decide


def etag(own: int, wide: int, body: bytes) -> str:
    """`"<own>-<wide>-<first 12 hex digits of the body's SHA-256>"`."""
    return f'"{own}-{wide}-{hashlib.sha256(body).hexdigest()[:12]}"'


def written(answer: Answer) -> Response[bytes]:
    headers = {"x-command-id": str(answer.command_id)}
    if answer.replayed:
        headers["idempotency-replayed"] = "true"
    if answer.run_version:
        headers["x-run-version"] = str(answer.run_version)
    if answer.location:
        headers["location"] = answer.location
    if answer.body is None:
        return Response(b"", status_code=answer.status, headers=headers, media_type="")
    if answer.own:
        headers["etag"] = etag(answer.own, answer.wide or 0, answer.body)
    return Response(answer.body, status_code=answer.status, headers=headers, media_type="application/json")


def document(request: Req, body: bytes, tag: str | None, headers: dict[str, str], media: str = "application/json") -> Response[bytes]:
    """A document, or 304 when the caller has it already (weak comparison of If-None-Match)."""
    if tag is not None:
        headers["etag"] = tag
        asked = parameters.joined(request.headers, "if-none-match") or ""
        if asked.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in asked.split(",")):
            return Response(b"", status_code=304, headers=headers, media_type="")
    return Response(body, headers=headers, media_type=media)
