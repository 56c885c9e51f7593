"""The objects behind the data files, as they were pinned."""

from typing import NamedTuple
from uuid import UUID

from psycopg import AsyncConnection


class PinnedObject(NamedTuple):
    """`size` in bytes; `sha256` is None until the object has been read once."""

    file_id: UUID
    run_id: UUID
    file_name: str
    s3_url: str
    size: int
    etag: str
    version_id: str | None
    sha256: str | None


_COLUMNS = "SELECT file_id, run_id, file_name, s3_url, file_size, s3_etag, s3_version_id, sha256 FROM files"


async def of_file(conn: AsyncConnection[tuple[object, ...]], run_id: UUID, file_id: UUID) -> PinnedObject | None:
    """None where the run has no such live file."""
    sql = f"{_COLUMNS} WHERE run_id = %s AND file_id = %s AND NOT deleted"
    row = await (await conn.execute(sql, (run_id, file_id), prepare=True)).fetchone()
    return None if row is None else PinnedObject(*row)  # type: ignore[arg-type]
