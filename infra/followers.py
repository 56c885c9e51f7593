"""What followers keep in the database: where each one is, and the roots it had to leave behind."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from domain.events import Event
from infra import mapper
from infra.database import Connection

Topics = frozenset[str] | None


class Followed(NamedTuple):
    """An event with its position, as a follower gets it."""

    seq: int
    originator_id: UUID
    originator_version: int
    root_id: UUID
    root_version: int
    kind: str
    topic: str
    schema_number: int
    state: bytes
    metadata: bytes
    recorded_at: datetime

    def event(self) -> Event:
        """Decoded; raises `mapper.UnknownEvent` for what this release does not know."""
        return mapper.decode(self.topic, self.schema_number, self.state)


class Parked(NamedTuple):
    """A root that a follower left behind at `seq`, its first event not taken."""

    root_id: UUID
    seq: int
    attempts: int
    error: str
    wanted: str | None


_COLUMNS = """l.seq, e.originator_id, e.originator_version, e.root_id, e.root_version, e.kind, e.topic, e.schema_number,
    e.state, e.metadata, e.recorded_at"""

_WANTED = "(%(topics)s::text[] IS NULL OR e.topic = ANY(%(topics)s))"

# OFFSET lets PostgreSQL do nothing but look up each event: a plan made while the tables were small would read all of them for ever.
_NEXT = f"""SELECT {_COLUMNS} FROM ledger l, LATERAL (SELECT * FROM events e
    WHERE (e.originator_id, e.originator_version) = (l.originator_id, l.originator_version) AND {_WANTED} OFFSET 0) e
  WHERE l.seq > %(after)s AND l.seq <= %(upto)s ORDER BY l.seq"""

_OF_ROOT = f"""SELECT {_COLUMNS} FROM events e JOIN ledger l USING (originator_id, originator_version)
  WHERE e.root_id = %(root)s AND l.seq >= %(first)s AND l.seq <= %(last)s AND {_WANTED} ORDER BY l.seq"""


async def hold(conn: Connection, name: str) -> int | None:
    """The bookmark of a follower, held until the transaction ends; None while another process holds it."""
    await conn.execute("INSERT INTO followers (name, seq) VALUES (%s, 0) ON CONFLICT DO NOTHING", (name,))
    row = await (await conn.execute("SELECT seq FROM followers WHERE name = %s FOR UPDATE SKIP LOCKED", (name,))).fetchone()
    return row[0] if row else None


async def move(conn: Connection, name: str, seq: int) -> None:
    await conn.execute("UPDATE followers SET seq = %s, updated_at = clock_timestamp() WHERE name = %s", (seq, name))


async def next_position(conn: Connection, after: int, limit: int) -> int:
    """The last position of the next batch; `after` where there is none. Positions have no holes."""
    row = await (await conn.execute("SELECT LEAST(seq, %s) FROM ledger_head", (after + limit,))).fetchone()
    return max(after, row[0]) if row else after


async def following(conn: Connection, after: int, upto: int, topics: Topics) -> list[Followed]:
    """The events of these topics (None: all) after one position and up to another."""
    asked = {"after": after, "upto": upto, "topics": topics and list(topics)}
    return [Followed(*row) for row in await (await conn.execute(_NEXT, asked, binary=True)).fetchall()]


async def of_root(conn: Connection, root_id: UUID, first: int, last: int, topics: Topics) -> list[Followed]:
    asked = {"root": root_id, "first": first, "last": last, "topics": topics and list(topics)}
    return [Followed(*row) for row in await (await conn.execute(_OF_ROOT, asked, binary=True)).fetchall()]


async def parked(conn: Connection, name: str) -> dict[UUID, Parked]:
    cursor = await conn.execute("SELECT root_id, seq, attempts, error, wanted FROM parked WHERE follower = %s", (name,))
    return {row[0]: Parked(*row) for row in await cursor.fetchall()}


async def park(conn: Connection, name: str, root_id: UUID, seq: int, attempts: int, error: str) -> None:
    """Leaves a root behind; what was asked for it has been tried."""
    await conn.execute(
        "INSERT INTO parked (follower, root_id, seq, attempts, error) VALUES (%s, %s, %s, %s, %s) ON CONFLICT (follower, root_id)"
        " DO UPDATE SET seq = EXCLUDED.seq, attempts = parked.attempts + EXCLUDED.attempts, error = EXCLUDED.error, wanted = NULL",
        (name, root_id, seq, attempts, error),
    )


async def unpark(conn: Connection, name: str, root_id: UUID) -> None:
    await conn.execute("DELETE FROM parked WHERE follower = %s AND root_id = %s", (name, root_id))


async def is_known(conn: Connection, name: str) -> bool:
    return await (await conn.execute("SELECT FROM followers WHERE name = %s", (name,))).fetchone() is not None


async def ask(conn: Connection, name: str, root_id: UUID, wanted: str, reason: str) -> bool:
    """Asks for a parked root to be tried again ("retry") or its first event left out ("skip"); False if it is not parked."""
    cursor = await conn.execute(
        "UPDATE parked SET wanted = %s, reason = %s WHERE follower = %s AND root_id = %s", (wanted, reason, name, root_id)
    )
    return cursor.rowcount == 1


class Standing(msgspec.Struct, frozen=True):
    """How far a follower is: events and seconds behind the head of the sequence, and how many roots it left behind."""

    name: str
    seq: int
    head: int
    lag_events: int
    lag_seconds: float
    parked: int


async def standings(conn: Connection) -> list[Standing]:
    cursor = await conn.execute("""SELECT f.name, f.seq, h.seq, h.seq - f.seq, coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT e.recorded_at FROM ledger l JOIN events e USING (originator_id, originator_version) WHERE l.seq = f.seq + 1)), 0)::float8,
        (SELECT count(*) FROM parked p WHERE p.follower = f.name) FROM followers f, ledger_head h ORDER BY f.name""")
    return [Standing(*row) for row in await cursor.fetchall()]
