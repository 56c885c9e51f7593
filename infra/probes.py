"""Short questions to the servers that a deployment depends on. Each raises NoAnswer with the reason when there is none."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from psycopg import AsyncConnection, OperationalError
from psycopg.types.json import Json
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra import storage
from infra.database import search_path, version_of
from infra.settings import Settings

ANSWER_S_MAX = 5
FORBIDDEN_ON_LOG = ("UPDATE", "DELETE", "TRUNCATE")

APPENDED_ONLY = ("events", "ledger", "checkpoints", "signing_keys", "access_log")
DURABLE = {"fsync": ("on",), "full_page_writes": ("on",), "synchronous_commit": ("on", "local", "remote_write", "remote_apply")}

_LEDGER = """SELECT current_setting('server_version') AS version, current_user::text AS role,
    has_schema_privilege(to_regnamespace(%(schema)s), 'USAGE') AS schema_usable,
    ARRAY(SELECT string_agg(p, ', ' ORDER BY n) || ' ' || t
      FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS tables(t, m), unnest(%(forbidden)s::text[]) WITH ORDINALITY AS privileges(p, n)
      WHERE has_table_privilege(to_regclass(t), p) GROUP BY t, m ORDER BY m) AS may_change,
    ARRAY(SELECT name || ' = ' || setting FROM pg_settings JOIN json_each(%(durable)s) d ON d.key = name
      WHERE NOT d.value::jsonb ? setting ORDER BY name) AS unsafe,
    current_setting('TimeZone') AS time_zone,
    clock_timestamp() AS clock"""


class NoAnswer(Exception):
    """The server cannot be asked; the text is one line."""


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (OperationalError, RedisError, BotoCoreError, ClientError, OSError, ValueError) as error:
        raise NoAnswer((str(error).strip() or type(error).__name__).split("\n", 1)[0]) from error


class Ledger(NamedTuple):
    """`schema_version` None: no ledger there. `may_change`: what the role may do to the log and should not, `UPDATE, DELETE events`.

    `unsafe`: settings with which an acknowledged change may be lost. `time_zone` is that of a session which asks for UTC as ours do.

    `clock_ahead_s`: how far the database's clock is ahead of ours, with half the round trip taken off.
    """

    version: str
    role: str
    schema_version: int | None
    may_change: list[str]
    unsafe: list[str]
    time_zone: str
    views: str | None
    clock_ahead_s: float


async def ledger(settings: Settings) -> Ledger:
    """What the database says of itself, asked as the application's role."""
    options = f"-c timezone=UTC -c statement_timeout={ANSWER_S_MAX}s -c search_path={search_path(settings)}"
    params = {"schema": settings.schema, "forbidden": list(FORBIDDEN_ON_LOG), "tables": list(APPENDED_ONLY), "durable": Json(DURABLE)}
    with _answering():
        conn = await AsyncConnection.connect(settings.database_url or "", connect_timeout=ANSWER_S_MAX, options=options, autocommit=True)
    async with conn:
        asked = time.time()
        row: Any = await (await conn.execute(_LEDGER, params)).fetchone()
        answered = time.time()
        version, role, usable, may_change, unsafe, time_zone, clock = row
        present = await version_of(conn) if usable else None
        views = await _fingerprint(conn) if usable else None
    return Ledger(version, role, present, may_change, unsafe, time_zone, views, _ahead(clock, (asked + answered) / 2))


async def _fingerprint(conn: AsyncConnection[Any]) -> str | None:
    found: Any = await (await conn.execute("SELECT to_regclass('view_set')")).fetchone()
    row: Any = await (await conn.execute("SELECT fingerprint FROM view_set")).fetchone() if found[0] else None
    return None if row is None else str(row[0])


def _ahead(clock: datetime, ours: float) -> float:
    return clock.timestamp() - ours


async def redis_version(url: str) -> str:
    with _answering():
        async with Redis.from_url(url, socket_timeout=ANSWER_S_MAX, socket_connect_timeout=ANSWER_S_MAX) as client:
            await client.ping()
            told: dict[str, Any] = await client.info("server")
    return f"Valkey {told['valkey_version']}" if "valkey_version" in told else f"Redis {told.get('redis_version', '?')}"


async def missing_buckets(settings: Settings) -> dict[str, str]:
    """The configured buckets that cannot be used, each with the server's reason."""
    missing: dict[str, str] = {}
    with _answering():
        async with storage.client(settings, connect_s=ANSWER_S_MAX, read_s=ANSWER_S_MAX) as client:
            for bucket in settings.bucket_names:
                try:
                    await client.head_bucket(Bucket=bucket)
                except ClientError as error:
                    missing[bucket] = str(error.response.get("Error", {}).get("Message") or error)
    return missing
