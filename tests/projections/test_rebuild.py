"""Views are built again beside the live ones while traffic flows, and nobody notices the swap."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from domain.refusals import StateConflict
from infra import database
from infra.settings import Settings
from projections import chunks, comparison, rebuild, runs, view_sets, views
from projections.rebuild import InProgress
from tests.conftest import World
from tests.projections.test_inline_equals_fold import folded


def silent(phase: str, done: int, total: int) -> None:
    """Nobody watches."""


async def make_run(world: World, steps: int = 3) -> tuple[str, str, list[str]]:
    system = (await world.engineer("POST", "/systems", {"system_name": "PDU"})).json()["system_id"]
    template = {"title": "Card", "steps": [{"title": f"Step {n}"} for n in range(steps)]}
    made = (await world.engineer("POST", "/card-templates", template)).json()["uuid"]
    run = (await world.engineer("POST", "/test-runs", {"title": "Run", "system_id": system, "template_ids": [made]})).json()
    card = run["test_cards"][0]
    return run["uuid"], card["uuid"], [step["uuid"] for step in card["test_steps"]]


class Traffic:
    """Writers and readers that go on all the time; every answer must be a good one."""

    def __init__(self, world: World) -> None:
        self.world, self.written, self.slowest_s = world, 0, 0.0
        self.stopping = asyncio.Event()

    async def write(self, run: str, card: str, steps: list[str]) -> None:
        clock = asyncio.get_running_loop().time
        while not self.stopping.is_set():
            for status in ("passed", "failed", "todo"):
                step, began = steps[self.written % len(steps)], clock()
                answer = await self.world.engineer("PATCH", f"/test-runs/{run}/cards/{card}/steps/{step}", {"execution_status": status})
                self.slowest_s = max(self.slowest_s, clock() - began)
                assert answer.status_code == 200, answer.text
                assert answer.json()["execution_status"] == status
                shown = (await self.world.engineer("GET", f"/test-runs/{run}/cards/{card}/steps/{step}")).json()
                assert shown["execution_status"] == status
                self.written += 1

    async def create(self) -> None:
        while not self.stopping.is_set():
            run, _, _ = await make_run(self.world)
            assert (await self.world.engineer("GET", f"/test-runs/{run}")).json()["title"] == "Run"


@asynccontextmanager
async def traffic(world: World, writers: int = 3) -> AsyncIterator[Traffic]:
    flowing = Traffic(world)
    made = [await make_run(world) for _ in range(writers)]
    tasks = [asyncio.create_task(flowing.write(*each)) for each in made] + [asyncio.create_task(flowing.create())]
    try:
        yield flowing
    finally:
        flowing.stopping.set()
        await asyncio.gather(*tasks)


async def assert_views_are_the_fold(settings: Settings) -> None:
    async with await database.owner(settings) as conn:
        await view_sets.drop(conn, "folded")
        await folded(conn, "folded")
        assert await comparison.differences(conn, view_sets.live(settings), "folded") == []
        await view_sets.drop(conn, "folded")


async def test_a_rebuild_under_traffic_changes_nothing_and_stops_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_EVENTS", 20)
    async with traffic(world) as flowing:
        await asyncio.sleep(0.5)
        done = await rebuild.run(world.settings, 2, silent)
        before = flowing.written
        again = await rebuild.run(world.settings, 1, silent)
        await asyncio.sleep(0.2)
        assert flowing.written > before
    assert (done.differences, again.differences) == ([], [])
    assert not done.resumed
    assert done.pause_ms is not None
    await assert_views_are_the_fold(world.settings)


async def test_altered_views_are_reported_and_healed(world: World) -> None:
    run, _, _ = await make_run(world)
    async with await database.owner(world.settings) as conn:
        await conn.execute(f"UPDATE {view_sets.live(world.settings)}.runs SET title = 'wrong', n_todo = 17")
    report = await rebuild.run(world.settings, 1, silent, dry_run=True)
    assert [(d.table, d.column, d.rows, d.example) for d in report.differences] == [
        ("runs", "n_todo", 1, (run, "17", "3")),
        ("runs", "title", 1, (run, "wrong", "Run")),
    ]
    assert report.pause_ms is None
    assert (await world.engineer("GET", f"/test-runs/{run}")).json()["title"] == "wrong"
    await rebuild.run(world.settings, 1, silent)
    assert (await world.engineer("GET", f"/test-runs/{run}")).json()["title"] == "Run"
    await assert_views_are_the_fold(world.settings)


async def test_a_second_rebuild_is_refused(world: World) -> None:
    async with await database.owner(world.settings) as conn:
        await conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"{world.settings.schema} rebuild",))
        with pytest.raises(InProgress):
            await rebuild.run(world.settings, 1, silent)
    assert (await rebuild.run(world.settings, 1, silent)).differences == []


async def test_the_set_before_comes_back_with_what_was_written_since(world: World) -> None:
    with pytest.raises(StateConflict):
        await rebuild.roll_back(world.settings, silent)
    run, card, steps = await make_run(world)
    await rebuild.run(world.settings, 1, silent)
    await world.engineer("PATCH", f"/test-runs/{run}/cards/{card}/steps/{steps[0]}", {"execution_status": "failed"})
    later, _, _ = await make_run(world)
    async with traffic(world, 1):
        await rebuild.roll_back(world.settings, silent)
    assert (await world.engineer("GET", f"/test-runs/{run}/cards/{card}/steps/{steps[0]}")).json()["execution_status"] == "failed"
    assert (await world.engineer("GET", f"/test-runs/{later}")).status_code == 200
    await assert_views_are_the_fold(world.settings)


KILLED = """
import asyncio, os, signal, sys, threading
from pathlib import Path
from infra.settings import Settings
from projections import chunks, rebuild
chunks.CHUNK_EVENTS = 20
if __name__ == "__main__":
    settings = Settings(data_dir=Path("."), database_url=sys.argv[1], owner_url=sys.argv[2])
    threading.Timer(float(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
    asyncio.run(rebuild.run(settings, 2, lambda *_: None))
"""


async def test_rows_that_catch_up_are_those_that_are_written_inline_and_built(world: World) -> None:
    await rebuild.run(world.settings, 1, silent)
    run, _, _ = await make_run(world)
    assert (await world.engineer("POST", f"/test-runs/{run}/reports", {"scope": "run"})).status_code == 201
    assert (await world.engineer("POST", "/issues", {"title": "Noise"})).status_code == 201
    await assert_views_are_the_fold(world.settings)
    await rebuild.roll_back(world.settings, silent)
    await assert_views_are_the_fold(world.settings)
    assert (await rebuild.run(world.settings, 1, silent)).differences == []


async def test_killed_at_ten_moments_a_rebuild_goes_on_to_the_same_result(world: World) -> None:
    for _ in range(40):
        await make_run(world, 10)
    urls = [world.settings.database_url or "", world.settings.owner_url or ""]
    killed = 0
    for moment in range(10):
        after_s = 0.8 + 0.12 * moment
        ended = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", KILLED, *urls, str(after_s)], capture_output=True, check=False
        )
        killed += ended.returncode == -signal.SIGKILL
    assert killed > 3
    assert (await rebuild.run(world.settings, 2, silent)).differences == []
    await assert_views_are_the_fold(world.settings)


async def test_a_changed_definition_is_noticed_serves_meanwhile_and_is_rebuilt(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    quiet, _, _ = await make_run(world)
    run, _, _ = await make_run(world)
    projected = views.project

    def project(change: Any, rows: Any) -> None:
        projected(change, rows)
        if change.kind == "run" and change.after is not None:
            rows.set(runs.RUNS, change.root_id, title_length=len(change.after.title))

    monkeypatch.setitem(runs.RUNS.columns, "title_length", "integer NOT NULL")
    monkeypatch.setattr(views, "project", project)
    await database.migrate(world.settings, views.create)
    assert "runledger rebuild" in caplog.text
    async with await database.owner(world.settings) as conn:
        assert not await views.are_current(conn)
    assert (await world.engineer("PATCH", f"/test-runs/{run}", {"description": "meanwhile"})).status_code == 200
    later, _, _ = await make_run(world)
    report = await rebuild.run(world.settings, 1, silent)
    assert [(d.table, d.column, d.rows, d.example) for d in report.differences] == [("runs", "title_length", 1, (quiet, None, "3"))]
    assert (await world.engineer("GET", f"/test-runs/{later}")).status_code == 200
    async with await database.owner(world.settings) as conn:
        assert await views.are_current(conn)
        rows = await (await conn.execute(f"SELECT title_length FROM {view_sets.live(world.settings)}.runs")).fetchall()
    assert rows == [(3,)] * 3


async def test_rows_are_written_as_they_are_whatever_is_in_them(world: World) -> None:
    title = "tab\there\nline \\ back \r 'quote' \"double\" \\N {a,b} 🔋"
    issue = {"title": title[:255], "tags": [title[:100], "", "{}", "a,b"], "description": [{title: [None, 1.5, {"x": title}]}]}
    assert (await world.engineer("POST", "/issues", issue)).status_code == 201
    system = (await world.engineer("POST", "/systems", {"system_name": title, "description": "\\."})).json()["system_id"]
    assert (await world.engineer("POST", "/test-runs", {"title": "\\N", "system_id": system, "description": title})).status_code == 201
    assert (await rebuild.run(world.settings, 1, silent)).differences == []
