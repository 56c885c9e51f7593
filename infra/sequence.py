"""The ledger's gapless sequence: finished events in the order of their recorded time, chained by hash."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from infra import fault_points
from infra.chain import GENESIS, HEADER, chained, event_hash

BATCH_EVENTS_MAX = 50_000
CHANNEL = "runledger_sequence"


class Finished(NamedTuple):
    """An event that every later snapshot sees, before it has a position."""

    notification_id: int
    originator_id: UUID
    originator_version: int
    recorded_at: datetime
    header: str
    state: bytes
    metadata: bytes


class Head(NamedTuple):
    """The last position given: 0 and `GENESIS` at the beginning."""

    seq: int
    chain_hash: bytes


# A transaction that has an id may still record any time after its start; one without an id will record a time after
# now. So below this moment nothing is missing once the snapshot taken next has seen what has ended.
_SAFE = """SELECT LEAST(statement_timestamp(), min(xact_start)) FROM pg_stat_activity
  WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"""

_UNSEQUENCED = """e.xid >= %(floor)s::text::xid8 AND NOT EXISTS (
    SELECT FROM ledger l WHERE l.originator_id = e.originator_id AND l.originator_version = e.originator_version)"""

# Ids from the snapshot's xmax on belong to a cluster that this one was restored from: they ended long ago. Times after
# now are from before the clock was set back; nothing older than them is waited for.
_FINISHED = f"""SELECT e.notification_id, e.originator_id, e.originator_version, e.recorded_at, {HEADER}, e.state, e.metadata
  FROM events e, pg_current_snapshot() s
  WHERE {_UNSEQUENCED} AND (e.xid < pg_snapshot_xmin(s) OR e.xid >= pg_snapshot_xmax(s))
    AND (e.recorded_at < %(safe)s OR e.recorded_at > clock_timestamp())
  ORDER BY e.recorded_at, e.notification_id LIMIT %(limit)s"""

# Whatever has no position yet, seen or still open, has an id from here on.
_REST = f"""SELECT LEAST(min(e.xid), pg_snapshot_xmin(pg_current_snapshot()))::text FROM events e WHERE {_UNSEQUENCED}"""

_INSERT = """INSERT INTO ledger (seq, notification_id, originator_id, originator_version, event_hash, chain_hash)
  SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::uuid[], %b::int[], %b::bytea[], %b::bytea[])"""


async def head(conn: AsyncConnection[Any]) -> Head:
    row = await (await conn.execute("SELECT seq, chain_hash FROM ledger ORDER BY seq DESC LIMIT 1")).fetchone()
    return Head(0, GENESIS) if row is None else Head(row[0], row[1])


async def extend(conn: AsyncConnection[Any], last: Head, floor: str, limit: int = BATCH_EVENTS_MAX) -> tuple[Head, str, bool]:
    """Gives positions to finished events: the new head, the id below which nothing is left, whether more may wait.

    Only the holder of the leader's lock may call it. `floor` is "0" at first.
    """
    safe = (await (await conn.execute(_SAFE)).fetchone() or (None,))[0]
    async with conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        asked = {"floor": floor, "safe": safe, "limit": limit}
        cursor = await conn.execute(_FINISHED, asked, binary=True)
        events = [Finished(*row) for row in await cursor.fetchall()]
        if events:
            await fault_points.reach("sequence.read")
            last = await _insert(conn, last, events)
            await fault_points.reach("sequence.written")
        row = await (await conn.execute(_REST, asked)).fetchone()
    if events:
        await fault_points.reach("sequence.committed")
    return last, row[0] if row else floor, len(events) == limit


async def _insert(conn: AsyncConnection[Any], last: Head, events: list[Finished]) -> Head:
    seqs = list(range(last.seq + 1, last.seq + 1 + len(events)))
    hashes = [event_hash(e.header, e.state, e.metadata) for e in events]
    chain, before = [], last.chain_hash
    for each in hashes:
        before = chained(before, each)
        chain.append(before)
    ids = [e.notification_id for e in events], [e.originator_id for e in events], [e.originator_version for e in events]
    await conn.execute(_INSERT, (seqs, *ids, hashes, chain), binary=True)
    await conn.execute(
        "UPDATE ledger_head SET seq = %s, chain_hash = %s, at = GREATEST(at, %s)", (seqs[-1], chain[-1], events[-1].recorded_at)
    )
    await conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(seqs[-1])))
    return Head(seqs[-1], chain[-1])


_OURS = "CASE WHEN last.xid < pg_snapshot_xmax(pg_current_snapshot()) THEN last.xid ELSE '0'::xid8 END"  # else from a restored cluster


class Lag(msgspec.Struct, frozen=True):
    """How far the sequence is behind the log: events without a position, and the age of the oldest in seconds."""

    seq: int
    events: int
    seconds: float


async def lag(conn: AsyncConnection[Any]) -> Lag:
    """Counts from the transaction of the last sequenced event on; what is in the middle of a commit counts too."""
    sql = f"""SELECT h.seq, w.n, coalesce(extract(epoch FROM clock_timestamp() - w.oldest), 0)::float8
      FROM ledger_head h LEFT JOIN ledger l ON l.seq = h.seq
      LEFT JOIN events last ON (last.originator_id, last.originator_version) = (l.originator_id, l.originator_version)
      CROSS JOIN LATERAL (SELECT count(*) AS n, min(e.recorded_at) AS oldest FROM events e
        WHERE {_UNSEQUENCED.replace("%(floor)s::text::xid8", _OURS)}) w"""
    row = await (await conn.execute(sql)).fetchone()
    return Lag(0, 0, 0.0) if row is None else Lag(*row)
