"""Who is calling: bearer tokens looked up in the ledger, or of the OIDC issuer, kept for a moment."""

import asyncio
import hashlib
import hmac
import re
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from api.people import People
from api.turns import turn
from commands.asking import Actor
from domain.refusals import Unauthenticated
from domain.tokens import Role
from infra.oidc import Distrusted
from infra.settings import Settings
from infra.token_uses import TokenUses
from projections import tokens

KEPT_S = 2.0
KEPT_MAX = 10_000
PATIENCE_S = 5.0  # for a turn to look a token up and a connection for it
LOOK_UPS_MAX = 2  # at once: whoever sends tokens that nobody has must not take the pool
REFUSED = "A valid bearer token is needed."
_TOKEN = re.compile(r"rl_([0-9A-Za-z]{8,32})_([0-9A-Za-z]{32,64})", re.ASCII)


class _Known(NamedTuple):
    actor: Actor
    expires_at: datetime | None
    until: float


class Doorkeeper:
    """Answers from memory for KEPT_S, so that a revocation holds everywhere within that time."""

    def __init__(self, settings: Settings, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool
        self._known: dict[str, _Known] = {}
        self._looking_up = asyncio.Semaphore(LOOK_UPS_MAX)
        self._uses = TokenUses(pool)
        self._people = People(settings, pool) if settings.oidc_issuer else None

    async def identify(self, authorization: str | None) -> Actor:
        """The owner of a good token; anything else is refused in the same words."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated(REFUSED, "no token")
        known = self._known.get(token)
        if known is None or known.until < time.monotonic():
            known = await self._look_up(token.strip())
            if len(self._known) >= KEPT_MAX:
                self._known.clear()
            self._known[token] = known
        actor = known.actor
        if known.expires_at is not None and known.expires_at <= datetime.now(UTC):
            raise Unauthenticated(REFUSED, "expired token", actor.actor_id, actor.token_id)
        return actor

    async def _look_up(self, token: str) -> _Known:
        if parts := _TOKEN.fullmatch(token):
            return await self._by_key(parts)
        if self._people is None or not token.startswith("eyJ"):
            raise Unauthenticated(REFUSED, "malformed token")
        try:
            actor, expires_at = await self._people.admit(token)
        except Distrusted as reason:
            raise Unauthenticated(REFUSED, str(reason)) from None
        return _Known(actor, expires_at, time.monotonic() + KEPT_S)

    async def _by_key(self, parts: re.Match[str]) -> _Known:
        ends_at = time.monotonic() + PATIENCE_S
        async with (
            turn(self._looking_up, PATIENCE_S, "Tokens cannot be looked up right now. Nothing was recorded; try again."),
            self._pool.connection(max(ends_at - time.monotonic(), 0.1)) as conn,
        ):
            row = await (await conn.execute(tokens.BY_KEY, {"key": parts[1]})).fetchone()
        digest = hashlib.sha256(parts[2].encode()).hexdigest()
        if row is None or not hmac.compare_digest(digest, row[1]):
            raise Unauthenticated(REFUSED, "unknown token")
        if row[7]:
            raise Unauthenticated(REFUSED, "revoked token", row[3], row[0])
        systems = None if row[4] is None else frozenset(row[4])
        projects = None if row[5] is None else frozenset(row[5])
        actor = Actor(actor_id=row[3], token_id=row[0], role=Role(row[2]), system_ids=systems, project_ids=projects)
        if row[6] is None or row[6] > datetime.now(UTC):
            self._uses.note(actor.token_id)
        return _Known(actor, row[6], time.monotonic() + KEPT_S)
