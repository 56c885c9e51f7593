"""The rebuilds of a ledger: asked for, running, done, failed. Progress is told here to whoever looks."""

from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation

from domain.refusals import StateConflict
from infra.database import try_lock
from infra.ids import uuid7
from projections import views
from projections.comparison import Difference


async def take_lock(conn: AsyncConnection[Any], schema: str) -> bool:
    """The lock of the one rebuild that may run, held until the session ends or `give_back`."""
    return await try_lock(conn, f"{schema} rebuild")


async def give_back(conn: AsyncConnection[Any], schema: str) -> None:
    await conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (f"{schema} rebuild",))


async def ask(conn: AsyncConnection[Any], schema: str, asked_by: UUID) -> UUID:
    """Asks the worker for a rebuild; refused while one is asked for or runs."""
    rebuild_id = uuid7()
    if await take_lock(conn, schema):
        await _end_stale(conn)
        await give_back(conn, schema)
    try:
        await conn.execute(
            "INSERT INTO rebuilds (rebuild_id, state, fingerprint, asked_by) VALUES (%s, 'asked', %s, %s)",
            (rebuild_id, views.fingerprint(), asked_by),
        )
    except UniqueViolation:
        raise StateConflict("A rebuild of this ledger is asked for or running already.") from None
    return rebuild_id


async def begin(conn: AsyncConnection[Any]) -> UUID:
    """The rebuild asked for, or a new one; only while holding the lock."""
    await _end_stale(conn)
    cursor = await conn.execute(
        "UPDATE rebuilds SET state = 'running', started_at = clock_timestamp() WHERE state = 'asked' RETURNING rebuild_id"
    )
    if row := await cursor.fetchone():
        return UUID(str(row[0]))
    rebuild_id = uuid7()
    await conn.execute(
        "INSERT INTO rebuilds (rebuild_id, state, fingerprint) VALUES (%s, 'running', %s)", (rebuild_id, views.fingerprint())
    )
    return rebuild_id


async def _end_stale(conn: AsyncConnection[Any]) -> None:
    await conn.execute("UPDATE rebuilds SET state = 'interrupted', ended_at = clock_timestamp() WHERE state = 'running'")


async def is_asked(conn: AsyncConnection[Any]) -> bool:
    return await (await conn.execute("SELECT 1 FROM rebuilds WHERE state = 'asked'")).fetchone() is not None


async def progress(conn: AsyncConnection[Any], rebuild_id: UUID, done: int, total: int) -> None:
    await conn.execute("UPDATE rebuilds SET done = %s, total = %s WHERE rebuild_id = %s", (done, total, rebuild_id))


async def end(
    conn: AsyncConnection[Any], rebuild_id: UUID, state: str, found: list[Difference] | None = None, error: str | None = None
) -> None:
    differences = None if found is None else msgspec.json.encode([d._asdict() for d in found]).decode()
    await conn.execute(
        "UPDATE rebuilds SET state = %s, differences = %s, error = %s, ended_at = clock_timestamp() WHERE rebuild_id = %s",
        (state, differences, error, rebuild_id),
    )
