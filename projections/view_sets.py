"""The sets of views a ledger has: the live one, one being built beside it, the one before. Each is a schema."""

from typing import Any

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from infra.settings import Settings


def live(settings: Settings) -> str:
    return f"{settings.schema}_views"


def new(settings: Settings) -> str:
    return f"{settings.schema}_views_new"


def old(settings: Settings) -> str:
    return f"{settings.schema}_views_old"


async def exists(conn: AsyncConnection[Any], schema: str) -> bool:
    return await (await conn.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,))).fetchone() is not None


async def drop(conn: AsyncConnection[Any], schema: str) -> None:
    await conn.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema)))


async def fingerprint(conn: AsyncConnection[Any], schema: str) -> str | None:
    """Of the definitions that a set beside the live one was built from."""
    if await (await conn.execute("SELECT to_regclass(%s)", (f"{schema}.start",))).fetchone() == (None,):
        return None
    row = await (await conn.execute(SQL("SELECT fingerprint FROM {}").format(Identifier(schema, "start")))).fetchone()
    return row[0] if row else None
