"""Large ledgers quickly: events, heads, members and view rows made by the project's own folds and projectors, written with COPY."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice, repeat
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from domain.cards import CardAdded
from domain.changes import Change
from domain.events import Event, name_of
from domain.facts import EVOLVE, Kind
from domain.runs import RunCreated
from domain.steps import ExecutionStatus, StepAdded, StepOutcomeRecorded
from infra import mapper
from infra.append import Member, Origin
from infra.ids import uuid7
from projections import views
from projections.rows import Pending

BATCH_RUNS = 200
STATUSES = tuple(ExecutionStatus)[1:]
PLAIN = repeat(("Apply 13 V and watch", "Trips within 20 ms"))


class Size(NamedTuple):
    """How much to make; `outcomes` a step."""

    runs: int
    cards: int
    steps: int
    outcomes: int = 1


class Made(NamedTuple):
    """A run that was made, and where its steps are: (card, step)."""

    run_id: UUID
    steps: list[tuple[UUID, UUID]]


class _Run:
    """One run's history as it grows."""

    def __init__(self, number: int, actor_id: UUID, at: datetime) -> None:
        self.run_id, self.number, self.actor_id, self.at = uuid7(), number, actor_id, at
        self.states: dict[UUID, tuple[int, Any]] = {}
        self.changes: list[Change] = []
        self.members: list[Member] = []

    def record(self, kind: Kind, stream_id: UUID, event: Event) -> None:
        version, before = self.states.get(stream_id, (0, None))
        after = EVOLVE[kind](before, event)
        self.states[stream_id] = version + 1, after
        wide = len(self.changes) + 1
        self.changes.append(Change(kind, stream_id, version + 1, self.run_id, wide, self.at, self.actor_id, event, before, after))


def make(
    url: str, schema: str, size: Size, systems: Sequence[UUID], actor_id: UUID, texts: Iterator[tuple[str, str]] = PLAIN
) -> list[Made]:
    """Adds runs spread over `systems`; every step has `size.outcomes` outcomes. `texts`: of each run, card and step, a title and more.

    Their times lie between the last event that there is and now: the order of the ledger is that of its times.
    """
    made: list[Made] = []
    with psycopg.connect(url, autocommit=True, options=f"-c search_path={schema}_views,{schema},public -c timezone=UTC") as conn:
        taken = conn.execute("UPDATE counters SET value = value + %s WHERE name = 'test_run' RETURNING value", (size.runs,)).fetchone()
        first = int((taken or (0,))[0]) - size.runs + 1
        last = (conn.execute("SELECT max(recorded_at) FROM events").fetchone() or (None,))[0]
        apart = (datetime.now(UTC) - last) / (size.runs + 1)
        times = ((n, last + (n - first + 1) * apart) for n in range(first, first + size.runs))
        runs = (_history(number, systems[number % len(systems)], size, actor_id, at, texts) for number, at in times)
        while batch := list(islice(runs, BATCH_RUNS)):
            with conn.transaction():
                _write(conn, batch)
            made += [Made(r.run_id, [(m.parent_id, m.stream_id) for m in r.members if m.kind is Kind.STEP]) for r in batch]
        conn.execute("VACUUM (ANALYZE)")
    return made


def _history(number: int, system_id: UUID, size: Size, actor_id: UUID, at: datetime, texts: Iterator[tuple[str, str]]) -> _Run:
    run = _Run(number, actor_id, at)
    title, description = next(texts)
    run.record(Kind.RUN, run.run_id, RunCreated(number=number, title=title, description=description, system_id=system_id))
    for position in range(1, size.cards + 1):
        card_id = uuid7()
        title, description = next(texts)
        run.record(Kind.CARD, card_id, CardAdded(title=title, description=description, order=position))
        run.members.append(Member(card_id, run.run_id, Kind.CARD, position, live=True))
        for order in range(1, size.steps + 1):
            step_id = uuid7()
            title, description = next(texts)
            added = StepAdded(card_id=card_id, title=title, description=description, step_type="passfail", order=order)
            run.record(Kind.STEP, step_id, added)
            run.members.append(Member(step_id, card_id, Kind.STEP, order, live=True))
    steps = [m.stream_id for m in run.members if m.kind is Kind.STEP]
    for n in range(size.outcomes * len(steps)):
        run.record(Kind.STEP, steps[n % len(steps)], StepOutcomeRecorded(status=STATUSES[(n * 7 + number) % len(STATUSES)]))
    return run


def _write(conn: psycopg.Connection[Any], runs: Sequence[_Run]) -> None:
    heads = ((r.run_id, "run", r.number, r.changes[0].after.system_id, "open", len(r.changes), r.changes[-1].at) for r in runs)
    _copy(conn, "roots", ("root_id", "kind", "number", "system_id", "status", "version", "at"), heads)
    members = ((m.stream_id, r.run_id, m.parent_id, m.kind.value, m.position, m.live) for r in runs for m in r.members)
    _copy(conn, "members", ("stream_id", "root_id", "parent_id", "kind", "position", "live"), members)
    columns = ("originator_id", "originator_version", "root_id", "root_version", "kind", "topic", "schema_number", "state", "metadata")
    _copy(conn, "events", (*columns, "recorded_at"), (row for r in runs for row in _events(r)))
    tables: dict[str, list[dict[str, Any]]] = {}
    for change in _rows(runs).changes.values():
        if not change.put:
            raise ValueError(f"a change to a row of {change.table.name} that this batch did not make")
        tables.setdefault(change.table.name, []).append(change.values)
    for table, rows in tables.items():
        _copy(conn, table, tuple(rows[0]), ([list(v) if isinstance(v, tuple) else v for v in row.values()] for row in rows))


def _rows(runs: Sequence[_Run]) -> Pending:
    rows = Pending()
    for run in runs:
        for change in run.changes:
            views.project(change, rows)
    return rows


def _events(run: _Run) -> Iterator[tuple[Any, ...]]:
    origin = msgspec.to_builtins(Origin(command_id=uuid7(), actor_id=run.actor_id, surface="bench"))
    for c in run.changes:
        metadata = msgspec.json.encode({"event_id": uuid7(), **origin})
        number, state = mapper.number_of(c.event), mapper.encode(c.event)
        yield c.stream_id, c.version, c.root_id, c.wide, c.kind.value, name_of(c.event), number, state, metadata, c.at


def _copy(conn: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: Iterator[Any] | Any) -> None:
    with conn.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
