"""Row changes as SQL under the append: one statement a table and shape, whatever the number of rows."""

from collections.abc import Iterable
from typing import Any

import msgspec

from infra.append import RowStatement
from infra.markers import At, Wide
from projections.rows import Pending, RowChange
from projections.runs import STATUS_COLUMNS

_COUNTS = ", ".join(f"count(*) FILTER (WHERE s.status = '{s}') AS {c}" for s, c in STATUS_COLUMNS.items())

Shape = tuple[Any, ...]


def statements(rows: Pending) -> list[RowStatement]:
    """Statements over `head`; each row is in exactly one of them, as PostgreSQL asks of one command."""
    groups: dict[Shape, list[RowChange]] = {}
    for change in rows.changes.values():
        groups.setdefault(_shape(change), []).append(change)
    return [_insert(group) if group[0].put else _update(group) for group in groups.values()]


def _shape(change: RowChange) -> Shape:
    modes = tuple((column, _mode(value)) for column, value in change.values.items())
    return change.table.name, change.put, modes, tuple(change.deltas), tuple(change.members), change.children is not None


def _mode(value: object) -> str:
    return "at" if isinstance(value, At) else "wide" if isinstance(value, Wide) else "value"


def _insert(group: list[RowChange]) -> RowStatement:
    first, table = group[0], group[0].table
    columns = ", ".join(first.values)
    given = ", ".join(_expression(column, value) for column, value in first.values.items())
    fields = ", ".join(f"{c} {_transfer(table.type_of(c), v)}" for c, v in first.values.items() if not isinstance(v, At))
    sql = f"INSERT INTO {table.name} ({columns}) SELECT {given} FROM head, json_to_recordset({{rows}}::json) AS r({fields})"
    return RowStatement(sql, _json(change.values for change in group))


def _update(group: list[RowChange]) -> RowStatement:
    first, table = group[0], group[0].table
    sets = [f"{c} = {_expression(c, v)}" for c, v in first.values.items()]
    fields = [f"{table.key} uuid"] + [f"{c} {_transfer(table.type_of(c), v)}" for c, v in first.values.items() if not isinstance(v, At)]
    children = dict.fromkeys(STATUS_COLUMNS.values()) if first.children else {}
    for column in {**dict.fromkeys(first.deltas), **children}:
        terms = f"t.{column}" + (f" + r.add_{column}" if column in first.deltas else "")
        sets.append(f"{column} = {terms}" + (f" + r.sign * c.{column}" if column in children else ""))
    fields += [f"add_{c} int" for c in first.deltas] + [f"member_{c} uuid" for c in first.members]
    sets += [f"{c} = CASE WHEN r.member_{c} = ANY(t.{c}) THEN t.{c} ELSE t.{c} || r.member_{c} END" for c in first.members]
    source = "head, json_to_recordset({rows}::json) AS r(" + ", ".join(fields)
    source += ", card uuid, sign int)" if first.children else ")"
    if first.children:
        source += f" CROSS JOIN LATERAL (SELECT {_COUNTS} FROM steps s WHERE s.card_id = r.card AND NOT s.deleted) c"
    sql = f"UPDATE {table.name} t SET {', '.join(sets)} FROM {source} WHERE t.{table.key} = r.{table.key}"
    return RowStatement(sql, _json(map(_flat, group)))


def _flat(change: RowChange) -> dict[str, Any]:
    row: dict[str, Any] = {change.table.key: change.key, **change.values}
    row |= {f"add_{c}": d for c, d in change.deltas.items()}
    row |= {f"member_{c}": m for c, m in change.members.items()}
    if change.children:
        row |= {"card": change.children[0], "sign": change.children[1]}
    return row


def _expression(column: str, value: object) -> str:
    return {"at": "head.at", "wide": f"head.base + r.{column}", "value": f"r.{column}"}[_mode(value)]


def _transfer(kind: str, value: object) -> str:
    return "int" if isinstance(value, Wide) else kind


def _json(rows: Iterable[dict[str, Any]]) -> str:
    plain = [{c: v.place if isinstance(v, Wide) else v for c, v in row.items() if not isinstance(v, At)} for row in rows]
    return msgspec.json.encode(plain).decode()
