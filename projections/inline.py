"""Row changes as SQL under the append: one statement a table and shape, whatever the number of rows."""

from enum import StrEnum
from typing import Any

import msgspec

from infra.append import RowStatement
from infra.markers import At, Wide
from projections.rows import Pending, RowChange
from projections.runs import RUNS, STATUS_COLUMNS

_COUNTS = ", ".join(f"count(*) FILTER (WHERE s.status = '{s}') AS {c}" for s, c in STATUS_COLUMNS.items())

_ABSENT = "ARRAY(SELECT m FROM unnest({0}) WITH ORDINALITY AS u(m, n) WHERE m <> ALL (t.{1}) ORDER BY n)"

Shape = tuple[Any, ...]

_texts: dict[Shape, str] = {}  # by shape and whether it is one row; there are as many as projectors know to write


def statements(rows: Pending, *, together: bool = False) -> list[RowStatement]:
    """Statements over `head`; each row is in exactly one of them, as PostgreSQL asks of one command.

    One row travels as parameters, which plans as a look-up by key; more travel as one JSON set. What several commands write
    `together` is always a set, each row under the head of its own root, and has few texts: every counter of outcomes is added to.
    """
    groups: dict[Shape, list[RowChange]] = {}
    for change in rows.changes.values():
        if together and change.table is RUNS and not change.put:
            change.deltas = dict.fromkeys(STATUS_COLUMNS.values(), 0) | change.deltas
        groups.setdefault(_shape(change), []).append(change)
    return [_statement(shape, group, one=len(group) == 1 and not together) for shape, group in groups.items()]


def _shape(change: RowChange) -> Shape:
    modes = tuple((column, _mode(value)) for column, value in change.values.items())
    return change.table.name, change.put, modes, tuple(change.deltas), tuple(change.members), change.children is not None


def _mode(value: object) -> str:
    return "at" if isinstance(value, At) else "wide" if isinstance(value, Wide) else "value"


def _statement(shape: Shape, group: list[RowChange], *, one: bool) -> RowStatement:
    first = group[0]
    sql = _texts.get((one, shape))
    if sql is None:
        sql = _texts[one, shape] = (_insert if first.put else _update)(first, one=one)
    if one:
        fields = _fields(first)
        return RowStatement(first.table.name, sql, {name: _parameter(fields[name], value) for name, value in _flat(first).items()})
    return RowStatement(
        first.table.name, sql, {"rows": msgspec.json.encode([{"root_id": change.root_id, **_flat(change)} for change in group]).decode()}
    )


def _insert(first: RowChange, *, one: bool) -> str:
    references = _references(first, one=one)
    given = ", ".join(_expression(value, references.get(column, "")) for column, value in first.values.items())
    return f"INSERT INTO {first.table.name} AS t ({', '.join(first.values)}) SELECT {given} FROM {_source(first, one=one)}"


def _update(first: RowChange, *, one: bool) -> str:
    table, r = first.table, _references(first, one=one)
    sets = [f"{column} = {_expression(value, r.get(column, ''))}" for column, value in first.values.items()]
    children = dict.fromkeys(STATUS_COLUMNS.values()) if first.children else {}
    for c in {**dict.fromkeys(first.deltas), **children}:
        terms = f"t.{c}" + (f" + {r[f'add_{c}']}" if c in first.deltas else "")
        sets.append(f"{c} = {terms}" + (f" + {r['sign']} * c.{c}" if c in children else ""))
    for c in first.members:
        member = r[f"member_{c}"]
        sets.append(f"{c} = CASE WHEN {member} <@ t.{c} THEN t.{c} ELSE t.{c} || {_ABSENT.format(member, c)} END")
    source = _source(first, one=one)
    if first.children:
        source += f" CROSS JOIN LATERAL (SELECT {_COUNTS} FROM steps s WHERE s.card_id = {r['card']} AND NOT s.deleted) c"
    return f"UPDATE {table.name} t SET {', '.join(sets)} FROM {source} WHERE t.{table.key} = {r[table.key]}"


def _source(first: RowChange, *, one: bool) -> str:
    fields = ", ".join(f"{name} {kind}" for name, kind in _fields(first).items())
    return "head" if one else f"head JOIN json_to_recordset(%({{p}}rows)s::json) AS r(root_id uuid, {fields}) USING (root_id)"


def _references(first: RowChange, *, one: bool) -> dict[str, str]:
    """How the text names each value that travels."""
    return {name: f"%({{p}}{name})s::{kind}" if one else f"r.{name}" for name, kind in _fields(first).items()}


def _fields(change: RowChange) -> dict[str, str]:
    """The SQL type of each value that travels; times do not."""
    table, values = change.table, change.values
    fields = {table.key: "uuid"} | {
        c: "int" if isinstance(v, Wide) else table.type_of(c) for c, v in values.items() if not isinstance(v, At)
    }
    fields |= {f"add_{c}": "int" for c in change.deltas} | {f"member_{c}": "uuid[]" for c in change.members}
    return fields | ({"card": "uuid", "sign": "int"} if change.children else {})


def _flat(change: RowChange) -> dict[str, Any]:
    row = {c: v.place if isinstance(v, Wide) else v for c, v in change.values.items() if not isinstance(v, At)}
    row[change.table.key] = change.key
    row |= {f"add_{c}": d for c, d in change.deltas.items()} | {f"member_{c}": m for c, m in change.members.items()}
    return row | ({"card": change.children[0], "sign": change.children[1]} if change.children else {})


def _expression(value: object, reference: str) -> str:
    return {"at": "head.at", "wide": f"head.base + {reference}", "value": reference}[_mode(value)]


def _parameter(kind: str, value: Any) -> Any:
    if kind == "json" and value is not None:  # a NULL, as every other way of writing the row makes of it
        return msgspec.json.encode(value).decode()
    if isinstance(value, StrEnum):
        return value.value  # psycopg looks for the dumper of an own class anew in each cursor
    return list(value) if isinstance(value, (tuple, frozenset, set)) else value
