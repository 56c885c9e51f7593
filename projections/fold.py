"""The fold: rows kept in memory by the same projectors that write them live. Rebuild, time travel and verification use it."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from domain.changes import Change
from domain.facts import EVOLVE, Kind
from infra import mapper
from infra.replay import Stored
from projections import views
from projections.rows import Rows
from projections.runs import STATUS_COLUMNS
from projections.steps import STEPS
from projections.tables import Table

Row = dict[str, Any]
_KINDS = {str(kind): kind for kind in Kind}


class _Held:
    """The rows of one table; `key` and `row` are the last one asked for, which is most often asked for again."""

    __slots__ = ("key", "row", "rows", "touched")

    def __init__(self) -> None:
        self.rows: dict[UUID, Row] = {}
        self.touched: dict[int, Row] = {}
        self.key: UUID | None = None
        self.row: Row = {}


class Fold:
    """States of streams and rows of views as they stand after the events applied so far.

    `versions` is the root version reached, by root. `moved` holds the roots, and `touched` by table the rows, that changed
    since `settle` was last called. `project` may leave out tables that are not asked for; None: all of them.
    """

    def __init__(self, project: Callable[[Change, Rows], None] | None = None) -> None:
        self._project = project or views.project
        self._held = {table.name: _Held() for table in views.TABLES}
        self.rows = {name: held.rows for name, held in self._held.items()}
        self.touched = {name: held.touched for name, held in self._held.items()}
        self.versions: dict[UUID, int] = {}
        self.moved: set[UUID] = set()
        self._streams: dict[UUID, tuple[UUID, Any]] = {}
        self._steps_of: dict[UUID, list[Row]] = {}

    def apply(self, events: Iterable[Stored]) -> None:
        """Takes events in order of root version, root by root or mixed; one that was taken before is passed over."""
        streams, project, root, reached = self._streams, self._project, UUID(int=0), 0
        for e in events:
            if e.root_id != root:
                self._reach(root, reached)
                root, reached = e.root_id, self.versions.get(e.root_id, 0)
            if e.wide <= reached:
                continue
            reached = e.wide
            kind, event = _KINDS[e.kind], mapper.decode(e.topic, e.schema_number, e.state)
            # The id object of the first event is kept for all: a look-up by the same object compares nothing.
            stream_id, before = streams.get(e.stream_id) or (e.stream_id, None)
            after = EVOLVE[kind](before, event)
            streams[stream_id] = stream_id, after
            project(Change(kind, stream_id, e.version, root, reached, e.at, e.actor_id, event, before, after), self)
        self._reach(root, reached)

    def _reach(self, root: UUID, version: int) -> None:
        if version > self.versions.get(root, 0):
            self.versions[root] = version
            self.moved.add(root)

    def settle(self) -> None:
        """Forgets what changed: it has been written."""
        self.moved.clear()
        for held in self._held.values():
            held.touched.clear()
            held.key = None

    def put(self, table: Table, key: UUID, /, **values: Any) -> None:
        held = self._held[table.name]
        values[table.key] = key
        held.rows[key] = held.touched[id(values)] = held.row = values
        held.key = key
        if table is STEPS:
            self._steps_of.setdefault(values["card_id"], []).append(values)

    def _row(self, table: Table, key: UUID) -> Row:
        """The row, noted as touched."""
        held = self._held[table.name]
        if held.key is not key:
            row = held.row = held.rows[key]
            held.touched[id(row)] = row
            held.key = key
        return held.row

    def set(self, table: Table, key: UUID, /, **values: Any) -> None:
        self._row(table, key).update(values)

    def add(self, table: Table, key: UUID, /, **deltas: int) -> None:
        row = self._row(table, key)
        for column, delta in deltas.items():
            row[column] += delta

    def include(self, table: Table, key: UUID, column: str, member: UUID, /) -> None:
        row = self._row(table, key)
        if member not in row[column]:
            row[column] = [*row[column], member]

    def shift(self, table: Table, key: UUID, card_id: UUID, sign: int, /) -> None:
        row = self._row(table, key)
        for step in self._steps_of.get(card_id, ()):
            if not step["deleted"]:
                row[STATUS_COLUMNS[step["status"]]] += sign
