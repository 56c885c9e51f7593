"""The append: head row, members, events and view rows in one statement, so in one round trip."""

from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.changes import Change
from domain.events import name_of
from domain.facts import Kind
from infra import mapper
from infra.ids import uuid7

TEXTS_MAX = 512


class RowStatement(NamedTuple):
    """A data-modifying statement on `table` (alias t) over `head` (base, version, at); its parameters are written `%({p}name)s`."""

    table: str
    sql: str
    params: dict[str, Any]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked, through what: stored with every event of a command. `actor_id` is never an e-mail."""

    command_id: UUID
    actor_id: UUID
    token_id: UUID | None = None
    surface: str = "atlas"
    client: str = ""
    request_id: str = ""
    reason: str | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None


class Guard(NamedTuple):
    """What must still hold of the head row when the append takes its lock."""

    status: str
    structure: int
    wide: int | None = None


class Member(NamedTuple):
    """Where a stream belongs; None leaves that part of an existing member as it is."""

    stream_id: UUID
    parent_id: UUID
    kind: Kind
    position: int
    live: bool


class NewRoot(NamedTuple):
    kind: Kind
    number: int | None
    system_id: UUID | None


class Reading(NamedTuple):
    """A query that answers the append from rows that it writes: of `tables` it reads no others."""

    sql: str
    params: dict[str, Any]
    tables: tuple[str, ...]


class Statement(NamedTuple):
    """`answered`: the row that comes back also holds what the reading gave."""

    sql: str
    params: dict[str, Any]
    answered: bool = False


# UPDATE takes its transaction id before it waits for the row, so waiting writers would overtake each other and the order
# of the log (xid, notification_id) would not be the root's. A writer waits at the gate of the root before it has an id;
# so nothing else may be written before an existing root is opened or locked in the same transaction.
GATE = "pg_advisory_xact_lock(hashtextextended({}::text, 0))"

# The recorded time is taken only when the transaction has its id: the sequencer relies on it (infra/sequence.py).
_OPEN_HEAD = f"""gate AS MATERIALIZED (SELECT {GATE.format("%(root_id)s::uuid")}, pg_current_xact_id()),
head AS (
  UPDATE roots SET version = version + %(n)s, at = GREATEST(clock_timestamp(), at, (SELECT at FROM ledger_head)), status = %(status)s,
    system_id = CASE WHEN %(rescope)s THEN %(system_id)s ELSE system_id END, structure = structure + %(restructure)s
  FROM gate WHERE root_id = %(root_id)s AND status = %(was)s AND structure = %(structure)s AND (%(wide)s::int IS NULL OR version = %(wide)s)
  RETURNING root_id, version - %(n)s AS base, version, at)"""

_NEW_HEAD = """gate AS MATERIALIZED (SELECT pg_current_xact_id()),
head AS (
  INSERT INTO roots (root_id, kind, number, system_id, status, version, at)
  SELECT %(root_id)s, %(kind)s, %(number)s, %(system_id)s, %(status)s, %(n)s,
    GREATEST(clock_timestamp(), (SELECT at FROM ledger_head)) FROM gate
  RETURNING root_id, 0 AS base, version, at)"""

_EVENTS = """logged AS (
  INSERT INTO events (originator_id, originator_version, root_id, root_version, kind, topic, schema_number, state, metadata, recorded_at)
  SELECT e.id, e.v, %(root_id)s, head.base + e.i, e.kind, e.topic, e.schema_number,
    convert_to(e.state, 'UTF8'), convert_to(e.metadata, 'UTF8'), head.at
  FROM head, json_to_recordset(%(events)s::json)
    AS e(i int, id uuid, v int, kind text, topic text, schema_number smallint, state text, metadata text)
  ORDER BY e.i)"""

# The plan of one event: no set of unknown size, no JSON to take apart.
_EVENT = """logged AS (
  INSERT INTO events (originator_id, originator_version, root_id, root_version, kind, topic, schema_number, state, metadata, recorded_at)
  SELECT %(stream_id)s::uuid, %(stream_version)s::int, %(root_id)s, head.version, %(stream_kind)s, %(topic)s, %(schema_number)s::smallint,
    %(state)s::bytea, %(metadata)s::bytea, head.at FROM head)"""

_MEMBERS = """belonging AS (
  INSERT INTO members (stream_id, root_id, parent_id, kind, position, live)
  SELECT m.stream_id, %(root_id)s, m.parent_id, m.kind, m.position, m.live
  FROM head, json_to_recordset(%(members)s::json) AS m(stream_id uuid, parent_id uuid, kind text, position bigint, live boolean)
  ON CONFLICT (stream_id) DO UPDATE SET position = EXCLUDED.position, live = EXCLUDED.live)"""


def compose(
    root_id: UUID,
    changes: list[Change],
    origin: Origin,
    head: Guard | NewRoot,
    *,
    status: str,
    members: list[Member],
    rescope: bool,
    system_id: UUID | None,
    restructure: bool,
    rows: list[RowStatement],
    reading: Reading | None = None,
) -> Statement:
    """One statement that appends `changes` and applies `rows`; it answers (base, version, at), or no row if the guard fails.

    The row goes on with the columns of `reading` where each of its tables has one statement in `rows`.
    """
    params: dict[str, Any] = {"root_id": root_id, "n": len(changes), "status": status}
    if isinstance(head, NewRoot):
        params |= {"kind": head.kind.value, "number": head.number, "system_id": head.system_id}
    else:
        params |= {"was": head.status, "structure": head.structure, "wide": head.wide}
        params |= {"rescope": rescope, "system_id": system_id, "restructure": int(restructure)}
    params |= _event(changes[0], origin) if len(changes) == 1 else {"events": _events(changes, origin)}
    if members:
        params["members"] = encode([m._asdict() for m in members])
    for i, row in enumerate(rows):
        params |= {f"row{i}_{name}": value for name, value in row.params.items()}
    parts = (
        _NEW_HEAD if isinstance(head, NewRoot) else _OPEN_HEAD,
        _EVENT if len(changes) == 1 else _EVENTS,
        *((_MEMBERS,) if members else ()),
    )
    written = tuple((row.table, row.sql) for row in rows)
    sql, answered = _text(parts, written, *(reading.sql, reading.tables) if reading else (None, ()))
    return Statement(sql, params | reading.params if reading and answered else params, answered)


@lru_cache(TEXTS_MAX)
def _text(parts: tuple[str, ...], written: tuple[tuple[str, str], ...], reading: str | None, tables: tuple[str, ...]) -> tuple[str, bool]:
    """The statement of these parts and rows (table, SQL), and whether it goes on with the reading. There are few, and they are long."""
    overlay = overlay_of(tables, [table for table, _ in written])
    rows = tuple(row_cte(i, sql, read=f"row{i}" in overlay.values()) for i, (_, sql) in enumerate(written))
    text = "WITH " + ",\n".join(parts + rows) + "\nSELECT head.base, head.version, head.at"
    if reading is None or not overlay:
        return f"{text} FROM head", False
    over = ", ".join(f"{table} AS (SELECT * FROM {row})" for table, row in overlay.items())
    return f"{text}, answer.* FROM head LEFT JOIN (WITH {over} {reading}) answer ON true", True


def row_cte(place: int, sql: str, *, read: bool) -> str:
    """The CTE row0, row1 …; one that is read gives its rows back."""
    return f"row{place} AS ({sql.replace('{p}', f'row{place}_')}{' RETURNING t.*' if read else ''})"


def overlay_of(tables: tuple[str, ...], written: list[str]) -> dict[str, str]:
    """Which CTE stands for which table, so that the statement can read what it writes; none where a table has not just one."""
    found = {table: [f"row{i}" for i, each in enumerate(written) if each == table] for table in tables}
    return {table: made[0] for table, made in found.items()} if all(len(made) == 1 for made in found.values()) else {}


def _event(change: Change, origin: Origin) -> dict[str, Any]:
    return {
        "stream_id": change.stream_id,
        "stream_version": change.version,
        "stream_kind": change.kind.value,
        "topic": name_of(change.event),
        "schema_number": mapper.number_of(change.event),
        "state": mapper.encode(change.event),
        "metadata": msgspec.json.encode({"event_id": uuid7(), **msgspec.to_builtins(origin)}),
    }


def _events(changes: list[Change], origin: Origin) -> str:
    shared = msgspec.to_builtins(origin)
    return encode([event_values(change, shared) for change in changes])


def event_values(change: Change, origin: dict[str, Any]) -> dict[str, Any]:
    """One event of a set: `i` is its place among the events of its root."""
    return {
        "i": change.wide.place,
        "id": change.stream_id,
        "v": change.version,
        "kind": change.kind,
        "topic": name_of(change.event),
        "schema_number": mapper.number_of(change.event),
        "state": mapper.encode(change.event).decode(),
        "metadata": encode({"event_id": uuid7(), **origin}),
    }


def encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()
