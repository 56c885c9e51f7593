"""Outcomes that share a look and an append: each is recorded once, in its place, whatever befalls the others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
import pytest
from msgspec import UNSET

from api.atlas.steps import detail, of_step
from commands import steps
from commands.asking import Actor, Answer, Ask
from commands.door import Door
from commands.together import Together
from commands.work import Query, Work
from domain.changes import Change
from domain.refusals import Closed, NotFound, Unavailable
from domain.steps import ExecutionStatus, Outcome
from domain.tokens import Role
from infra import database
from infra.append import RowStatement
from infra.append_together import GATES_MS_MAX
from infra.settings import Settings
from projections import comparison, views
from tests.api.making import Campaign, campaign
from tests.conftest import World, opened
from tests.projections.test_inline_equals_fold import folded, owner

PASSED = Outcome(status=ExecutionStatus.PASSED, exception=UNSET, started_at=UNSET, ended_at=UNSET)
NOTED = Outcome(status=ExecutionStatus.PASSED_WITH_EXCEPTION, exception="Probe 2 slipped", started_at=datetime.now(UTC), ended_at=UNSET)
OUTCOMES = [PASSED, NOTED, *(Outcome(status=status, exception=None, started_at=None, ended_at=UNSET) for status in ExecutionStatus)]
PEOPLE = [Actor(actor_id=UUID(int=n), token_id=UUID(int=n), role=Role.OPERATOR) for n in (7, 8, 9)]
LOG = """SELECT originator_id, originator_version, root_version, xid::text AS written_by, convert_from(metadata, 'UTF8')::json ->> 'command_id'
  FROM events WHERE topic = 'step.outcome_recorded' AND root_id = %s ORDER BY xid, notification_id"""


class Logged(NamedTuple):
    """An outcome in the log, in its order."""

    step: UUID
    version: int
    wide: int
    xid: str
    command: str


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with opened(settings) as world:
        yield world
        async with await owner(settings) as conn:
            await folded(conn, "folded")
            assert await comparison.differences(conn, f"{settings.schema}_views", "folded") == []


@pytest.fixture
def door(world: World) -> Door:
    return Door(world.pool, views.project_inline)


async def record(door: Door, run: Campaign, step: int, by: Actor = PEOPLE[0], outcome: Outcome = PASSED) -> Answer:
    card, wanted = UUID(run.card), UUID(run.steps[step])

    async def decide(work: Work) -> Query:
        await steps.change(work, card, wanted, outcome, None, None, None)
        return detail(work, card, wanted)

    return await door.perform(Ask(actor=by), of_step(run.run, card, wanted, plain=True), Role.OPERATOR, decide)


async def log(settings: Settings, run: Campaign) -> list[Logged]:
    async with await owner(settings) as conn:
        return [Logged(*row) for row in await (await conn.execute(LOG, (run.run,))).fetchall()]


async def assert_each_once(settings: Settings, run: Campaign, answers: Sequence[Answer]) -> list[Logged]:
    """Every answer names a command that is in the log once, at the version of the run that it says, and nothing else is there."""
    logged = await log(settings, run)
    assert sorted((str(a.command_id), a.run_version) for a in answers) == sorted((e.command, e.wide) for e in logged)
    assert [e.wide for e in logged] == sorted(e.wide for e in logged)
    return logged


@asynccontextmanager
async def gate_held(settings: Settings, run: Campaign) -> AsyncIterator[None]:
    """Somebody else stands in the gate of the run, as a transaction of another process would."""
    async with await owner(settings) as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (run.run,))
        yield


async def until_waiting(settings: Settings, door: Door, calls: int, appends: int = 1) -> int:
    """Until so many appends stand before a gate, where they have no transaction id yet, and calls wait for them; a process id of one."""
    sql = "SELECT pid, backend_xid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    async with await owner(settings) as conn, asyncio.timeout(20):
        while True:
            rows = await (await conn.execute(sql)).fetchall()
            if len(rows) >= appends and len(door.together._appends._waiting) >= calls:
                assert [row[1] for row in rows] == [None] * len(rows)
                return int(rows[0][0])
            await asyncio.sleep(0.01)


@asynccontextmanager
async def gathered(settings: Settings, door: Door, held: Campaign, wanted: Sequence[tuple[Campaign, int]]) -> AsyncIterator[list[Any]]:
    """Outcomes that are all decided and wait behind one that stands before the gate of `held`; on leaving they go, together."""
    async with gate_held(settings, held):
        first = [asyncio.create_task(record(door, held, 0))]  # by itself
        await until_waiting(settings, door, 0)
        first.append(asyncio.create_task(record(door, held, 0)))  # what all later ones wait for
        await until_waiting(settings, door, 0, 2)
        asked = [asyncio.create_task(record(door, run, step)) for run, step in wanted]
        await until_waiting(settings, door, len(wanted))
        yield asked
    await asyncio.gather(*first)


async def test_many_writers_of_one_run_are_recorded_without_a_gap(world: World, door: Door) -> None:
    run = await campaign(world, 40)
    answers = await asyncio.gather(*(record(door, run, n, PEOPLE[n % 3]) for n in range(40)))
    logged = await assert_each_once(world.settings, run, answers)
    assert [e.wide for e in logged] == list(range(43, 83))
    assert len({e.xid for e in logged}) < 10  # they did go together
    async with world.pool.connection() as conn:
        row = await (await conn.execute("SELECT n_passed, n_todo, wide, contributors FROM runs")).fetchone()
    assert row is not None
    assert (row[:3], row[3][1:]) == ((40, 0, 82), [person.actor_id for person in PEOPLE])


async def test_many_writers_of_many_runs_have_each_run_in_order(world: World, door: Door) -> None:
    runs = [await campaign(world, 5) for _ in range(6)]
    answers: list[list[Answer]] = [[] for _ in runs]
    for i, _ in enumerate(OUTCOMES):
        wanted = [OUTCOMES[(i + n) % len(OUTCOMES)] for n in range(5)]
        asked = [[record(door, run, n, PEOPLE[n % 3], wanted[n]) for n in range(5)] for run in runs]
        for given, of_run in zip(answers, await asyncio.gather(*(asyncio.gather(*each) for each in asked)), strict=True):
            given.extend(of_run)
    for run, of_run in zip(runs, answers, strict=True):
        logged = await assert_each_once(world.settings, run, of_run)
        assert [e.wide for e in logged] == list(range(8, 8 + len(of_run)))


async def test_the_answer_is_the_one_that_a_lonely_command_gets(world: World, door: Door) -> None:
    held, run = await campaign(world), await campaign(world, 3)
    alone = await record(door, run, 0)
    limited = msgspec.structs.replace(PEOPLE[1], system_ids=frozenset([UUID(run.system)]))
    async with gathered(world.settings, door, held, [(run, 1)]) as asked:
        asked.append(asyncio.create_task(record(door, run, 2, limited)))
        await until_waiting(world.settings, door, 2)
    together = [await each for each in asked]
    assert [a.run_version for a in together] == [7, 8]
    for n, answer in enumerate(together, 1):
        shown = await world.engineer("GET", f"{run.card_path}/steps/{run.steps[n]}")
        assert (answer.body, answer.own, answer.wide, answer.status) == (shown.content, alone.own, 8, alone.status)


async def test_one_that_is_overtaken_is_refused_alone(world: World, door: Door) -> None:
    held, closed, run = [await campaign(world) for _ in range(3)]
    async with gathered(world.settings, door, held, [(closed, 0), (run, 0)]) as asked:
        assert (await world.engineer("POST", f"{closed.run_path}/close")).status_code == 200
    with pytest.raises(Closed):
        await asked[0]
    await assert_each_once(world.settings, run, [await asked[1]])
    assert await log(world.settings, closed) == []


async def test_where_a_stream_has_moved_on_the_batch_is_taken_back_and_each_is_recorded_once(world: World, door: Door) -> None:
    held, moved, run = [await campaign(world) for _ in range(3)]
    async with database.pool(world.settings) as pool, gathered(world.settings, door, held, [(moved, 0), (run, 0)]) as asked:
        before = await record(Door(pool, views.project_inline), moved, 0)
    logged = await assert_each_once(world.settings, moved, [before, await asked[0]])
    assert [e.version for e in logged] == [2, 3]
    await assert_each_once(world.settings, run, [await asked[1]])


async def test_two_of_one_step_are_recorded_one_after_the_other(world: World, door: Door) -> None:
    held, run = await campaign(world), await campaign(world, 2)
    async with gathered(world.settings, door, held, [(run, 0), (run, 0), (run, 1)]) as asked:
        pass
    logged = await assert_each_once(world.settings, run, [await each for each in asked])
    assert sorted(e.version for e in logged) == [2, 2, 3]


async def test_a_connection_that_is_ended_under_a_batch_loses_and_doubles_nothing(world: World, door: Door) -> None:
    held, barred, run = [await campaign(world, 2) for _ in range(3)]
    async with gate_held(world.settings, barred):
        async with gathered(world.settings, door, held, [(barred, 0), (barred, 1), (run, 0), (run, 1)]) as asked:
            pass
        pid = await until_waiting(world.settings, door, 0)
        async with await owner(world.settings) as conn:
            assert await (await conn.execute("SELECT pg_terminate_backend(%s)", (pid,))).fetchone() == (True,)
    answers = [await each for each in asked]
    await assert_each_once(world.settings, barred, answers[:2])
    await assert_each_once(world.settings, run, answers[2:])


async def test_two_processes_that_write_the_same_runs_in_opposite_order_do_not_wait_for_each_other(world: World, door: Door) -> None:
    runs = [await campaign(world, 12) for _ in range(4)]
    async with database.pool(world.settings) as pool:
        other = Door(pool, views.project_inline)
        for first in range(0, 12, 4):
            theirs = [record(other, run, n) for run in reversed(runs) for n in (first, first + 1)]
            ours = [record(door, run, n) for run in runs for n in (first + 2, first + 3)]
            await asyncio.gather(*ours, *theirs)
    for run in runs:
        assert [e.wide for e in await log(world.settings, run)] == list(range(15, 27))
    async with world.pool.connection() as conn:
        sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await (await conn.execute(sql)).fetchone() == (0,)


async def test_a_gate_that_another_process_holds_keeps_the_other_runs_waiting_for_a_moment_only(world: World, door: Door) -> None:
    held, barred, run = [await campaign(world) for _ in range(3)]
    async with gate_held(world.settings, barred):
        async with gathered(world.settings, door, held, [(barred, 0), (run, 0)]) as asked:
            pass
        async with asyncio.timeout(GATES_MS_MAX / 1_000 + 5):
            await assert_each_once(world.settings, run, [await asked[1]])
        assert not asked[0].done()
    await assert_each_once(world.settings, barred, [await asked[0]])


async def test_a_caller_who_goes_away_takes_nobody_along(world: World, door: Door) -> None:
    held, barred, run = [await campaign(world, 2) for _ in range(3)]
    async with gate_held(world.settings, barred):
        async with gathered(world.settings, door, held, [(barred, 0), (barred, 1), (run, 0), (run, 1)]) as asked:
            asked[2].cancel()  # before it is sent
        await until_waiting(world.settings, door, 0)
        asked[0].cancel()  # on its way
    commands = [e.command for e in await log(world.settings, barred)]
    assert commands.count(str((await asked[1]).command_id)) == 1
    assert len(commands) == len(set(commands))
    await assert_each_once(world.settings, run, [await asked[3]])


async def test_what_one_command_makes_fail_fails_it_alone(world: World) -> None:
    def project(changes: Sequence[Change], *, together: bool = False) -> list[RowStatement]:
        rows = views.project_inline(changes, together=together)
        broken = rows[0]._replace(sql=rows[0].sql.replace("UPDATE", "UPDATE nowhere."))
        return [broken, *rows[1:]] if any(str(change.stream_id) == bad.steps[0] for change in changes) else rows

    door = Door(world.pool, project)
    held, bad, run = [await campaign(world) for _ in range(3)]
    async with gathered(world.settings, door, held, [(bad, 0), (run, 0)]) as asked:
        pass
    with pytest.raises(psycopg.Error):
        await asked[0]
    await assert_each_once(world.settings, run, [await asked[1]])


async def test_who_finds_no_connection_within_the_doors_patience_is_told_that_nothing_was_recorded(world: World) -> None:
    run = await campaign(world)
    patient = Door(world.pool, views.project_inline, patience_s=0.2)
    async with gate_held(world.settings, run):
        first = asyncio.create_task(record(Door(world.pool, views.project_inline), run, 0))
        connections = [await world.pool.getconn() for _ in range(world.settings.pool_max - 1)]
        refused = await asyncio.gather(*(record(patient, run, 0) for _ in range(3)), return_exceptions=True)
        assert ["Nothing was recorded" in str(each) for each in refused if isinstance(each, Unavailable)] == [True] * 3
        for conn in connections:
            await world.pool.putconn(conn)
    await first


async def test_a_step_of_another_run_is_not_found_beside_one_that_is_asked_for_rightly(world: World, door: Door) -> None:
    held, run = [await campaign(world) for _ in range(2)]
    crossed = held._replace(card=run.card, steps=run.steps)
    found = await asyncio.gather(*(record(door, each, 0) for each in (held, run, crossed)), return_exceptions=True)
    assert [type(each) for each in found] == [Answer, Answer, NotFound]


async def test_batches_pass_the_gates_in_one_order_whatever_the_order_of_their_commands(world: World, door: Door) -> None:
    held, run, other = [await campaign(world) for _ in range(3)]
    async with gathered(world.settings, door, held, [(run, 0), (other, 0)]) as asked:
        works = list(door.together._appends._waiting.values())
        passed = []
        for order in (works, works[::-1]):
            fresh = Together(world.pool, views.project_inline)
            heads = fresh._statement(fresh._shares(order), order[0].answer).params["heads"]
            passed.append([head["root_id"] for head in msgspec.json.decode(heads)])
    await asyncio.gather(*asked)
    assert passed == [sorted([run.run, other.run])] * 2
