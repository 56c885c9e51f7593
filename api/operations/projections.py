"""Operations: how the views and their followers stand, and asking for a rebuild."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from api import bodies
from api.bodies import NOT_BLANK
from api.exchange import Exchange, Req
from api.openapi.operation import Operation
from domain.refusals import Forbidden, NotFound
from domain.tokens import Role, at_least
from infra import followers
from projections import rebuild_log, standing

Reason = Annotated[str, Meta(max_length=2_000, extra=NOT_BLANK)]


class ParkedRoot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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


def admin(request: Req, exchange: Exchange) -> UUID:
    actor = exchange.actor(request)
    if not at_least(actor.role, Role.ADMIN):
        raise Forbidden(f"This needs the role admin; the token has {actor.role}.")
    return actor.actor_id


@get("/admin/projections", operation=Operation("How views and followers stand", Role.ADMIN, standing.Projections, kept=False))
async def show_projections(request: Req, exchange: Exchange) -> Response[bytes]:
    admin(request, exchange)
    async with exchange.pool.connection() as conn:
        found = await standing.projections(conn)
    return Response(msgspec.json.encode(found), media_type="application/json")


@post(
    "/admin/rebuild",
    status_code=202,
    operation=Operation("Rebuild the views beside the live ones", Role.ADMIN, RebuildAsked, 202, kept=False, recorded=False),
)
async def ask_for_rebuild(request: Req, exchange: Exchange) -> Response[bytes]:
    """The worker builds all views beside the live ones and swaps them in; progress is shown by /admin/projections."""
    asked_by = admin(request, exchange)
    bodies.check(Nothing, exchange.body(request))
    async with exchange.pool.connection() as conn:
        rebuild_id = await rebuild_log.ask(conn, exchange.settings.schema, asked_by)
    answer = msgspec.json.encode({"rebuild_id": rebuild_id, "state": "asked"})
    return Response(answer, status_code=202, media_type="application/json", headers={"location": "/api/v1/admin/projections"})


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty body."""


@post(
    "/admin/followers/{name:str}/retry",
    status_code=200,
    operation=Operation("Try a parked root again", Role.ADMIN, FollowerAsked, body=ParkedRoot, kept=False, recorded=False),
)
async def retry_root(request: Req, exchange: Exchange, name: str) -> Response[bytes]:
    return await _ask_follower(request, exchange, name, "retry")


@post(
    "/admin/followers/{name:str}/skip",
    status_code=200,
    operation=Operation("Leave out a parked root's first event", Role.ADMIN, FollowerAsked, body=ParkedRoot, kept=False, recorded=False),
)
async def skip_event(request: Req, exchange: Exchange, name: str) -> Response[bytes]:
    return await _ask_follower(request, exchange, name, "skip")


async def _ask_follower(request: Req, exchange: Exchange, name: str, wanted: str) -> Response[bytes]:
    admin(request, exchange)
    body = bodies.check(ParkedRoot, exchange.body(request))
    async with exchange.pool.connection() as conn:
        if not await followers.ask(conn, name, body.root_id, wanted, body.reason):
            raise NotFound("The follower has not parked this root.")
    answer = msgspec.json.encode({"follower": name, "root_id": body.root_id, "wanted": wanted, "reason": body.reason})
    return Response(answer, media_type="application/json")


HANDLERS = [show_projections, ask_for_rebuild, retry_root, skip_event]
