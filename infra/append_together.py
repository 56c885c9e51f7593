"""The append of one event each for several commands in one statement: one round trip and one commit for all of them."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.changes import Change
from infra.append import GATE, TEXTS_MAX, Guard, Origin, Reading, RowStatement, Statement, encode, event_values, overlay_of, row_cte

GATES_MS_MAX = 250


class Share(NamedTuple):
    """One command's event, whose `wide` counts the shares of its root, and what its answer is asked with (ids, and `reach`)."""

    change: Change
    origin: Origin
    guard: Guard
    asked: dict[str, Any]


# The gates are passed in the order of their roots, so that no two batches wait for each other. One that is held for long ends the
# statement (LockNotAvailable), for the other roots wait too. As in every append no transaction id is taken before the gates, and no
# time before the id. Heads are found by key, though a generic plan for few rows would rather read all of them (`roots`).
_HEADS = f"""patience AS MATERIALIZED (SELECT set_config('lock_timeout', '{GATES_MS_MAX}', true)),
gate AS MATERIALIZED (SELECT h.*, {GATE.format("h.root_id")}
  FROM patience, json_to_recordset(%(heads)s::json) AS h(root_id uuid, n int, status text, structure int)),
begun AS MATERIALIZED (SELECT pg_current_xact_id() FROM (SELECT count(*) FROM gate) AS passed),
head AS (
  UPDATE roots r SET version = r.version + g.n, at = GREATEST(clock_timestamp(), r.at, (SELECT at FROM ledger_head))
  FROM begun, gate g WHERE r.root_id = ANY(%(roots)s::uuid[])
    AND r.root_id = g.root_id AND r.status = g.status AND r.structure = g.structure
  RETURNING r.root_id, r.version - g.n AS base, r.version, r.at)"""

_EVENTS = """logged AS (
  INSERT INTO events (originator_id, originator_version, root_id, root_version, kind, topic, schema_number, state, metadata, recorded_at)
  SELECT e.id, e.v, head.root_id, head.base + e.i, e.kind, e.topic, e.schema_number,
    convert_to(e.state, 'UTF8'), convert_to(e.metadata, 'UTF8'), head.at
  FROM head JOIN json_to_recordset(%(events)s::json)
    AS e(root_id uuid, i int, id uuid, v int, kind text, topic text, schema_number smallint, state text, metadata text) USING (root_id)
  ORDER BY e.i)"""

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def compose(shares: Sequence[Share], rows: Sequence[RowStatement], reading: Reading) -> Statement:
    """A statement that appends the shares, applies `rows`, which are sets, and answers by `reading`, whose parameters are each share's.

    It gives (place in `shares`, version of the root after it, time, columns of the reading) for each share whose guard held. Shares of one
    root have the same guard. LookupError where a table of the reading has not just one statement in `rows`.
    """
    heads: dict[UUID, dict[str, Any]] = {}
    for change, _, guard, _ in shares:  # the last one's place is how many there are
        heads[change.root_id] = {"root_id": change.root_id, "n": change.wide.place, "status": guard.status, "structure": guard.structure}
    events = [{"root_id": s.change.root_id, **event_values(s.change, msgspec.to_builtins(s.origin))} for s in shares]
    asked = [{"place": i, "root": s.change.root_id, "nth": s.change.wide.place, **s.asked} for i, s in enumerate(shares)]
    params: dict[str, Any] = {"roots": sorted(heads), "heads": encode([heads[root_id] for root_id in sorted(heads)])}
    params |= {"events": encode(events), "asked": encode(asked)}
    for i, row in enumerate(rows):
        params |= {f"row{i}_{name}": value for name, value in row.params.items()}
    return Statement(_text(tuple((row.table, row.sql) for row in rows), reading.sql, reading.tables), params, answered=True)


@lru_cache(TEXTS_MAX)
def _text(written: tuple[tuple[str, str], ...], reading: str, tables: tuple[str, ...]) -> str:
    overlay = overlay_of(tables, [table for table, _ in written])
    if not overlay:
        raise LookupError(f"Not each of the tables {tables} is written by one statement.")
    rows = (row_cte(i, sql, read=f"row{i}" in overlay.values()) for i, (_, sql) in enumerate(written))
    over = ", ".join(f"{table} AS (SELECT * FROM {row})" for table, row in overlay.items())
    fields = ", ".join(f"{name} {'uuid[]' if name == 'reach' else 'uuid'}" for name in dict.fromkeys(_PLACEHOLDER.findall(reading)))
    each = _PLACEHOLDER.sub(r"asked.\1", reading)
    parts = ",\n".join((_HEADS, _EVENTS, *rows))
    return f"""WITH {parts}
SELECT asked.place, head.base + asked.nth, head.at, answer.* FROM json_to_recordset(%(asked)s::json)
    AS asked(place int, root uuid, nth int, {fields}) JOIN head ON head.root_id = asked.root
  LEFT JOIN LATERAL (WITH {over} {each}) answer ON true"""
