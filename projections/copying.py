"""Rows as PostgreSQL's COPY text."""

import re
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec

from projections.fold import Row
from projections.tables import Table

NULL = "\\N"
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class TextOf:
    """Works column by column, which costs half of row by row. Ids repeat from row to row, so their text is kept."""

    def __init__(self) -> None:
        self._ids: dict[UUID, str] = {}

    def lines(self, table: Table, rows: Sequence[Row]) -> str:
        """One line a row; there must be one at least."""
        columns = zip(*map(itemgetter(*table.columns), rows), strict=True)
        told = [self._column(table.type_of(name), values) for name, values in zip(table.columns, columns, strict=True)]
        return "\n".join([*map("\t".join, zip(*told, strict=True)), ""])

    def _column(self, kind: str, values: Iterable[Any]) -> list[str]:
        match kind:
            case "uuid":
                known = self._ids
                return [NULL if v is None else known.get(v) or self._learn(v) for v in values]
            case "text":
                return [NULL if v is None else v.translate(_ESCAPES) if _SPECIAL.search(v) else v for v in values]
            case "boolean":
                return ["t" if v else "f" for v in values]
            case "timestamptz":
                return [NULL if v is None else v if isinstance(v, str) else v.isoformat() for v in values]
            case "json":
                return [NULL if v is None else msgspec.json.encode(v).decode().translate(_ESCAPES) for v in values]
            case "uuid[]" | "text[]":
                return [NULL if v is None else _array(v) if v else "{}" for v in values]
        return [NULL if v is None else str(v) for v in values]

    def _learn(self, value: UUID) -> str:
        found = self._ids[value] = str(value)
        return found


def _array(values: Iterable[Any]) -> str:
    quoted = ("NULL" if v is None else '"' + str(v).replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values)
    return ("{" + ",".join(quoted) + "}").translate(_ESCAPES)
