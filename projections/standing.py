"""How the views, a rebuild and the followers of a ledger stand: what an operator asks for."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from infra import followers, sequence
from infra.followers import Standing
from projections import embedding_backlog, views
from projections.embedding_backlog import Embedded

REBUILDS_SHOWN = 10

_ROWS = """SELECT c.relname, greatest(c.reltuples, 0)::bigint FROM pg_class c
  WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest(%s::text[]) t)"""


class ViewSet(msgspec.Struct, frozen=True):
    """`fingerprint` of the definitions they were built from; `current` if these are this release's; `rows` is estimated."""

    fingerprint: str
    current: bool
    built_at: str
    rows: dict[str, int]


class Rebuild(msgspec.Struct, frozen=True):
    """`state`: asked, running, done, dry run, failed or interrupted. `done` of `total` events, `rate` in events/s."""

    rebuild_id: UUID
    state: str
    fingerprint: str
    done: int
    total: int
    rate: float
    started_at: str
    ended_at: str | None
    error: str | None
    differences: msgspec.Raw


class ParkedRoot(msgspec.Struct, frozen=True):
    follower: str
    root_id: UUID
    seq: int
    attempts: int
    error: str
    parked_at: str
    wanted: str | None
    reason: str | None


class Projections(msgspec.Struct, frozen=True):
    """`sequence` is the sequencer: events without a position yet, and the age of the oldest in seconds."""

    views: ViewSet
    rebuilds: list[Rebuild]
    sequence: sequence.Lag
    followers: list[Standing]
    parked: list[ParkedRoot]
    embedding: Embedded


async def projections(conn: AsyncConnection[Any]) -> Projections:
    return Projections(
        views=await _view_set(conn),
        rebuilds=await _rebuilds(conn),
        sequence=await sequence.lag(conn),
        followers=await followers.standings(conn),
        parked=await _parked(conn),
        embedding=await embedding_backlog.standing(conn),
    )


async def _view_set(conn: AsyncConnection[Any]) -> ViewSet:
    row = await (await conn.execute("SELECT fingerprint, built_at FROM view_set")).fetchone()
    found, built_at = row or ("", datetime.min.replace(tzinfo=UTC))
    counts = await (await conn.execute(_ROWS, ([t.name for t in views.TABLES],))).fetchall()
    return ViewSet(found, found == views.fingerprint(), stamp(built_at), dict(counts))


async def _rebuilds(conn: AsyncConnection[Any]) -> list[Rebuild]:
    cursor = await conn.execute(
        "SELECT rebuild_id, state, fingerprint, done, total,"
        " (done / greatest(extract(epoch FROM coalesce(ended_at, clock_timestamp()) - started_at), 0.001))::float8,"
        " started_at, ended_at, error, differences::text FROM rebuilds ORDER BY started_at DESC LIMIT %s",
        (REBUILDS_SHOWN,),
    )
    return [
        Rebuild(*(*row[:6], stamp(row[6]), row[7] and stamp(row[7]), row[8], msgspec.Raw((row[9] or "null").encode())))
        for row in await cursor.fetchall()
    ]


async def _parked(conn: AsyncConnection[Any]) -> list[ParkedRoot]:
    cursor = await conn.execute(
        "SELECT follower, root_id, seq, attempts, error, parked_at, wanted, reason FROM parked ORDER BY parked_at, root_id"
    )
    return [ParkedRoot(*(*row[:5], stamp(row[5]), *row[6:])) for row in await cursor.fetchall()]


def stamp(moment: datetime) -> str:
    """Naive UTC with microseconds, as Atlas shows times."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
