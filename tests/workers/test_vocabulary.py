"""A mistyped word finds what was meant, once the follower has seen the word."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from infra import database
from infra.database import Connection
from projections import vocabulary
from tests.api.atlas.test_search import titles
from tests.api.making import campaign
from tests.conftest import World
from tests.workers.test_sequencer import caught_up, running
from workers import following
from workers.vocabulary import FOLLOWER


@pytest.fixture
async def conn(world: World) -> AsyncIterator[Connection]:
    async with await database.dedicated(world.settings) as conn:
        yield conn


async def meant(conn: Connection, typed: str) -> list[str]:
    row = await (await conn.execute(f"SELECT {vocabulary.meant('%(typed)s::text')}", {"typed": typed})).fetchone()
    return (row and row[0]) or []


@pytest.mark.parametrize("typed", ["regulator", "regulater", "regulatr", "regulattor", "regulaotr", "Regulatro", "egulator"])
async def test_a_word_one_slip_away_is_meant(conn: Connection, typed: str) -> None:
    await conn.execute("INSERT INTO vocabulary (word) VALUES ('regulator'), ('contactor')")
    assert await meant(conn, typed) == ["regulator"]


@pytest.mark.parametrize("typed", ["regulrta", "regu", "stator", "", "'", "ß"])
async def test_a_word_further_away_is_not(conn: Connection, typed: str) -> None:
    await conn.execute("INSERT INTO vocabulary (word) VALUES ('regulator')")
    assert await meant(conn, typed) == []


async def test_what_is_written_is_found_by_a_mistyped_word(world: World, conn: Connection) -> None:
    here = await campaign(world)
    await world.engineer("PATCH", here.step_path, {"title": "Brown-out of the regulator", "description": "Hysteresis"})
    assert await titles(world.engineer, "regluator") == []
    async with running(world.settings):
        await caught_up(conn)
    while await following.step(conn, FOLLOWER, asyncio.Event()):
        pass
    for typed in ("regluator", "hysteresys", "brwnout"):
        assert await titles(world.engineer, typed) == ["Brown-out of the regulator"]


async def test_noting_twice_is_noting_once(world: World, conn: Connection) -> None:
    run_id = UUID((await campaign(world)).run)
    counts = []
    for _ in range(2):
        await vocabulary.note(conn, [run_id])
        counts.append(await (await conn.execute("SELECT count(*) FROM vocabulary")).fetchone())
    assert counts[0] == counts[1] != (0,)


async def test_an_outcome_brings_the_words_of_its_exception(world: World, conn: Connection) -> None:
    here = await campaign(world)
    await world.engineer("PATCH", here.step_path, {"execution_status": "passed_with_exception", "exception": "Slight overshoot"})
    async with running(world.settings):
        await caught_up(conn)
    while await following.step(conn, FOLLOWER, asyncio.Event()):
        pass
    assert await meant(conn, "slihgt") == ["slight"]
