"""The event log: loading streams and appending to them on PostgreSQL."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection, AsyncCursor

from domain.changes import Change
from domain.events import name_of
from domain.facts import EVOLVE, Kind
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.steps import StepOutcomeRecorded
from infra import mapper, placeholders
from infra.append import GATE, Member, Origin, RowStatement, Statement
from infra.tracing import NOWHERE, Context

Projector = Callable[..., list[RowStatement]]  # of changes; `together` where they are those of several commands


class Head(NamedTuple):
    """The head row of a root. `structure` grows when something below is deleted or restored."""

    root_id: UUID
    kind: Kind
    number: int | None
    system_id: UUID | None
    status: str
    version: int
    structure: int


class Stream(NamedTuple):
    """A stream as loaded: `state` is None where the stream does not exist (version 0)."""

    stream_id: UUID
    kind: Kind
    version: int
    state: Any


_OUTCOME = name_of(StepOutcomeRecorded)
_BY_ID = "r.root_id = %(ref)s"
_BY_NUMBER = "r.number = %(ref)s"

_COLUMNS = """r.root_id, r.kind, r.number, r.system_id, r.status, r.version, r.structure,
    e.originator_id, e.originator_version, e.kind, e.topic, e.schema_number, e.state"""


def _events_of(streams: str, where: str) -> str:
    """SQL for those events of these streams that are needed to know their states; `where`: what they must be too.

    An outcome says the whole of what it is about: of a step that was tested a hundred times the last one is read. OFFSET 0
    looks for it once a stream, and each stream up by its key: together they would be met with all events of the root.
    """
    return f"""SELECT e.* FROM (
        SELECT id, (SELECT max(o.originator_version) FROM events o WHERE o.originator_id = id AND o.topic = '{_OUTCOME}') AS outcome
        FROM unnest({streams}) id OFFSET 0) s
      JOIN events e ON e.originator_id = s.id
    WHERE {where} AND (e.topic <> '{_OUTCOME}' OR e.originator_version = s.outcome)"""


_STREAMS = "%(streams)b::uuid[] || CASE WHEN %(whole)s THEN ARRAY[r.root_id] ELSE '{}' END"
_LOAD = f"""SELECT {_COLUMNS}
  FROM roots r LEFT JOIN LATERAL ({_events_of(_STREAMS, "e.root_id = r.root_id")}) e ON true
  WHERE r.kind = %(kind)s AND """

_ORDERED = " ORDER BY e.originator_id, e.originator_version"


async def load(
    conn: AsyncConnection[Any], kind: Kind, ref: UUID | int, streams: Sequence[UUID], *, with_root: bool
) -> tuple[Head | None, dict[UUID, Stream]]:
    """The head row of a root and the named streams of it (with the root's own if `with_root`), in one round trip.

    A stream of another root is not found. `ref` is the root's id or, for test runs, its number.
    """
    sql = _LOAD + (_BY_ID if isinstance(ref, UUID) else _BY_NUMBER) + _ORDERED
    cursor = await conn.execute(sql, {"ref": ref, "kind": kind.value, "streams": list(streams), "whole": with_root}, binary=True)
    return next(iter(_folded(await cursor.fetchall()).values()), (None, {}))


class Look(NamedTuple):
    """A root by its id, and streams of it."""

    kind: Kind
    root_id: UUID
    streams: tuple[UUID, ...]


# The same of several. Each table by its key, whatever the plan was made for: a join might read the whole of roots that were few then.
_LOAD_TOGETHER = f"""WITH r AS MATERIALIZED (SELECT * FROM roots WHERE root_id = ANY(%(roots)s::uuid[])),
  e AS MATERIALIZED ({_events_of("%(streams)s::uuid[]", "e.originator_id = ANY(%(streams)s::uuid[])")})
  SELECT {_COLUMNS}
  FROM r LEFT JOIN e USING (root_id){_ORDERED}"""


async def load_together(conn: AsyncConnection[Any], looks: Sequence[Look]) -> list[tuple[Head | None, dict[UUID, Stream]]]:
    """What `load` gives for each of several looks, all in one round trip."""
    params = {"roots": list({look.root_id for look in looks}), "streams": list({stream for look in looks for stream in look.streams})}
    loaded = _folded(await (await placeholders.execute(conn, _LOAD_TOGETHER, params, binary=True)).fetchall())
    return [_seen(look, *loaded.get(look.root_id, (None, {}))) for look in looks]


def _seen(look: Look, head: Head | None, streams: dict[UUID, Stream]) -> tuple[Head | None, dict[UUID, Stream]]:
    if head is None or head.kind is not look.kind:
        return None, {}
    return head, {stream_id: streams[stream_id] for stream_id in look.streams if stream_id in streams}


def _folded(rows: Sequence[tuple[Any, ...]]) -> dict[UUID, tuple[Head | None, dict[UUID, Stream]]]:
    """By root: its head row and the streams that its events add up to."""
    found: dict[UUID, tuple[Head | None, dict[UUID, Stream]]] = {}
    for row in rows:
        if row[0] not in found:
            found[row[0]] = Head(row[0], Kind(row[1]), *row[2:7]), {}
        loaded, (stream_id, version, kind, topic, number, state) = found[row[0]][1], row[7:]
        if stream_id is None:
            continue
        before = loaded.get(stream_id)
        after = EVOLVE[kind](before and before.state, mapper.decode(topic, number, state))
        loaded[stream_id] = Stream(stream_id, before.kind if before else Kind(kind), version, after)
    return found


async def references(conn: AsyncConnection[Any], ids: Sequence[UUID]) -> dict[UUID, tuple[Head, Stream]]:
    """Head rows and streams of other roots that a command refers to (systems, assets, issues, card templates)."""
    cursor = await conn.execute(
        "SELECT r.root_id, r.kind, r.number, r.system_id, r.status, r.version, r.structure,"
        " e.originator_version, e.topic, e.schema_number, e.state FROM roots r JOIN events e ON e.originator_id = r.root_id"
        " WHERE r.root_id = ANY(%s) ORDER BY e.originator_id, e.originator_version",
        (list(ids),),
    )
    found: dict[UUID, tuple[Head, Stream]] = {}
    for row in await cursor.fetchall():
        head, kind = Head(row[0], Kind(row[1]), *row[2:7]), Kind(row[1])
        before = found[head.root_id][1].state if head.root_id in found else None
        after = EVOLVE[kind](before, mapper.decode(row[8], row[9], row[10]))
        found[head.root_id] = head, Stream(head.root_id, kind, row[7], after)
    return found


async def members(conn: AsyncConnection[Any], parent_id: UUID, kind: Kind) -> list[Member]:
    """What belongs to a parent, dead or alive, in order of position."""
    cursor = await conn.execute(
        "SELECT stream_id, parent_id, kind, position, live FROM members WHERE parent_id = %s AND kind = %s ORDER BY position, stream_id",
        (parent_id, kind),
    )
    return [Member(row[0], row[1], Kind(row[2]), row[3], row[4]) for row in await cursor.fetchall()]


async def live_members(conn: AsyncConnection[Any], root_id: UUID, kind: Kind) -> int:
    """How many live members of a kind a whole root has; none of those in a deleted card counts."""
    cursor = await conn.execute(
        "SELECT count(*) FROM members WHERE root_id = %(root)s AND kind = %(kind)s AND live"
        " AND parent_id NOT IN (SELECT stream_id FROM members WHERE root_id = %(root)s AND kind = 'card' AND NOT live)",
        {"root": root_id, "kind": kind},
    )
    return int((await cursor.fetchone() or (0,))[0])


class Placed(NamedTuple):
    """Where a live stream belongs."""

    kind: Kind
    parent_id: UUID


async def live(conn: AsyncConnection[Any], root_id: UUID) -> dict[UUID, Placed]:
    """What a root holds that is live and lies in nothing deleted, oldest first."""
    cursor = await conn.execute(
        "SELECT m.stream_id, m.kind, m.parent_id FROM members m LEFT JOIN members p ON p.stream_id = m.parent_id"
        " WHERE m.root_id = %s AND m.live AND p.live IS NOT FALSE ORDER BY m.stream_id",
        (root_id,),
    )
    return {row[0]: Placed(Kind(row[1]), row[2]) for row in await cursor.fetchall()}


async def issue_links(conn: AsyncConnection[Any], root_id: UUID) -> list[tuple[UUID, UUID, bool]]:
    """Every linking (true) and unlinking of an issue below a root, in order: the thing linked, the issue, which of both."""
    cursor = await conn.execute(
        "SELECT originator_id, topic, schema_number, state FROM events"
        " WHERE root_id = %s AND topic IN ('issue.linked', 'issue.unlinked') ORDER BY root_version",
        (root_id,),
    )
    events = [(row[0], mapper.decode(*row[1:])) for row in await cursor.fetchall()]
    return [(i, e.issue_id, isinstance(e, IssueLinked)) for i, e in events if isinstance(e, (IssueLinked, IssueUnlinked))]


async def next_number(conn: AsyncConnection[Any], name: str) -> int:
    """The next number of a counter, held until the transaction ends: no holes, no repetition."""
    cursor = await conn.execute("UPDATE counters SET value = value + 1 WHERE name = %s RETURNING value", (name,))
    return int((await cursor.fetchone() or (0,))[0])


async def lock(conn: AsyncConnection[Any], kind: Kind, ref: UUID | int) -> None:
    """Holds the gate of a root until the transaction ends, so that what is decided on its members stays true."""
    where = _BY_ID if isinstance(ref, UUID) else _BY_NUMBER
    await conn.execute(f"SELECT {GATE.format('r.root_id')} FROM roots r WHERE r.kind = %(kind)s AND {where}", {"kind": kind, "ref": ref})


async def append(conn: AsyncConnection[Any], statement: Statement) -> AsyncCursor[Any]:
    """Sends a composed append. Its one row is (base, version, at); no row when its guard no longer holds.

    A stream that moved on raises UniqueViolation.
    """
    return await placeholders.execute(conn, statement.sql, statement.params)


async def committed(conn: AsyncConnection[Any], changes: Sequence[Change], origin: Origin) -> int | None:
    """The root version after a command if its events are in the log: resolves a commit whose answer was lost."""
    cursor = await conn.execute(
        "SELECT root_version FROM events WHERE originator_id = %s AND originator_version = %s"
        " AND convert_from(metadata, 'UTF8')::jsonb ->> 'command_id' = %s",
        (changes[0].stream_id, changes[0].version, str(origin.command_id)),
    )
    row = await cursor.fetchone()
    return None if row is None else int(row[0]) + len(changes) - 1


async def context_of(conn: AsyncConnection[Any], stream_id: UUID) -> Context:
    """Where the change came from that began a stream."""
    cursor = await conn.execute("SELECT metadata FROM events WHERE originator_id = %s ORDER BY originator_version LIMIT 1", (stream_id,))
    row = await cursor.fetchone()
    if row is None:
        return NOWHERE
    origin = msgspec.json.decode(bytes(row[0]), type=Origin)
    return Context(origin.correlation_id, origin.causation_id)


def connection_broke(error: psycopg.Error) -> bool:
    """Whether the connection is gone (or was never had), not just a statement: then the outcome is unknown."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


class Overtaken(Exception):
    """The guard of an append no longer held: another writer was faster."""


OVERTAKEN = (Overtaken, psycopg.errors.UniqueViolation, psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
OVERTAKEN_CONSTRAINTS = ("events_pkey",)
