"""A view set beside the live one: made empty, loaded in bulk from folds, kept up row by row."""

from collections.abc import Iterable
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier

from projections import views
from projections.copying import TextOf
from projections.fold import Fold
from projections.tables import Table


async def make_bare(conn: AsyncConnection[Any], schema: str) -> None:
    """Tables without keys and indexes; `index` adds them after the load. `built` tells the root versions reached."""
    await conn.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    await _each(conn, schema, [*views.FUNCTIONS, *(table.bare() for table in views.TABLES)])
    await provide_built(conn, schema)


async def provide_built(conn: AsyncConnection[Any], schema: str) -> None:
    await _each(conn, schema, ["CREATE TABLE IF NOT EXISTS built (root_id uuid PRIMARY KEY, version integer NOT NULL)"])


async def index(conn: AsyncConnection[Any], schema: str, table: Table) -> None:
    """Adds key and indexes, if a rebuild that was killed has not added them."""
    sql = "SELECT 1 FROM pg_index WHERE indrelid = %s::regclass AND indisprimary"
    if await (await conn.execute(sql, (f"{schema}.{table.name}",))).fetchone() is None:
        await _each(conn, schema, [*table.keys(), f"ANALYZE {table.name}"])


async def load(conn: AsyncConnection[Any], schema: str, fold: Fold) -> None:
    """Copies every row of a fold, and the root versions it stands for, into a bare view set."""
    text = TextOf()
    for table in views.TABLES:
        if rows := fold.rows[table.name]:
            await _copy(conn, _into(schema, table.name, table.columns), text.lines(table, list(rows.values())))
    built = "".join(f"{root}\t{version}\n" for root, version in fold.versions.items())
    await _copy(conn, _into(schema, "built", ("root_id", "version")), built)


async def _copy(conn: AsyncConnection[Any], into: Composed, text: str) -> None:
    async with conn.cursor().copy(into) as copy:
        await copy.write(text.encode())


def _into(schema: str, table: str, columns: Iterable[str]) -> Composed:
    names = SQL(", ").join(map(Identifier, columns))
    return SQL("COPY {} ({}) FROM STDIN").format(Identifier(schema, table), names)


async def _each(conn: AsyncConnection[Any], schema: str, statements: Iterable[str]) -> None:
    async with conn.transaction():
        before = await (await conn.execute("SHOW search_path")).fetchone()
        await conn.execute(SQL("SET LOCAL search_path = {}, public").format(Identifier(schema)))
        for statement in statements:
            await conn.execute(statement)
        await conn.execute("SELECT set_config('search_path', %s, true)", before)


async def keep_up(conn: AsyncConnection[Any], schema: str, fold: Fold) -> None:
    """Writes the rows touched since the last time, by key."""
    for table in views.TABLES:
        if rows := list(fold.touched[table.name].values()):
            await conn.execute(_upsert(schema, table.name, table.key, table.columns), {"rows": msgspec.json.encode(rows).decode()})
    roots = [{"root_id": root, "version": fold.versions[root]} for root in fold.moved]
    await conn.execute(_upsert(schema, "built", "root_id", ("root_id", "version")), {"rows": msgspec.json.encode(roots).decode()})
    fold.settle()


def _upsert(schema: str, table: str, key: str, names: Iterable[str]) -> Composed:
    sets = SQL(", ").join(SQL("{0} = EXCLUDED.{0}").format(Identifier(c)) for c in names)
    columns = SQL(", ").join(map(Identifier, names))
    return SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %(rows)s)"
        " ON CONFLICT ({key}) DO UPDATE SET {sets}"
    ).format(table=Identifier(schema, table), columns=columns, key=Identifier(key), sets=sets)
