"""The fold: rows kept in memory by the same projectors that write them live. Rebuild, time travel and verification use it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from domain.changes import Change
from domain.facts import EVOLVE, Kind
from infra import mapper
from infra.replay import Stored
from projections import views
from projections.runs import STATUS_COLUMNS
from projections.steps import STEPS
from projections.tables import Table

Row = dict[str, Any]
_KINDS = {str(kind): kind for kind in Kind}


class Fold:
    """States of streams and rows of views as they stand after the events applied so far.

    `versions` is the root version reached, by root. `moved` holds the roots, and `touched` by table the rows, that changed
    since `settle` was last called.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[UUID, Row]] = {table.name: {} for table in views.TABLES}
        self.touched: dict[str, dict[int, Row]] = {table.name: {} for table in views.TABLES}
        self.versions: dict[UUID, int] = {}
        self.moved: set[UUID] = set()
        self._streams: dict[UUID, tuple[UUID, Any]] = {}
        self._steps_of: dict[UUID, list[Row]] = {}

    def apply(self, events: Iterable[Stored]) -> None:
        """Takes events in order of root version, root by root or mixed; one that was taken before is passed over."""
        streams, root, reached = self._streams, UUID(int=0), 0
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
            change = Change(kind, stream_id, e.version, root, reached, e.at, e.asked.actor_id, event, before, after)
            views.project(change, self)
        self._reach(root, reached)

    def _reach(self, root: UUID, version: int) -> None:
        if version > self.versions.get(root, 0):
            self.versions[root] = version
            self.moved.add(root)

    def settle(self) -> None:
        """Forgets what changed: it has been written."""
        self.moved.clear()
        for rows in self.touched.values():
            rows.clear()

    def put(self, table: Table, key: UUID, /, **values: Any) -> None:
        values[table.key] = key
        self.rows[table.name][key] = self.touched[table.name][id(values)] = values
        if table is STEPS:
            self._steps_of.setdefault(values["card_id"], []).append(values)

    def set(self, table: Table, key: UUID, /, **values: Any) -> None:
        row = self.rows[table.name][key]
        row.update(values)
        self.touched[table.name][id(row)] = row

    def add(self, table: Table, key: UUID, /, **deltas: int) -> None:
        row = self.rows[table.name][key]
        for column, delta in deltas.items():
            row[column] += delta
        self.touched[table.name][id(row)] = row

    def include(self, table: Table, key: UUID, column: str, member: UUID, /) -> None:
        row = self.rows[table.name][key]
        if member not in row[column]:
            row[column] = [*row[column], member]
            self.touched[table.name][id(row)] = row

    def shift(self, table: Table, key: UUID, card_id: UUID, sign: int, /) -> None:
        row = self.rows[table.name][key]
        for step in self._steps_of.get(card_id, ()):
            if not step["deleted"]:
                row[STATUS_COLUMNS[step["status"]]] += sign
        self.touched[table.name][id(row)] = row
