"""Atlas: a test run as it was, by version or by time."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response

from api import recording
from api.exchange import Exchange, Req, document, etag
from api.parameters import Query
from commands.work import Target
from domain.refusals import NotFound
from domain.tokens import Role, at_least
from infra import replay
from projections import past

REDACTED = {"x-history-redacted": "true"}


def asked_for(request: Req) -> bool:
    query = Query(request.scope["query_string"])
    return (query.text("version"), query.text("as_of")) != (None, None)


async def read(request: Req, exchange: Exchange, target: Target) -> Response[bytes]:
    """The whole document; what is deleted since shows to the auditor and the admin alone, and so does a deleted run."""
    actor, query = exchange.actor(request), Query(request.scope["query_string"])
    everything = at_least(actor.role, Role.AUDITOR)
    async with exchange.pool.connection() as conn:
        run_id, newest = await exchange.found(conn, actor, target, deleted=everything)
        await exchange.show_deleted(request, conn, run_id)
        version, moment = await _wanted(conn, query, run_id, newest)
        text = await replay.text_of_root(conn, run_id, 0, version)
    was = await asyncio.to_thread(past.fold, text, moment)
    if was.run["deleted"] and not everything:
        raise NotFound("No such test run.")
    async with exchange.pool.connection() as conn:
        deleted_since = await past.settle(conn, was, everything=everything)
        sql, params = past.RUN_DETAIL, await asyncio.to_thread(past.params, was, actor.reach)
        own, wide, body = await (await conn.execute(sql, params, prepare=True)).fetchone() or (0, 0, b"")
    if deleted_since and everything:
        recording.privileged(request.scope, "deleted things")
    headers = {"x-run-version": str(wide)} | (REDACTED if deleted_since and not everything else {})
    return document(request, bytes(body), etag(own, wide, bytes(body)), headers)


async def _wanted(conn: Any, query: Query, run_id: UUID, newest: int) -> tuple[int, datetime | None]:
    """The version to show, and the moment if that is what was asked for; before the creation there is nothing."""
    version, moment = query.integer("version", newest, 1, newest), query.stamp("as_of")
    if None not in (query.text("version"), query.text("as_of")):
        query.wrong("as_of", "not_allowed", "does not go together with version")
    query.done()
    if moment is None:
        return version, None
    if not (version := await past.version_at(conn, run_id, moment)):
        raise NotFound("The test run was not there yet.")
    return version, moment
