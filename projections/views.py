"""All views together: the tables written out, and which projector hears which kind of stream."""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from domain.changes import Change
from domain.facts import Kind
from infra.append import RowStatement
from projections import cards, catalogue, data_files, inline, observations, reports, runs, search_documents, steps, tokens
from projections.rows import Pending, Rows

logger = logging.getLogger("runledger.views")

TABLES = (
    runs.RUNS,
    cards.CARDS,
    steps.STEPS,
    observations.OBSERVATIONS,
    data_files.FILES,
    reports.REPORTS,
    search_documents.SEARCH_DOCUMENTS,
    catalogue.SYSTEMS,
    catalogue.ASSETS,
    catalogue.ISSUES,
    catalogue.CARD_TEMPLATES,
    tokens.TOKENS,
)


def project_inline(changes: Sequence[Change], *, together: bool = False) -> list[RowStatement]:
    """The row statements that go into the append of these changes; `together` are those of several commands."""
    rows = Pending()
    for change in changes:
        rows.root_id = change.root_id
        project(change, rows)
    return inline.statements(rows, together=together)


def project(change: Change, rows: Rows) -> None:
    """What one recorded event does to the rows, whoever keeps them."""
    search_documents.project(change, rows)
    project_shown(change, rows)


def project_shown(change: Change, rows: Rows) -> None:
    """The same without the rows that are only searched."""
    match change.kind:
        case Kind.STEP:
            steps.project(change, rows)
        case Kind.CARD:
            cards.project(change, rows)
            steps.reorder(change, rows)
        case Kind.OBSERVATION:
            observations.project(change, rows)
        case Kind.FILE:
            data_files.project(change, rows)
        case Kind.REPORT:
            reports.project(change, rows)
        case Kind.RUN:
            runs.project(change, rows)
            cards.reorder(change, rows)
            return
        case Kind.SYSTEM | Kind.ASSET | Kind.ISSUE | Kind.CARD_TEMPLATE:
            catalogue.project(change, rows)
            return
        case Kind.TOKEN:
            tokens.project(change, rows)
            return
    runs.touch(change, rows)


# Stable, as to_char is: only then PostgreSQL puts the body in place of the call, which takes a quarter of the time.
FUNCTIONS = (
    """CREATE OR REPLACE FUNCTION stamp(moment timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')""",
    *search_documents.FUNCTIONS,
)


VERSION = 1  # raise it when a projector changes what it writes: tests/projections/test_fingerprint.py tells


def ddl() -> list[str]:
    return [*FUNCTIONS, *(statement for table in TABLES for statement in table.ddl())]


def fingerprint() -> str:
    """Of the definitions of this release; views built from others want a rebuild."""
    return hashlib.sha256("\n".join([str(VERSION), *ddl()]).encode()).hexdigest()[:16]


async def create(conn: AsyncConnection[Any], schema: str, reader: str) -> None:
    """Makes an empty view set in a new schema; one of another release is bridged instead. Lets the role `reader` use it."""
    if await (await conn.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,))).fetchone() is None:
        await note_built(conn)
        await conn.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        await conn.execute(SQL("SET LOCAL search_path = {}, public").format(Identifier(schema)))
        for statement in ddl():
            await conn.execute(statement)
    elif not await are_current(conn):
        logger.warning("The views were built from other definitions than this release's. They serve; run `runledger rebuild`.")
        await conn.execute(SQL("SET LOCAL search_path = {}, public").format(Identifier(schema)))
        await _bridge(conn, schema)
    await grant(conn, schema, reader)


async def grant(conn: AsyncConnection[Any], schema: str, reader: str) -> None:
    names = {"schema": Identifier(schema), "role": Identifier(reader)}
    await conn.execute(SQL("GRANT USAGE ON SCHEMA {schema} TO {role}").format(**names))
    await conn.execute(SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}").format(**names))


async def are_current(conn: AsyncConnection[Any]) -> bool:
    """Whether the live views were built from this release's definitions."""
    return await (await conn.execute("SELECT fingerprint FROM view_set")).fetchone() == (fingerprint(),)


async def note_built(conn: AsyncConnection[Any]) -> None:
    """Notes that the live views are built from this release's definitions."""
    await conn.execute(
        "INSERT INTO view_set (fingerprint) VALUES (%s)"
        " ON CONFLICT (one) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, built_at = clock_timestamp()",
        (fingerprint(),),
    )


async def _bridge(conn: AsyncConnection[Any], schema: str) -> None:
    """Lets this release read and write views of another: what is missing comes empty, what is unknown may stay empty.

    What it adds holds no past until a rebuild; what is there goes on serving.
    """
    sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
    present: dict[str, set[str]] = {}
    for name, column in await (await conn.execute(sql, (schema,))).fetchall():
        present.setdefault(name, set()).add(column)
    for statement in [*FUNCTIONS, *(s for table in TABLES for s in table.bridge(present.get(table.name)))]:
        await conn.execute(statement)
