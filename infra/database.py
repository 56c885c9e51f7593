"""Connections to PostgreSQL, and bringing its schema to what this release needs."""

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from infra import fault_points
from infra.lively import LivelyConnection, LivelyPool
from infra.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x52554E4C

# A client that vanished within a transaction, unknown to the server, holds its key and its run for ten seconds, twice a command's patience;
# for twenty where the server was in the middle of its messages.
# Plans are generic and live long, so none may be a scan that was right while its table was small.
_SESSION = (
    "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=10000"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2"
    " -c plan_cache_mode=force_generic_plan -c jit=off -c client_connection_check_interval=2000"
    " -c enable_seqscan=off -c random_page_cost=1.1 -c max_parallel_workers_per_gather=0"  # requests have the cores among them
    " -c work_mem=16MB -c enable_memoize=off"  # a word of search may be in tens of thousands of documents
    " -c hnsw.iterative_scan=relaxed_order -c hnsw.ef_search=100"
)

_LIVELY: dict[str, Any] = {  # a dead server is noticed within seconds
    "connect_timeout": 5,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}

RECONNECT_S = 4.0  # attempts get rarer with time; given up, the next request begins anew at once

Connection = AsyncConnection[Any]
LOST = (psycopg.OperationalError, psycopg.InterfaceError)  # the connection is gone, or no longer to be trusted
AWAY = (*LOST, PoolTimeout)
Pool = AsyncConnectionPool[AsyncConnection[Any]]
MakeViews = Callable[[Connection, str, str], Awaitable[None]]


class UnknownSchema(Exception):
    """The database holds a schema version that this release does not know."""


def search_path(settings: Settings) -> str:
    return f"{settings.schema}_views,{settings.schema},public"


async def greet(settings: Settings) -> None:
    """Connects once: the reason why it cannot comes at once, where a pool would go on trying."""
    await (await AsyncConnection.connect(settings.database_url or "", connect_timeout=5)).close()


def pool(settings: Settings) -> Pool:
    """A closed pool; open it inside the event loop. Connections notice a dead server within seconds."""
    return LivelyPool(settings.database_url or "", connection_class=LivelyConnection, **_pooled(settings))


def blocking_pool(settings: Settings) -> ConnectionPool[psycopg.Connection[Any]]:
    """A closed pool of the same connections for threads."""
    return ConnectionPool(settings.database_url or "", **_pooled(settings))


def _pooled(settings: Settings) -> dict[str, Any]:
    options = f"{_SESSION} -c search_path={search_path(settings)}"
    return {
        "min_size": 2,
        "max_size": settings.pool_max,
        "timeout": 5,
        "reconnect_timeout": RECONNECT_S,
        "open": False,
        "kwargs": {"autocommit": True, "options": options, **_LIVELY, "prepare_threshold": 2},
    }


async def dedicated(settings: Settings) -> AsyncConnection[Any]:
    """One connection outside the pool, for what lives as long as its session: a leader's lock, notifications."""
    options = f"-c timezone=UTC -c search_path={search_path(settings)} -c jit=off"
    return await LivelyConnection.connect(settings.database_url or "", autocommit=True, options=options, **_LIVELY)


async def owner(settings: Settings) -> AsyncConnection[Any]:
    """One connection as the owner of the ledger's schema: it makes and drops tables and waits as long as that takes."""
    options = f"-c timezone=UTC -c search_path={settings.schema},public -c jit=off"
    return await LivelyConnection.connect(settings.owner_url or settings.database_url or "", autocommit=True, options=options, **_LIVELY)


async def try_lock(conn: AsyncConnection[Any], name: str) -> bool:
    """Takes the advisory lock of that name for as long as the session lives; False where another holds it."""
    row = await (await conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,))).fetchone()
    return bool(row and row[0])


async def end_silent_holder(conn: AsyncConnection[Any], name: str, silence_s: float) -> bool:
    """Ends the session that holds the lock and has asked the server nothing for so long: its process hangs. Says whether it did."""
    cursor = await conn.execute(
        "SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid), hashtextextended(%s, 0) AS key"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = current_database()"
        " AND l.classid::bigint = (key >> 32) & 4294967295 AND l.objid::bigint = key & 4294967295"
        " AND a.state LIKE 'idle%%' AND a.state_change < clock_timestamp() - make_interval(secs => %s)",
        (name, silence_s),
    )
    return await cursor.fetchone() is not None


async def unlock(conn: AsyncConnection[Any], name: str) -> None:
    await conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (name,))


def blocking(settings: Settings) -> psycopg.Connection[Any]:
    """One connection for a thread that reads much of the log; it may take its time."""
    options = f"-c timezone=UTC -c search_path={search_path(settings)} -c jit=off -c max_parallel_workers_per_gather=0"
    return psycopg.Connection.connect(settings.database_url or "", autocommit=True, options=options, **_LIVELY)


@cache
def newest_version() -> int:
    """The schema version that this release needs."""
    return len([*MIGRATIONS.glob("*.sql")])


async def version_of(conn: AsyncConnection[Any]) -> int | None:
    """The schema version of a database; None where there is no ledger."""
    try:
        row = await (await conn.execute("SELECT max(version) FROM migrations")).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return row[0] if row else None


async def migrate(settings: Settings, make_views: MakeViews) -> int:
    """Applies the missing migrations under an advisory lock; returns how many. Refuses a database from a newer release."""
    url = settings.owner_url or settings.database_url or ""
    app_role = conninfo_to_dict(settings.database_url or "").get("user") or "public"
    async with await AsyncConnection.connect(url, connect_timeout=10) as conn:
        await conn.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        names = {"schema": Identifier(settings.schema), "role": Identifier(str(app_role))}
        await conn.execute(SQL("CREATE SCHEMA IF NOT EXISTS {schema}").format(**names))
        await conn.execute(SQL("SET LOCAL search_path = {schema}, public").format(**names))
        await conn.execute("CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, applied_at timestamptz DEFAULT now())")
        cursor = await conn.execute("SELECT coalesce(max(version), 0) FROM migrations")
        present = int((await cursor.fetchone() or (0,))[0])
        files = sorted(MIGRATIONS.glob("*.sql"))
        _refuse_newer(present)
        for version, file in enumerate(files[present:], present + 1):
            await conn.execute(file.read_bytes())
            await conn.execute("INSERT INTO migrations (version) VALUES (%s)", (version,))
            await fault_points.reach("migration.applied")
        await _grant(conn, names)
        await make_views(conn, f"{settings.schema}_views", str(app_role))
        await fault_points.reach("migration.ends")
        return len(files) - present


async def refuse_newer(settings: Settings) -> None:
    """For a program that does not migrate: raises `UnknownSchema` where a newer release has."""
    async with await dedicated(settings) as conn:
        _refuse_newer(await version_of(conn) or 0)


def _refuse_newer(present: int) -> None:
    if present > (known := newest_version()):
        raise UnknownSchema(f"The database has schema version {present}; this release knows up to {known}. Start a newer release.")


async def _grant(conn: AsyncConnection[Any], names: dict[str, Identifier]) -> None:
    """The app reads and appends; it can neither change nor remove an event or its place in the sequence."""
    for grant in (
        "USAGE ON SCHEMA {schema}",
        "SELECT, INSERT ON ALL TABLES IN SCHEMA {schema}",
        "UPDATE ON roots, members, counters, users, ledger_head, followers, parked, rebuilds, view_set, report_jobs, unread_files",
        "UPDATE ON token_uses",
        "UPDATE (body, recorded_at) ON idempotency",
        "UPDATE ON document_vectors, documents_to_embed, embedded_model, run_words, run_words_noted",
        "DELETE ON parked, report_jobs, unread_files, document_vectors, documents_to_embed, run_words, stale_runs",
    ):
        await conn.execute(SQL("GRANT " + grant + " TO {role}").format(**names))
