"""Access tokens as the door asks for them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import class_row

from domain.changes import Change
from domain.tokens import TokenIssued, TokenRevoked
from projections.documents import email
from projections.listing import paged
from projections.rows import Rows
from projections.tables import Table

TOKENS = Table(
    "tokens",
    "token_id",
    "token_id",
    {
        "token_id": "uuid NOT NULL",
        "key": "text NOT NULL UNIQUE",
        "secret_sha256": "text NOT NULL",
        "name": "text NOT NULL",
        "role": "text NOT NULL",
        "owner_id": "uuid NOT NULL",
        "system_ids": "uuid[]",
        "project_ids": "text[]",
        "expires_at": "timestamptz",
        "created_at": "timestamptz NOT NULL",
        "revoked": "boolean NOT NULL",
        "version": "integer NOT NULL",
    },
)


def project(change: Change, rows: Rows) -> None:
    match change.event:
        case TokenIssued() as event:
            members = {f: getattr(event, f) for f in event.__struct_fields__}
            rows.put(TOKENS, change.stream_id, **members, created_at=change.at, revoked=False, version=change.version)
        case TokenRevoked():
            rows.set(TOKENS, change.stream_id, revoked=True, version=change.version)


# The key is public and unique; the secret's hash is compared in constant time by the caller.
# A token holds no longer than its owner is known.
_REVOKED = "(t.revoked OR u.email IS NULL)"
_FROM = "tokens t LEFT JOIN users u ON u.actor_id = t.owner_id"
BY_KEY = f"""SELECT t.token_id, t.secret_sha256, t.role, t.owner_id, t.system_ids, t.project_ids, t.expires_at, {_REVOKED}
  FROM {_FROM} WHERE t.key = %(key)s"""
LIVE_ADMINS = f"SELECT count(*) FROM {_FROM} WHERE t.role = 'admin' AND NOT {_REVOKED} AND (t.expires_at IS NULL OR t.expires_at > now())"

# Without key and hash: what an administrator may see.
LISTED = f"""SELECT t.token_id, t.name, {email("t.owner_id")} AS owner, t.role, t.system_ids, t.project_ids, t.created_at, t.expires_at,
    (SELECT used_at FROM token_uses n WHERE n.token_id = t.token_id) AS last_used_at, {_REVOKED} AS revoked
  FROM {_FROM} ORDER BY t.created_at DESC, t.token_id DESC"""

SHOWN = f"""json_build_object('token_id', t.token_id, 'name', t.name, 'actor_id', t.owner_id, 'email', {email("t.owner_id")},
    'role', t.role, 'system_ids', t.system_ids, 'project_ids', t.project_ids,
    'created_at', stamp(t.created_at), 'expires_at', stamp(t.expires_at),
    'last_used_at', stamp((SELECT used_at FROM token_uses n WHERE n.token_id = t.token_id)), 'revoked', {_REVOKED})"""
ONE = f"SELECT 0, 0, convert_to({SHOWN}::text, 'UTF8') FROM {_FROM} WHERE t.token_id = %(token_id)s"
PAGE = paged(SHOWN, _FROM, "t.token_id")


class ListedToken(msgspec.Struct, kw_only=True):
    token_id: UUID
    name: str
    owner: str
    role: str
    system_ids: list[UUID] | None
    project_ids: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked: bool


async def listed(conn: AsyncConnection[Any]) -> list[ListedToken]:
    async with conn.cursor(row_factory=class_row(ListedToken)) as cursor:
        return await (await cursor.execute(LISTED)).fetchall()
