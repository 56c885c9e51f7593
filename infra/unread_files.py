"""Data files whose object could not be read: when to try again, by the database's clock."""

from uuid import UUID

from infra.database import Connection


async def put_off(conn: Connection, file_id: UUID, wait_s: float, fault: str | None = None) -> None:
    """`fault` says what is wrong with the object, where something is."""
    await conn.execute(
        "INSERT INTO unread_files (file_id, not_before, fault) VALUES (%s, clock_timestamp() + make_interval(secs => %s), %s)"
        " ON CONFLICT (file_id) DO UPDATE SET tries = unread_files.tries + 1, not_before = EXCLUDED.not_before, fault = EXCLUDED.fault",
        (file_id, wait_s, fault),
    )


async def forget(conn: Connection, file_id: UUID) -> None:
    await conn.execute("DELETE FROM unread_files WHERE file_id = %s", (file_id,))
