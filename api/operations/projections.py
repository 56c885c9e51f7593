"""Operations: how the views and their followers stand, and asking for a rebuild."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from api import bodies
from api.bodies import NOT_BLANK, SOME_TEXT
from api.exchange import Exchange, Req
from api.openapi.operation import Operation
from commands.work import Query, Work
from domain.refusals import FieldError, Forbidden, NotFound, UnknownReference
from domain.tokens import Role, at_least
from infra import followers
from projections import rebuild_log, standing

Reason = Annotated[str, Meta(max_length=2_000, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]


class AskFollower(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The root to try again, or whose first event to leave out, and why."""

    root_id: UUID
    reason: Reason


class RebuildAsked(msgspec.Struct):
    """A rebuild that the worker will begin."""

    rebuild_id: UUID
    state: str


class FollowerAsked(msgspec.Struct):
    """What the follower will do with the root."""

    follower: str
    root_id: UUID
    wanted: str
    reason: str


def _require_admin(request: Req, exchange: Exchange) -> None:
    if not at_least((actor := exchange.actor(request)).role, Role.ADMIN):
        raise Forbidden(f"This needs the role admin; the token has {actor.role}.")


@get("/admin/projections", operation=Operation("How views and followers stand", Role.ADMIN, standing.Projections, kept=False))
async def show_projections(request: Req, exchange: Exchange) -> Response[bytes]:
    _require_admin(request, exchange)
    async with exchange.pool.connection() as conn:
        found = await standing.projections(conn)
    return Response(msgspec.json.encode(found), media_type="application/json")


@post(
    "/admin/rebuild",
    status_code=202,
    operation=Operation("Rebuild the views beside the live ones", Role.ADMIN, RebuildAsked, 202, kept=False, headers=("Location",)),
)
async def ask_for_rebuild(request: Req, exchange: Exchange) -> Response[bytes]:
    """The worker builds all views beside the live ones and swaps them in; progress is shown by /admin/projections."""

    async def decide(work: Work) -> Query:
        rebuild_id = await rebuild_log.ask(work.conn, exchange.settings.schema, work.ask.actor.actor_id)
        return _said(RebuildAsked(rebuild_id, "asked"), 202, "/api/v1/admin/projections")

    return await exchange.write(request, None, Role.ADMIN, decide)


@post(
    "/admin/followers/{name:str}/retry",
    status_code=200,
    operation=Operation("Try a parked root again", Role.ADMIN, FollowerAsked, body=AskFollower, kept=False),
)
async def retry_root(request: Req, exchange: Exchange, name: str) -> Response[bytes]:
    return await _ask_follower(request, exchange, name, "retry")


@post(
    "/admin/followers/{name:str}/skip",
    status_code=200,
    operation=Operation("Leave out a parked root's first event", Role.ADMIN, FollowerAsked, body=AskFollower, kept=False),
)
async def skip_event(request: Req, exchange: Exchange, name: str) -> Response[bytes]:
    return await _ask_follower(request, exchange, name, "skip")


async def _ask_follower(request: Req, exchange: Exchange, name: str, wanted: str) -> Response[bytes]:
    _require_admin(request, exchange)
    body = exchange.body(request)
    async with exchange.pool.connection() as conn:
        if not await followers.is_known(conn, name):
            raise NotFound("No such follower.")

    async def decide(work: Work) -> Query:
        root = bodies.check(AskFollower, body)
        if not await followers.ask(work.conn, name, root.root_id, wanted, root.reason):
            error = FieldError("#/root_id", "not_found", f"is no root that {name} has parked")
            raise UnknownReference.all((error,))
        return _said(FollowerAsked(name, root.root_id, wanted, root.reason))

    return await exchange.write(request, None, Role.ADMIN, decide)


def _said(answer: msgspec.Struct, status: int = 200, location: str | None = None) -> Query:
    """What the door answers and keeps for a repetition with the same key; no event is behind it."""
    return Query(status, "SELECT 0, 0, %(body)s::bytea", {"body": msgspec.json.encode(answer)}, location)


HANDLERS = [show_projections, ask_for_rebuild, retry_root, skip_event]
