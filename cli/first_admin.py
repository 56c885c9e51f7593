"""The first administrator: the token that RUNLEDGER_ADMIN_TOKEN holds, or a fresh one when there is none at all."""

import hmac
from datetime import UTC, datetime, timedelta

from cli import output
from cli.tokens import issue
from commands import tokens
from domain.refusals import Invalid
from domain.tokens import TOKEN_DAYS, Role
from infra.database import Pool
from infra.settings import SettingsError
from projections.tokens import BY_KEY, LIVE_ADMINS

NAME, EMAIL = "first admin", "admin@localhost"


def check(token: str | None) -> None:
    """SettingsError for a text that can be no token; asked before any server starts."""
    try:
        tokens.split(token or tokens.fresh())
    except Invalid as invalid:
        raise SettingsError(f"RUNLEDGER_ADMIN_TOKEN {invalid.errors[0].message}") from None


async def provide(pool: Pool, token: str | None) -> str | None:
    """Makes `token` known, or a fresh one when nobody could administer; returns a fresh one's text.

    A token from the settings does not expire: a deployment that starts with it every day must not stop working one day.
    """
    if token is not None:
        await _make_known(pool, token)
        return None
    async with pool.connection() as conn:
        row = await (await conn.execute(LIVE_ADMINS)).fetchone()
    if row and row[0]:
        return None
    made = tokens.fresh()
    await issue(pool, made, NAME, EMAIL, Role.ADMIN, expires_at=datetime.now(UTC) + timedelta(days=TOKEN_DAYS))
    return made


async def _make_known(pool: Pool, token: str) -> None:
    key, secret = tokens.split(token)
    async with pool.connection() as conn:
        known = await (await conn.execute(BY_KEY, {"key": key})).fetchone()
    if known is None:
        await issue(pool, token, NAME, EMAIL, Role.ADMIN)
        return
    _, secret_sha256, role, _, _, _, expires_at, revoked = known
    if not hmac.compare_digest(tokens.digest(secret), secret_sha256):
        raise SettingsError("RUNLEDGER_ADMIN_TOKEN has the same first part as another token; choose other letters after rl_.")
    if revoked or role != Role.ADMIN or (expires_at is not None and expires_at <= datetime.now(UTC)):
        state = "revoked" if revoked else "expired" if role == Role.ADMIN else f"a token of the role {role}"
        output.warn(f"RUNLEDGER_ADMIN_TOKEN is {state}, and stays so. Set another, or use `runledger token create`.")
