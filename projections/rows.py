"""Row changes: what projectors write to, folded so that each row is touched once."""

from typing import Any, Protocol
from uuid import UUID

import msgspec

from projections.tables import Table


class RowChange(msgspec.Struct, kw_only=True):
    """One row of one table: `put` a new row, or `values` to set, `deltas` to add and `members` to append if absent.

    `root_id` is the root of the change that it comes from. `children` are cards whose live steps leave (-1) or rejoin (+1) the
    counters of a run row.
    """

    table: Table
    key: UUID
    root_id: UUID | None = None
    put: bool = False
    values: dict[str, Any] = {}
    deltas: dict[str, int] = {}
    members: dict[str, list[UUID]] = {}
    children: tuple[UUID, int] | None = None


class Rows(Protocol):
    """What a projector writes to: the pending changes of an append, or the rows of a fold."""

    def put(self, table: Table, key: UUID, /, **values: Any) -> None:
        """A new row; every column must be given."""

    def set(self, table: Table, key: UUID, /, **values: Any) -> None:
        """Columns of a row that is there."""

    def add(self, table: Table, key: UUID, /, **deltas: int) -> None:
        """Adds to counter columns."""

    def include(self, table: Table, key: UUID, column: str, member: UUID, /) -> None:
        """Appends `member` to an array column unless it is in it."""

    def shift(self, table: Table, key: UUID, card_id: UUID, sign: int, /) -> None:
        """Adds the live steps of a card to the counters of a run, or takes them off."""


class Pending:
    """Collects the changes of one append, so that each row is touched once. `root_id` is that of the event that is projected."""

    def __init__(self) -> None:
        self.root_id: UUID | None = None
        self.changes: dict[tuple[str, UUID], RowChange] = {}

    def put(self, table: Table, key: UUID, /, **values: Any) -> None:
        self.changes[table.name, key] = RowChange(table=table, key=key, root_id=self.root_id, put=True, values={table.key: key, **values})

    def set(self, table: Table, key: UUID, /, **values: Any) -> None:
        self._change(table, key).values.update(values)

    def add(self, table: Table, key: UUID, /, **deltas: int) -> None:
        change = self._change(table, key)
        target = change.values if change.put else change.deltas
        for column, delta in deltas.items():
            target[column] = target.get(column, 0) + delta

    def include(self, table: Table, key: UUID, column: str, member: UUID, /) -> None:
        change = self._change(table, key)
        if not change.put:
            change.members[column] = list(dict.fromkeys((*change.members.get(column, ()), member)))
        elif member not in change.values[column]:
            change.values[column] = [*change.values[column], member]

    def shift(self, table: Table, key: UUID, card_id: UUID, sign: int, /) -> None:
        self._change(table, key).children = (card_id, sign)

    def _change(self, table: Table, key: UUID) -> RowChange:
        found = self.changes.get((table.name, key))
        if found is None:
            found = self.changes[table.name, key] = RowChange(table=table, key=key, root_id=self.root_id, values={}, deltas={}, members={})
        return found
