"""People behind tokens: making one known, telling whose login it is, and erasing what could name them."""

import hashlib
from uuid import UUID

import msgspec

from domain.refusals import NotFound
from infra.database import Connection

ERASING_S_MAX = 600

_KNOWN = "INSERT INTO users (actor_id, email) VALUES (%s, %s) ON CONFLICT (email) DO UPDATE SET email = EXCLUDED.email RETURNING actor_id"
_SIGNED_IN = "SELECT actor_id, email FROM sign_ins JOIN users USING (actor_id) WHERE issuer = %s AND subject_sha256 = %s"
_BIND = "INSERT INTO sign_ins (issuer, subject_sha256, actor_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


class NotThisPerson(Exception):
    """The login is of somebody who may not come under that name; the text is for the access log."""


async def actor_of(conn: Connection, new_id: UUID, email: str) -> UUID:
    """The actor of an e-mail, made known under `new_id` if new."""
    row = await (await conn.execute(_KNOWN, (new_id, email))).fetchone()
    if row is None:
        raise LookupError(email)
    actor_id: UUID = row[0]
    return actor_id


async def signed_in(conn: Connection, new_id: UUID, issuer: str, subject: str, email: str) -> UUID:
    """The actor of an issuer's subject. The first time it is the one of the e-mail, which is then taken, made known under
    `new_id` if new; later the e-mail says nothing.

    NotThisPerson for a subject whose e-mail was erased here, and for an e-mail that belongs to another subject.
    """
    login = issuer, hashlib.sha256(subject.encode(errors="surrogatepass")).digest()
    if (known := await _signed_in(conn, login)) is not None:
        return known
    await conn.execute(_BIND, (*login, await actor_of(conn, new_id, email)), prepare=True)
    if (known := await _signed_in(conn, login)) is not None:
        return known
    raise NotThisPerson("e-mail of another person")


async def _signed_in(conn: Connection, login: tuple[str, bytes]) -> UUID | None:
    row = await (await conn.execute(_SIGNED_IN, login, prepare=True)).fetchone()
    if row is not None and row[1] is None:
        raise NotThisPerson("erased person")
    return None if row is None else row[0]


async def erase(conn: Connection, actor_id: UUID) -> None:
    """Erases e-mail and name, also from answers that are kept for repetitions: those count as outworn then.

    Events are not touched, for they hold the actor's id alone; a token or login of whoever is erased lets nobody in any more.
    """
    row = await (await conn.execute("SELECT email FROM users WHERE actor_id = %s FOR UPDATE", (actor_id,))).fetchone()
    if row is None or row[0] is None:
        raise NotFound("No such user, or the e-mail is erased already.")
    await conn.execute("UPDATE users SET email = NULL, name = '' WHERE actor_id = %s", (actor_id,))
    await conn.execute(f"SET LOCAL statement_timeout = '{ERASING_S_MAX}s'")  # it looks through every answer that is kept
    written = msgspec.json.encode(row[0])[1:-1]
    sql = "UPDATE idempotency SET body = NULL, recorded_at = '-infinity' WHERE position(%s::bytea IN body) > 0"
    await conn.execute(sql, (written,))
