"""The worker that keeps the words of runs."""

import asyncio
from contextlib import asynccontextmanager

import psycopg

from projections import run_words
from projections.run_words import Standing
from tests.api.making import campaign
from tests.conftest import World
from workers import run_words as worker

WAIT_S_MAX = 30


@asynccontextmanager
async def running(world: World):
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run(world.settings, stopping))
        yield
        stopping.set()


async def told(world: World, wanted: Standing) -> None:
    async with asyncio.timeout(WAIT_S_MAX), world.pool.connection() as conn:
        while await run_words.standing(conn) != wanted:  # noqa: ASYNC110 - it tells nobody when it is done
            await asyncio.sleep(0.05)
        assert await run_words.usable(conn)


async def test_what_is_there_at_the_start_is_looked_through_at_once(world: World) -> None:
    await campaign(world)
    await campaign(world)
    async with running(world):
        await told(world, Standing(runs=2, told=2, stale=0))


async def test_what_changes_is_noted_soon_and_looked_through_later(world: World) -> None:
    here = await campaign(world)
    async with running(world):
        await told(world, Standing(runs=1, told=1, stale=0))
        await world.engineer("PATCH", here.step_path, {"description": "Undervoltage"})
        await told(world, Standing(runs=1, told=1, stale=1))
        assert "runledger_stale_runs 1.0" in (await world.http.get("/metrics")).text
        await told(world, Standing(runs=1, told=1, stale=0))


async def test_it_goes_on_after_it_has_lost_the_database(world: World) -> None:
    await campaign(world)
    async with running(world):
        await told(world, Standing(runs=1, told=1, stale=0))
        with psycopg.connect(world.settings.owner_url or "", autocommit=True) as owner:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            owner.execute(others)
        await campaign(world)
        await told(world, Standing(runs=2, told=1, stale=1))
