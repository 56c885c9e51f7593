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

    `touched` holds, by table, the keys of rows that changed since `settle` was last called. `versions` is the root
    version reached, by root.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[UUID, Row]] = {table.name: {} for table in views.TABLES}
        self.touched: dict[str, set[UUID]] = {table.name: set() for table in views.TABLES}
        self.versions: dict[UUID, int] = {}
        self._states: dict[UUID, Any] = {}
        self._steps_of: dict[UUID, list[Row]] = {}

    def apply(self, events: Iterable[Stored]) -> None:
        """Takes events root by root in order of root version; one that was taken before is passed over."""
        states, versions = self._states, self.versions
        for e in events:
            if e.wide <= versions.get(e.root_id, 0):
                continue
            kind, event = _KINDS[e.kind], mapper.decode(e.topic, e.schema_number, e.state)
            before = states.get(e.stream_id)
            after = states[e.stream_id] = EVOLVE[kind](before, event)
            versions[e.root_id] = e.wide
            views.project(Change(kind, e.stream_id, e.version, e.root_id, e.wide, e.at, e.asked.actor_id, event, before, after), self)

    def settle(self) -> None:
        """Forgets which rows were touched: they have been written."""
        for keys in self.touched.values():
            keys.clear()

    def clear(self) -> None:
        """Forgets everything: the roots so far are done."""
        self.__init__()  # type: ignore[misc]  # the one way that cannot miss a member

    def put(self, table: Table, key: UUID, /, **values: Any) -> None:
        row = {table.key: key, **values}
        self.rows[table.name][key] = row
        self.touched[table.name].add(key)
        if table is STEPS:
            self._steps_of.setdefault(values["card_id"], []).append(row)

    def set(self, table: Table, key: UUID, /, **values: Any) -> None:
        self.rows[table.name][key].update(values)
        self.touched[table.name].add(key)

    def add(self, table: Table, key: UUID, /, **deltas: int) -> None:
        row = self.rows[table.name][key]
        for column, delta in deltas.items():
            row[column] += delta
        self.touched[table.name].add(key)

    def include(self, table: Table, key: UUID, column: str, member: UUID, /) -> None:
        row = self.rows[table.name][key]
        if member not in row[column]:
            row[column] = [*row[column], member]
            self.touched[table.name].add(key)

    def shift(self, table: Table, key: UUID, card_id: UUID, sign: int, /) -> None:
        row = self.rows[table.name][key]
        for step in self._steps_of.get(card_id, ()):
            if not step["deleted"]:
                row[STATUS_COLUMNS[step["status"]]] += sign
        self.touched[table.name].add(key)
