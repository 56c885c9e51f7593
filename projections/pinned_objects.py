"""The objects behind the data files, as they were pinned, and which of them were never read."""

from typing import Any, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

FAULTS_SHOWN_MAX = 3


class PinnedObject(NamedTuple):
    """`size` in bytes; `sha256` is None until the object has been read once; `tries` to do so that came to nothing."""

    file_id: UUID
    run_id: UUID
    file_name: str
    s3_url: str
    size: int
    etag: str
    version_id: str | None
    sha256: str | None
    tries: int = 0


class Unread(NamedTuple):
    """How many live files were never read from end to end, how many of these cannot be for a fault of the object, and some faults."""

    files: int
    faulty: int
    faults: list[str]


_COLUMNS = "f.file_id, f.run_id, f.file_name, f.s3_url, f.file_size, f.s3_etag, f.s3_version_id, f.sha256"
_UNREAD = "files f LEFT JOIN unread_files u USING (file_id) WHERE f.sha256 IS NULL AND NOT f.deleted"

_DUE = f"""SELECT {_COLUMNS}, coalesce(u.tries, 0) FROM {_UNREAD} AND (u.not_before IS NULL OR u.not_before <= clock_timestamp())
  AND EXISTS (SELECT FROM roots r WHERE r.root_id = f.run_id AND r.status <> 'deleted') ORDER BY f.created_at LIMIT %s"""

_STANDING = f"""SELECT count(*), count(u.fault),
  coalesce((array_agg(u.fault ORDER BY f.created_at) FILTER (WHERE u.fault IS NOT NULL))[:{FAULTS_SHOWN_MAX}], '{{}}') FROM {_UNREAD}"""


async def of_file(conn: AsyncConnection[Any], run_id: UUID, file_id: UUID) -> PinnedObject | None:
    """None where the run has no such live file."""
    sql = f"SELECT {_COLUMNS} FROM files f WHERE f.run_id = %s AND f.file_id = %s AND NOT f.deleted"
    row = await (await conn.execute(sql, (run_id, file_id), prepare=True)).fetchone()
    return None if row is None else PinnedObject(*row)


async def due(conn: AsyncConnection[Any], limit: int) -> list[PinnedObject]:
    """Live files that were never read and may be tried now, oldest first."""
    return [PinnedObject(*row) for row in await (await conn.execute(_DUE, (limit,), prepare=True)).fetchall()]


async def unread(conn: AsyncConnection[Any]) -> Unread:
    row: Any = await (await conn.execute(_STANDING)).fetchone()
    return Unread(*row)
