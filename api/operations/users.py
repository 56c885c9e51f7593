"""Operations: the people that are known here, and erasing who they were."""

from uuid import UUID

import msgspec
from litestar import Response, delete, get

from api import pages, parameters, recording
from api.exchange import Exchange, Req
from api.openapi.envelopes import Items
from api.openapi.operation import Operation
from api.operations.tokens import PAGE
from commands import users
from commands.work import Query, Work
from domain.refusals import NotFound, OutOfScope
from domain.tokens import Role
from infra import access_log
from projections import listing
from projections import users as shown


class User(msgspec.Struct, kw_only=True):
    """`actor` is what the history shows; `email` is null once it is erased."""

    actor_id: UUID
    actor: str
    email: str | None


@get("/admin/users", operation=Operation("List the people that are known here", Role.ADMIN, Items[User], query=pages.PAGING))
async def list_users(request: Req, exchange: Exchange) -> Response[bytes]:
    exchange.require(request, Role.ADMIN)
    query = parameters.Query(request.scope["query_string"])
    wanted = listing.params(query.integer("limit", PAGE, 1, PAGE), pages.after(request, query))
    query.done()
    return await pages.answer(request, exchange, shown.PAGE, wanted)


@delete(
    "/admin/users/{actor_id:str}/email",
    status_code=200,
    operation=Operation("Erase a person's e-mail", Role.ADMIN, status=204, if_match=False),
)
async def erase_email(request: Req, exchange: Exchange, actor_id: str) -> Response[bytes]:
    """What they did stays, by `erased-user-…`; their tokens work no more. It cannot be taken back."""
    person = parameters.path_uuid(actor_id, "user")
    if exchange.actor(request).limited:
        raise OutOfScope("No such user.")
    async with exchange.pool.connection() as conn:
        if await (await conn.execute(shown.KNOWN, (person,), prepare=True)).fetchone() is None:
            raise NotFound("No such user.")

    async def decide(work: Work) -> Query:
        await users.erase(work.conn, person)
        await access_log.insert(work.conn, [recording.entry(request.scope, 204, "erasure")])
        return Query(204)

    return await exchange.write(request, None, Role.ADMIN, decide)


HANDLERS = [list_users, erase_email]
