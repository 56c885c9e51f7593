"""A connection that breaks around a commit: the caller still gets the truth, and the write is applied once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from commands.door import APPEND_ATTEMPTS_MAX, Door
from infra.settings import Settings
from projections import views
from tests.api.atlas.test_campaign import make_run
from tests.api.making import campaign
from tests.commands.test_together import assert_each_once, gathered
from tests.conftest import World, opened
from tests.faults.proxy import Cut, Proxy

APPEND, APPEND_TOGETHER, COMMIT = b'"event_id"', b'"place"', b"COMMIT"
WITH_KEY, WITHOUT_KEY = {"idempotency_key": "k-1"}, dict[str, str]()


class Wire(NamedTuple):
    """The application with a proxy between it and the database, and a run with one step."""

    world: World
    proxy: Proxy
    system: str
    step: str

    async def record_outcome(self, headers: dict[str, str]) -> httpx.Response:
        return await self.world.engineer("PATCH", self.step, {"execution_status": "passed"}, **headers)

    async def create_run(self, headers: dict[str, str]) -> httpx.Response:
        return await self.world.engineer("POST", "/test-runs", {"title": "Once", "system_id": self.system}, **headers)

    def recorded(self, topic: str, title: str = "") -> list[dict[str, Any]]:
        """Metadata of the events of a type, as they are in the log."""
        sql = "SELECT convert_from(metadata, 'UTF8') FROM runledger.events WHERE topic = %s AND strpos(convert_from(state, 'UTF8'), %s) > 0"
        with psycopg.connect(self.world.settings.owner_url or "") as conn:
            return [msgspec.json.decode(row[0]) for row in conn.execute(sql, (topic, title))]


@pytest.fixture
async def wire(settings: Settings) -> AsyncIterator[Wire]:
    proxy = Proxy(Path(conninfo_to_dict(settings.database_url or "")["host"]) / ".s.PGSQL.5432")
    port = await proxy.start()
    parts = urlsplit(settings.database_url or "")
    url = f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable"
    async with opened(msgspec.structs.replace(settings, database_url=url, pool_max=30)) as world:
        run, card, steps = await make_run(world, 1)
        system = (await world.engineer("GET", f"/test-runs/{run}")).json()["system_id"]
        yield Wire(world, proxy, system, f"/test-runs/{run}/cards/{card}/steps/{steps[0]}")
    await proxy.stop()


def assert_once(wire: Wire, answer: httpx.Response, status: int, topic: str, title: str = "") -> None:
    """The answer is a success, it names the command that is in the log, and that is there once."""
    assert answer.status_code == status, answer.text
    assert wire.proxy.cuts == 1
    recorded = wire.recorded(topic, title)
    assert [event["command_id"] for event in recorded] == [answer.headers["x-command-id"]]
    assert "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER, Cut.AT_ONCE])
async def test_an_outcome_whose_append_is_cut_is_recorded_once(wire: Wire, cut: Cut) -> None:
    wire.proxy.arm(APPEND, cut)
    assert_once(wire, await wire.record_outcome(WITHOUT_KEY), 200, "step.outcome_recorded")


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER, Cut.AT_ONCE, Cut.LATE])
async def test_outcomes_that_are_cut_together_are_recorded_once_each(wire: Wire, settings: Settings, cut: Cut) -> None:
    held, run, other = [await campaign(wire.world, 2) for _ in range(3)]
    door = Door(wire.world.pool, views.project_inline)
    async with gathered(settings, door, held, [(run, 0), (run, 1), (other, 0)]) as asked:
        wire.proxy.arm(APPEND_TOGETHER, cut)
    answers = [await each for each in asked]
    if cut is Cut.LATE:
        await wire.proxy.deliver()
    assert wire.proxy.cuts == 1
    await assert_each_once(settings, run, answers[:2])
    await assert_each_once(settings, other, answers[2:])


async def test_an_append_that_arrives_after_its_repetition_changes_nothing(wire: Wire) -> None:
    wire.proxy.arm(APPEND, Cut.LATE)
    answer = await wire.record_outcome(WITHOUT_KEY)
    await wire.proxy.deliver()
    assert_once(wire, answer, 200, "step.outcome_recorded")


async def test_a_new_stream_whose_append_arrives_after_its_repetition_is_made_once(wire: Wire) -> None:
    wire.proxy.arm(APPEND, Cut.LATE)
    answer = await wire.world.engineer("POST", f"{wire.step}/observations", {"text": "smoke"})
    await wire.proxy.deliver()
    assert_once(wire, answer, 201, "observation.recorded")


@pytest.mark.parametrize("headers", [WITHOUT_KEY, WITH_KEY], ids=["without key", "with key"])
@pytest.mark.parametrize(("needle", "cut"), [(APPEND, Cut.BEFORE), (COMMIT, Cut.BEFORE), (COMMIT, Cut.AFTER), (COMMIT, Cut.AT_ONCE)])
async def test_a_run_whose_creation_is_cut_is_created_once(wire: Wire, headers: dict[str, str], needle: bytes, cut: Cut) -> None:
    wire.proxy.arm(needle, cut)
    answer = await wire.create_run(headers)
    assert_once(wire, answer, 201, "test_run.created", "Once")
    assert answer.json()["test_run_id"] == "TR-0002"
    assert (await wire.world.engineer("GET", answer.headers["location"].removeprefix("/api/v1"))).status_code == 200


@pytest.mark.parametrize("headers", [WITHOUT_KEY, WITH_KEY], ids=["without key", "with key"])
async def test_a_commit_that_arrives_while_its_repetition_waits_is_the_one_that_counts(wire: Wire, headers: dict[str, str]) -> None:
    wire.proxy.arm(COMMIT, Cut.LATE)
    asked = asyncio.create_task(wire.create_run(headers))
    await asyncio.sleep(0.05)
    await wire.proxy.deliver()
    assert_once(wire, await asked, 201, "test_run.created", "Once")


async def test_who_vanished_before_the_commit_holds_key_and_run_for_seconds_only(wire: Wire) -> None:
    """The server is not told that the client is gone, and the COMMIT never comes."""
    wire.proxy.arm(COMMIT, Cut.LATE)
    begun = time.monotonic()
    while (answer := await wire.record_outcome(WITH_KEY)).status_code != 200:
        assert answer.status_code in (409, 503), answer.text
        assert time.monotonic() < begun + 15
        await asyncio.sleep(0.2)
    assert_once(wire, answer, 200, "step.outcome_recorded")


@pytest.mark.parametrize(("needle", "cut"), [(APPEND, Cut.BEFORE), (COMMIT, Cut.BEFORE), (COMMIT, Cut.AFTER), (COMMIT, Cut.AT_ONCE)])
async def test_an_outcome_with_a_key_is_recorded_once_and_replayed_after(wire: Wire, needle: bytes, cut: Cut) -> None:
    wire.proxy.arm(needle, cut)
    answer = await wire.record_outcome(WITH_KEY)
    assert_once(wire, answer, 200, "step.outcome_recorded")
    again = await wire.record_outcome(WITH_KEY)
    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (200, answer.content, "true")


async def test_closing_and_deleting_are_not_refused_because_they_have_happened(wire: Wire) -> None:
    run = wire.step.split("/cards/")[0]
    wire.proxy.arm(APPEND, Cut.AFTER)
    assert (await wire.world.engineer("POST", f"{run}/close")).status_code == 200
    await wire.world.engineer("POST", f"{run}/reopen", {"reason": "more to do"})
    wire.proxy.arm(APPEND, Cut.AFTER)
    assert (await wire.world.engineer("DELETE", run)).status_code == 204
    assert wire.proxy.cuts == 2
    assert [len(wire.recorded(topic)) for topic in ("test_run.closed", "test_run.deleted")] == [1, 1]


async def test_after_every_connection_was_ended_the_next_write_succeeds(wire: Wire, settings: Settings) -> None:
    async with AsyncExitStack() as busy:  # the pool grows
        for _ in range(APPEND_ATTEMPTS_MAX + 4):
            await busy.enter_async_context(wire.world.pool.connection())
    with psycopg.connect(settings.owner_url or "", autocommit=True) as conn:
        ended = conn.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'runledger_app'").fetchone()
    assert ended is not None
    assert ended[0] > APPEND_ATTEMPTS_MAX
    assert (await wire.record_outcome(WITHOUT_KEY)).status_code == 200
    assert len(wire.recorded("step.outcome_recorded")) == 1
