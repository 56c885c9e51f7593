"""Rows as PostgreSQL's COPY text."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from projections.fold import Row
from projections.tables import Table

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class TextOf:
    """Ids repeat from row to row, so their text is kept."""

    def __init__(self) -> None:
        self._ids: dict[UUID, str] = {}

    def lines(self, table: Table, rows: Iterable[Row]) -> str:
        plan = [(column, self._writer(table.type_of(column))) for column in table.columns]
        made = ["\t".join(["\\N" if (v := row[column]) is None else write(v) for column, write in plan]) for row in rows]
        made.append("")
        return "\n".join(made)

    def _writer(self, kind: str) -> Callable[[Any], str]:
        match kind:
            case "uuid":
                return self._id
            case "text":
                return _text
            case "boolean":
                return _boolean
            case "timestamptz":
                return _stamp
            case "json":
                return _json
            case "uuid[]" | "text[]":
                return self._array
        return str

    def _id(self, value: UUID) -> str:
        found = self._ids.get(value)
        if found is None:
            found = self._ids[value] = str(value)
        return found

    def _array(self, values: Iterable[Any]) -> str:
        if not values:
            return "{}"
        quoted = ('"' + str(v).replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values)
        return ("{" + ",".join(quoted) + "}").translate(_ESCAPES)


def _text(value: str) -> str:
    return value.translate(_ESCAPES) if _SPECIAL.search(value) else value


def _boolean(value: bool) -> str:  # a column value
    return "t" if value else "f"


def _stamp(value: str | datetime) -> str:
    return value if isinstance(value, str) else value.isoformat()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode().translate(_ESCAPES)
