"""Atlas: what lies between two versions of a run."""

import asyncio
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from msgspec import Meta

from api.atlas.history import Change, change
from api.atlas.past_states import REDACTED
from api.atlas.runs import target
from api.exchange import Exchange, Req, document
from api.openapi.operation import Operation
from api.parameters import Query
from domain.tokens import Role, at_least
from infra import replay
from projections import between, past

QUERY = {
    "from": Annotated[int, Meta(ge=1, description="A version of the run.")],
    "to": Annotated[int, Meta(ge=1, description="A version not before it; the newest unless told.")],
}


class ComponentDiff(msgspec.Struct):
    """A component that was added, removed or changed."""

    component_type: str
    component_id: UUID
    component_title: str
    change: str
    fields: list[Change]


class Diff(msgspec.Struct, rename={"since": "from"}):
    since: int
    to: int
    changes: list[ComponentDiff]


@get(
    "/test-runs/{run_id:str}/diff",
    operation=Operation("What changed between two versions", Role.VIEWER, Diff, query=QUERY, needed=("from",), kept=False),
)
async def get_diff(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    actor, query = exchange.actor(request), Query(request.scope["query_string"])
    everything = at_least(actor.role, Role.AUDITOR)
    async with exchange.pool.connection() as conn:
        root_id, newest = await exchange.found(conn, actor, target(run_id), deleted=everything)
        await exchange.show_deleted(request, conn, root_id)
        first, last = _versions(query, newest)
        text = await replay.text_of_root(conn, root_id, 0, last)
        hidden = set() if everything else await past.gone(conn, root_id)
    found, redacted = await asyncio.to_thread(between.between, text, first, hidden)
    changes = [ComponentDiff(d.kind, d.component_id, d.title, d.change, [change(d.kind, c) for c in d.fields]) for d in found]
    headers = {"x-run-version": str(last)} | (REDACTED if redacted else {})
    return document(request, msgspec.json.encode(Diff(first, last, changes)), None, headers)


def _versions(query: Query, newest: int) -> tuple[int, int]:
    first, last = query.integer("from", 1, 1, newest), query.integer("to", newest, 1, newest)
    if query.text("from") is None:
        query.wrong("from", "required", "is required")
    elif first > last:
        query.wrong("from", "out_of_range", "must not be after to")
    query.done()
    return first, last


HANDLERS = [get_diff]
