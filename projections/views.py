"""All views together: the tables written out, and which projector hears which kind of stream."""

import hashlib
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from domain.changes import Change
from domain.facts import Kind
from infra.append import RowStatement
from projections import cards, catalogue, inline, observations, runs, steps, tokens
from projections.rows import Pending, Rows

TABLES = (
    runs.RUNS,
    cards.CARDS,
    steps.STEPS,
    observations.OBSERVATIONS,
    catalogue.SYSTEMS,
    catalogue.ASSETS,
    catalogue.ISSUES,
    catalogue.CARD_TEMPLATES,
    tokens.TOKENS,
)


def project_inline(changes: Sequence[Change]) -> list[RowStatement]:
    """The row statements that go into the append of these changes."""
    rows = Pending()
    for change in changes:
        project(change, rows)
    return inline.statements(rows)


def project(change: Change, rows: Rows) -> None:
    """What one recorded event does to the rows, whoever keeps them."""
    match change.kind:
        case Kind.RUN:
            runs.project(change, rows)
            cards.reorder(change, rows)
            return
        case Kind.CARD:
            cards.project(change, rows)
            steps.reorder(change, rows)
        case Kind.STEP:
            steps.project(change, rows)
        case Kind.OBSERVATION:
            observations.project(change, rows)
        case Kind.SYSTEM | Kind.ASSET | Kind.ISSUE | Kind.CARD_TEMPLATE:
            catalogue.project(change, rows)
            return
        case Kind.TOKEN:
            tokens.project(change, rows)
            return
    runs.touch(change, rows)


FUNCTIONS = (
    """CREATE FUNCTION stamp(moment timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')""",
)


def ddl() -> list[str]:
    return [*FUNCTIONS, *(statement for table in TABLES for statement in table.ddl())]


def fingerprint() -> str:
    """Changes when a view's tables change: then the views want a rebuild."""
    return hashlib.sha256("\n".join(ddl()).encode()).hexdigest()[:16]


async def create(conn: AsyncConnection[Any], schema: str, reader: str) -> None:
    """Makes an empty view set in a new schema and lets the role `reader` use it."""
    await conn.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    await conn.execute(SQL("SET LOCAL search_path = {}").format(Identifier(schema)))
    for statement in ddl():
        await conn.execute(statement)
    names = {"schema": Identifier(schema), "role": Identifier(reader)}
    await conn.execute(SQL("GRANT USAGE ON SCHEMA {schema} TO {role}").format(**names))
    await conn.execute(SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}").format(**names))
