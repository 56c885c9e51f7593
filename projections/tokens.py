"""Access tokens as the door asks for them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import class_row

from domain.changes import Change
from domain.tokens import TokenIssued, TokenRevoked
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
BY_KEY = "SELECT token_id, secret_sha256, role, owner_id, system_ids, project_ids, expires_at, revoked FROM tokens WHERE key = %(key)s"

# Without key and hash: what an administrator may see.
LISTED = """SELECT t.token_id, t.name, coalesce(u.email, 'erased-user-' || left(t.owner_id::text, 8)) AS owner, t.role,
    t.system_ids, t.project_ids, t.created_at, t.expires_at, t.revoked
  FROM tokens t LEFT JOIN users u ON u.actor_id = t.owner_id ORDER BY t.created_at DESC, t.token_id DESC"""


class ListedToken(msgspec.Struct, kw_only=True):
    token_id: UUID
    name: str
    owner: str
    role: str
    system_ids: list[UUID] | None
    project_ids: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked: bool


async def listed(conn: AsyncConnection[Any]) -> list[ListedToken]:
    async with conn.cursor(row_factory=class_row(ListedToken)) as cursor:
        return await (await cursor.execute(LISTED)).fetchall()
