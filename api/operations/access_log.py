"""Operations: who was denied, and who read what is not for everyone."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from msgspec import Meta

from api import pages, parameters, recording
from api.exchange import Exchange, Req
from api.openapi.envelopes import Items, Stamp
from api.openapi.operation import Operation
from domain.tokens import Role
from projections import access_log, listing

PAGE, PAGE_MAX = 100, 1_000
QUERY = {
    "limit": Annotated[int, Meta(ge=1, le=PAGE_MAX, description="Items a page.", extra_json_schema={"default": PAGE})],
    "cursor": pages.PAGING["cursor"],
    "actor": Annotated[str, Meta(description="As shown: an e-mail, or `erased-user-…`.")],
    "status": Annotated[int, Meta(ge=100, le=599, description="Only answers with this HTTP status.")],
}


class AccessEntry(msgspec.Struct, kw_only=True):
    """A denial (401, 403, or 404 for what lies out of scope) or a privileged read. `actor` is null where no token told it."""

    entry_id: UUID
    recorded_at: Stamp
    status: int
    reason: str
    method: str
    path: str
    actor: str | None
    role: Role | None
    token_id: UUID | None
    request_id: str
    client: str


@get("/admin/access-log", operation=Operation("Read the access log, newest first", Role.AUDITOR, Items[AccessEntry], query=QUERY))
async def read_access_log(request: Req, exchange: Exchange) -> Response[bytes]:
    """Reading it is put on record as well."""
    exchange.require(request, Role.AUDITOR)
    query = parameters.Query(request.scope["query_string"])
    wanted = listing.params(query.integer("limit", PAGE, 1, PAGE_MAX), pages.after(request, query))
    status = query.integer("status", 0, 100, 599) or None
    sql, params = access_log.page(query.text("actor"), status)
    query.done()
    recording.privileged(request.scope, "access log")
    return await pages.answer(request, exchange, sql, wanted | params)


HANDLERS = [read_access_log]
