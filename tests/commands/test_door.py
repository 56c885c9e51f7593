"""The door tries again only where that can help."""

import ast
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.asking import HOST, Ask
from commands.door import Door
from commands.work import Query, Target, Work
from domain.changes import Change
from domain.facts import Kind
from domain.refusals import Unavailable
from domain.systems import SystemCreated, SystemEdited
from domain.tokens import Role
from infra import database
from infra.append import NewRoot, RowStatement
from infra.settings import Settings
from projections import views
from tests.house import parsed

ASK = Ask(actor=HOST)
Pool = AsyncConnectionPool[AsyncConnection[Any]]


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    await database.migrate(settings, views.create)
    async with database.pool(settings) as opened:
        yield opened


class Creating:
    """Decides that a system is created, and counts how often it was asked."""

    def __init__(self, answer: Query) -> None:
        self.answer, self.asked = answer, 0

    async def __call__(self, work: Work) -> Query:
        self.asked += 1
        system = work.new_id()
        work.begin_root(system, NewRoot(Kind.SYSTEM, None, system))
        work.record(Kind.SYSTEM, system, [SystemCreated(system_name="Pump", description="")])
        return self.answer


def nothing(_: Sequence[Change]) -> list[RowStatement]:
    return []


def wrong_table(_: Sequence[Change]) -> list[RowStatement]:
    return [
        RowStatement("nowhere", "INSERT INTO nowhere SELECT 1 FROM head, json_to_recordset(%({p}rows)s::json) AS r(a int)", {"rows": "[]"})
    ]


async def count_events(pool: Pool) -> int:
    async with pool.connection() as conn:
        return int((await (await conn.execute("SELECT count(*) FROM events")).fetchone() or (-1,))[0])


async def test_a_fault_in_a_projectors_sql_is_raised_as_it_is_and_at_once(pool: Pool) -> None:
    decide = Creating(Query(204))
    with pytest.raises(psycopg.errors.UndefinedTable):
        await Door(pool, wrong_table).perform(ASK, None, Role.ADMIN, decide)
    assert (decide.asked, await count_events(pool)) == (1, 0)


async def test_a_fault_in_sql_without_a_transaction_around_it_is_raised_just_so(pool: Pool) -> None:
    async def edit(work: Work) -> Query:
        work.record(Kind.SYSTEM, work.root_id, [SystemEdited(system_name="Valve")])
        return Query(200, "SELECT no_such_column", {})

    async def read_id() -> UUID:
        async with pool.connection() as conn:
            return (await (await conn.execute("SELECT root_id FROM roots")).fetchone() or ())[0]

    await Door(pool, nothing).perform(ASK, None, Role.ADMIN, Creating(Query(204)))
    target = Target(Kind.SYSTEM, await read_id(), with_root=True)
    with pytest.raises(psycopg.errors.UndefinedColumn):
        await Door(pool, nothing).perform(ASK, target, Role.ADMIN, edit)
    with pytest.raises(psycopg.errors.UndefinedTable):
        await Door(pool, wrong_table).perform(ASK, target, Role.ADMIN, edit)
    assert await count_events(pool) == 1


async def test_a_fault_in_the_answers_sql_takes_the_append_back(pool: Pool) -> None:
    decide = Creating(Query(200, "SELECT no_such_column", {}))
    with pytest.raises(psycopg.errors.UndefinedColumn):
        await Door(pool, nothing).perform(ASK, None, Role.ADMIN, decide)
    assert (decide.asked, await count_events(pool)) == (1, 0)


async def test_a_statement_that_takes_too_long_is_not_sent_again(pool: Pool) -> None:
    decide = Creating(Query(200, "SELECT pg_sleep(5)", {}))

    async def slow(work: Work) -> Query:
        await work.conn.execute("SET LOCAL statement_timeout = 20")
        return await decide(work)

    with pytest.raises(psycopg.errors.QueryCanceled):
        await Door(pool, nothing).perform(ASK, None, Role.ADMIN, slow)
    assert (decide.asked, await count_events(pool)) == (1, 0)


async def test_a_database_that_is_gone_is_unavailable_within_the_doors_patience(settings: Settings) -> None:
    nobody_there = database.pool(settings)
    nobody_there.conninfo = "postgresql://x@127.0.0.1:1/x"
    await nobody_there.open()
    door = Door(nobody_there, nothing, patience_s=0.3)
    with pytest.raises(Unavailable, match="Nothing was recorded"):
        await door.perform(ASK, None, Role.ADMIN, Creating(Query(204)))
    await nobody_there.close()


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "commands").glob("*.py")), ids=lambda p: p.name)
def test_commands_take_new_ids_from_their_work_so_that_a_retry_makes_the_same_ones(path: Path) -> None:
    named = {alias.name for node in ast.walk(parsed(path.read_text())) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert path.name in ("door.py", "work.py") or not named & {"uuid7", "uuid4"}
