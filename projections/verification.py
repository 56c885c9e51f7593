"""The live views against a fold of the whole log into a view set of its own, which is thrown away afterwards."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from domain.refusals import StateConflict
from infra import database, mapper
from infra.audit.findings import Findings
from infra.settings import Settings
from projections import chunks, comparison, shadow, view_sets, views

POLL_S = 0.2
UNREADABLE = (mapper.UnknownEvent, msgspec.MsgspecError, psycopg.DataError)  # stored bytes that are no event

Progress = Callable[[int, int], None]


async def verify(settings: Settings, findings: Findings, progress: Progress = lambda *_: None) -> None:
    """Names every table and column that differs, with a row as an example. Makes a schema, so it needs the owner's address."""
    name, live = f"{settings.schema}_verification", view_sets.live(settings)
    async with await database.owner(settings) as conn, _alone(conn, name):
        async with conn.transaction():
            await shadow.make_bare(conn, name)
            await chunks.plan(conn, name)
        try:
            await _build(conn, settings, name, progress)
        except UNREADABLE as error:
            findings.add(None, "undecodable", f"The log cannot be folded ({error}); `runledger audit check` names the events.")
            return
        async with conn.transaction():
            await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for each in await comparison.differences(conn, live, name):
                key, there, folded = each.example
                what = f"column {each.column} differs" if each.column else "whole rows are missing or extra"
                detail = f"{each.table}: {what} in {each.rows} rows; in row {key} it is {_short(there)}, the log says {_short(folded)}."
                findings.add(None, "view", detail)
            await _strangers(conn, live, findings)


@asynccontextmanager
async def _alone(conn: AsyncConnection[Any], name: str) -> AsyncIterator[None]:
    if not await database.try_lock(conn, name):
        raise StateConflict("Another full verification is running.")
    await view_sets.drop(conn, name)  # of one that was killed
    try:
        yield
    finally:
        if not conn.broken:
            await view_sets.drop(conn, name)


async def _build(conn: AsyncConnection[Any], settings: Settings, name: str, progress: Progress) -> None:
    building = asyncio.create_task(chunks.build(settings, name, os.getppid()))
    while not building.done():
        progress(*await chunks.progress(conn, name))
        await asyncio.wait([building], timeout=POLL_S)
    await building
    progress(*await chunks.progress(conn, name))


async def _strangers(conn: AsyncConnection[Any], live: str, findings: Findings) -> None:
    """Rows of records that the ledger does not know."""
    for table in views.TABLES:
        query = SQL("SELECT count(*), min({key}::text) FROM {table} v WHERE NOT EXISTS (SELECT FROM roots r WHERE r.root_id = v.{root})")
        names = {"key": Identifier(table.key), "table": Identifier(live, table.name), "root": Identifier(table.root)}
        row = await (await conn.execute(query.format(**names))).fetchone()
        if row and row[0]:
            findings.add(None, "view", f"{table.name}: {row[0]} rows belong to no record of the ledger, for example {row[1]}.")


def _short(value: str | None) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
