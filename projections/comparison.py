"""Where two view sets differ, row for row and column for column."""

from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier

from projections import views
from projections.tables import Table


class Difference(NamedTuple):
    """How two view sets differ in one column of one table; `column` is empty where whole rows are missing or extra.

    `example` is (key, value there now, value as rebuilt).
    """

    table: str
    column: str
    rows: int
    example: tuple[str, str | None, str | None]


async def differences(conn: AsyncConnection[Any], live: str, shadow: str) -> list[Difference]:
    """Row for row, of the roots whose version in the shadow is that of their head; run it in one snapshot."""
    found = []
    for table in views.TABLES:
        cursor = await conn.execute(_compare(live, shadow, table))
        found += [Difference(table.name, column, n, (key, old, new)) for column, n, key, old, new in await cursor.fetchall()]
    return found


def _compare(live: str, shadow: str, table: Table) -> Composed:
    """Rows are compared whole first; those that differ are taken apart. `json` has no equality, so its text is compared."""
    others = [c for c in table.columns if c != table.key]
    whole = {side: SQL(", ").join(_comparable(side, c, table) for c in others) for side in "ab"}
    pairs = SQL(", ").join(SQL("({name}, a.{c}::text, b.{c}::text)").format(name=c, c=Identifier(c)) for c in others)
    return SQL("""WITH settled AS (SELECT root_id FROM {shadow}.built JOIN roots r USING (root_id, version)),
      a AS (SELECT * FROM {live}.{table} WHERE {root} IN (SELECT root_id FROM settled)),
      b AS (SELECT * FROM {shadow}.{table} WHERE {root} IN (SELECT root_id FROM settled)),
      seen AS (SELECT coalesce(a.{key}, b.{key})::text AS key, d.* FROM a FULL JOIN b ON a.{key} = b.{key} CROSS JOIN LATERAL (
        SELECT '' AS name, 'row' AS old, NULL AS new WHERE b.{key} IS NULL UNION ALL
        SELECT '', NULL, 'row' WHERE a.{key} IS NULL UNION ALL
        SELECT v.* FROM (VALUES {pairs}) v(name, old, new)
          WHERE a.{key} IS NOT NULL AND b.{key} IS NOT NULL AND v.old IS DISTINCT FROM v.new) d
        WHERE a.{key} IS NULL OR b.{key} IS NULL OR ({left}) IS DISTINCT FROM ({right}))
      SELECT name, count(*), (array_agg(key ORDER BY key))[1], (array_agg(old ORDER BY key))[1], (array_agg(new ORDER BY key))[1]
      FROM seen GROUP BY name ORDER BY name""").format(
        shadow=Identifier(shadow),
        live=Identifier(live),
        table=Identifier(table.name),
        key=Identifier(table.key),
        root=Identifier(table.root),
        pairs=pairs,
        left=whole["a"],
        right=whole["b"],
    )


def _comparable(side: str, column: str, table: Table) -> Composed:
    name = Identifier(side, column)
    return SQL("{}::text").format(name) if table.type_of(column) == "json" else SQL("{}").format(name)
