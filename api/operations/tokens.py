"""Operations: access tokens, issued, listed and revoked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from msgspec import Meta

from api import bodies, pages, parameters
from api.bodies import NOT_BLANK, SOME_TEXT
from api.exchange import Exchange, Req
from api.openapi.envelopes import Items, Stamp
from api.openapi.operation import Operation
from commands import tokens
from commands.work import Query, Target, Work
from domain.facts import Kind
from domain.refusals import FieldError, OutOfScope
from domain.tokens import EMAIL, EMAIL_CHARACTERS_MAX, TOKEN_DAYS, TOKEN_DAYS_MAX, Role, is_email
from projections import listing
from projections import tokens as shown

PAGE, SCOPES_MAX = 1_000, 1_000
NO_STORE = "no-store"

Name = Annotated[str, Meta(max_length=255, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]
Email = Annotated[str, Meta(max_length=EMAIL_CHARACTERS_MAX, extra_json_schema={"pattern": f"^{EMAIL}$"})]
Project = Annotated[str, Meta(max_length=255, extra=NOT_BLANK, extra_json_schema=SOME_TEXT)]


class CreateToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without lists the token is not limited; without `expires_at` it holds for 90 days."""

    name: Name
    email: Email
    role: Role
    system_ids: Annotated[list[UUID], Meta(min_length=1, max_length=SCOPES_MAX)] | None = None
    project_ids: Annotated[list[Project], Meta(min_length=1, max_length=SCOPES_MAX)] | None = None
    expires_at: Annotated[datetime, Meta(extra_json_schema=bodies.A_TIME, description="Within the next ten years.")] | None = None


class Token(msgspec.Struct, kw_only=True):
    """An access token without its text. `email` is the owner as shown; `last_used_at` is known to about a minute."""

    token_id: UUID
    name: str
    actor_id: UUID
    email: str
    role: Role
    system_ids: list[UUID] | None
    project_ids: list[str] | None
    created_at: Stamp
    expires_at: Stamp | None
    last_used_at: Stamp | None
    revoked: bool


class IssuedToken(Token, kw_only=True):
    """`token` is shown this once; a repetition with the same idempotency key has null there."""

    token: str | None


@post(
    "/admin/tokens",
    operation=Operation("Issue an access token", Role.ADMIN, IssuedToken, 201, CreateToken, kept=False, headers=("Location",)),
)
async def create_token(request: Req, exchange: Exchange) -> Response[bytes]:
    exchange.require(request, Role.ADMIN)
    body, text, now = exchange.body(request), tokens.fresh(), datetime.now(UTC)

    async def decide(work: Work) -> Query:
        wanted = bodies.check(CreateToken, body, _wrong(body, now))
        expires_at = wanted.expires_at or now + timedelta(days=TOKEN_DAYS)
        scope = wanted.system_ids, expires_at, wanted.project_ids
        token_id = await tokens.issue(work, text, wanted.name, wanted.email, wanted.role, *scope)
        return Query(201, shown.ONE, {"token_id": token_id}, f"/api/v1/admin/tokens/{token_id}")

    answer = await exchange.write(request, None, Role.ADMIN, decide)
    return _with_text(answer, text)


def _wrong(body: dict[str, Any], now: datetime) -> Iterator[FieldError]:
    email, expires_at = body.get("email"), body.get("expires_at")
    if isinstance(email, str) and not is_email(email):
        yield FieldError("#/email", "invalid_format", "must be an e-mail address, like ada@example.com")
    until = bodies.stamp_of(expires_at) if isinstance(expires_at, str) else None
    if until is not None and not now < until <= now + timedelta(days=TOKEN_DAYS_MAX):
        yield FieldError("#/expires_at", "out_of_range", f"must lie within the next {TOKEN_DAYS_MAX} days")


def _with_text(answer: Response[bytes], text: str) -> Response[bytes]:
    """The text joins the answer here: what is kept for repetitions must not hold it."""
    token = None if "idempotency-replayed" in answer.headers else text
    answer.content = msgspec.json.encode({"token": token} | msgspec.json.decode(answer.content))
    answer.headers["cache-control"] = NO_STORE
    return answer


@get("/admin/tokens", operation=Operation("List access tokens, newest first", Role.ADMIN, Items[Token], query=pages.PAGING))
async def list_tokens(request: Req, exchange: Exchange) -> Response[bytes]:
    exchange.require(request, Role.ADMIN)
    query = parameters.Query(request.scope["query_string"])
    wanted = listing.params(query.integer("limit", PAGE, 1, PAGE), pages.after(request, query))
    query.done()
    answer = await pages.answer(request, exchange, shown.PAGE, wanted)
    answer.headers["cache-control"] = NO_STORE
    return answer


@delete(
    "/admin/tokens/{token_id:str}", status_code=200, operation=Operation("Revoke an access token", Role.ADMIN, status=204, if_match=False)
)
async def revoke_token(request: Req, exchange: Exchange, token_id: str) -> Response[bytes]:
    """Every process refuses it within 5 seconds."""
    target = Target(Kind.TOKEN, parameters.path_uuid(token_id, "token"), with_root=True)
    if exchange.actor(request).limited:
        raise OutOfScope("No such token.")

    async def decide(work: Work) -> Query:
        tokens.revoke(work)
        return Query(204)

    return await exchange.write(request, target, Role.ADMIN, decide)


HANDLERS = [create_token, list_tokens, revoke_token]
