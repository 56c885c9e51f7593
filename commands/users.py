"""People behind tokens: making one known, and erasing what could name them."""

from uuid import UUID

import msgspec

from domain.refusals import NotFound
from infra.database import Connection

ERASING_S_MAX = 600

_KNOWN = "INSERT INTO users (actor_id, email) VALUES (%s, %s) ON CONFLICT (email) DO UPDATE SET email = EXCLUDED.email RETURNING actor_id"


async def actor_of(conn: Connection, new_id: UUID, email: str) -> UUID:
    """The actor of an e-mail, made known under `new_id` if new."""
    row = await (await conn.execute(_KNOWN, (new_id, email))).fetchone()
    if row is None:
        raise LookupError(email)
    actor_id: UUID = row[0]
    return actor_id


async def erase(conn: Connection, actor_id: UUID) -> None:
    """Erases e-mail and name, also from answers that are kept for repetitions: those count as outworn then.

    Events are not touched, for they hold the actor's id alone; a token whose owner is erased lets nobody in any more.
    """
    row = await (await conn.execute("SELECT email FROM users WHERE actor_id = %s FOR UPDATE", (actor_id,))).fetchone()
    if row is None or row[0] is None:
        raise NotFound("No such user, or the e-mail is erased already.")
    await conn.execute("UPDATE users SET email = NULL, name = '' WHERE actor_id = %s", (actor_id,))
    await conn.execute(f"SET LOCAL statement_timeout = '{ERASING_S_MAX}s'")  # it looks through every answer that is kept
    written = msgspec.json.encode(row[0])[1:-1]
    sql = "UPDATE idempotency SET body = NULL, recorded_at = '-infinity' WHERE position(%s::bytea IN body) > 0"
    await conn.execute(sql, (written,))
