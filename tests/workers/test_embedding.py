"""Every text has the vector of its present words and the present model, whatever happened to those who make them."""

import asyncio
import multiprocessing
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from infra import database
from infra.blas import Floats
from infra.database import Connection
from infra.embedding import choice, vector_index
from infra.embedding.concepts import Concepts
from infra.embedding.vectors import Embedder, Unanswered
from infra.settings import Settings
from projections import embedding_backlog, rebuild
from projections.embedding_backlog import Embedded, standing
from projections.search_documents import MEANING
from tests.api.atlas.test_campaign import make_run
from tests.busy import busy_processors, work
from tests.conftest import World
from tests.workers.test_reports import until
from tests.workers.test_sequencer import running
from workers import embedder, embedding, following

ROOT = Path(__file__).parents[2]
WRONG = f"""SELECT count(*) FROM search_documents d LEFT JOIN document_vectors v ON v.document_id = d.document_id AND v.model = %s
  WHERE v.text_hash IS DISTINCT FROM sha256(convert_to({MEANING}, 'UTF8'))"""


class Counting(Concepts):
    """Notes what it was asked, and does not know one text."""

    def __init__(self, name: str = "counting@1", hated: str = "no such text") -> None:
        self.name, self.hated, self.asked = name, hated, list[str]()

    @property
    def model_id(self) -> str:
        return self.name

    def embed(self, texts: Sequence[str]) -> list[Floats]:
        if any(self.hated in text for text in texts):
            raise Unanswered("does not like it")
        self.asked += texts
        return super().embed(texts)


class Laborious(Concepts):
    """Takes a while, and notes from when to when."""

    def __init__(self) -> None:
        self.times = list[tuple[float, float]]()

    def embed(self, texts: Sequence[str]) -> list[Floats]:
        begun = time.monotonic()
        work(0.3)
        self.times.append((begun, time.monotonic()))
        return super().embed(texts)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder, "UNANSWERED_S", 0.02)
    monkeypatch.setattr(embedder, "REST_S_MAX", 0.02)  # of this process, which does more than embed
    monkeypatch.setattr(embedding, "RESTART_S", 0.1)


@pytest.fixture
async def conn(world: World) -> AsyncIterator[Connection]:
    async with await database.dedicated(world.settings) as conn:
        yield conn


@asynccontextmanager
async def at_work(*workers: Callable[[asyncio.Event], Any]) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(worker(stopping)) for worker in workers]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


def embeds(settings: Settings, by: Embedder) -> Callable[[asyncio.Event], Any]:
    return lambda stopping: embedder.run(settings, by, uuid4(), stopping)


def follows(settings: Settings) -> Callable[[asyncio.Event], Any]:
    return lambda stopping: following.run(settings, embedding.FOLLOWER, stopping)


async def all_embedded(conn: Connection, model: str, within_s: float = 20) -> Embedded:
    """Waits until every document has the vector of its text."""
    async with asyncio.timeout(within_s):
        while True:
            wrong = (await (await conn.execute(WRONG, (model,))).fetchone() or (1,))[0]
            found = await standing(conn)
            if not wrong and not found.waiting and found.model == model:
                return found
            await asyncio.sleep(0.02)


async def has_embedded(conn: Connection, count: int) -> bool:
    return (await standing(conn)).embedded >= count


async def has_claimed(conn: Connection) -> bool:
    return await (await conn.execute("SELECT FROM documents_to_embed WHERE claim IS NOT NULL LIMIT 1")).fetchone() is not None


async def is_alone(conn: Connection, model: str) -> bool:
    """Whether vectors and index of no other model are left."""
    vectors = await (await conn.execute("SELECT count(*) FROM document_vectors WHERE model <> %s", (model,))).fetchone()
    return vectors == (0,) and await vector_index.others(conn, model, 384) == []


async def edit(world: World, run: str, title: str) -> None:
    assert (await world.engineer("PATCH", f"/test-runs/{run}", {"title": title})).status_code == 200


async def test_what_was_there_before_is_embedded_once_and_what_comes_follows(world: World, conn: Connection) -> None:
    run, card, steps = await make_run(world)
    model = Counting()
    async with running(world.settings), at_work(embeds(world.settings, model), follows(world.settings)):
        assert await all_embedded(conn, model.name) == Embedded(model.name, 6, 6, 0)
        assert sorted(set(model.asked)) == sorted(
            ["Motor Controller Acceptance Test\n", "Overvoltage protection\n", *(f"Step {n}\n" for n in range(4))]
        )
        model.asked.clear()
        await edit(world, run, "Undervoltage at the input rail")
        step = f"/test-runs/{run}/cards/{card}/steps/{steps[0]}"
        await world.engineer("PATCH", step, {"execution_status": "passed"})
        await world.engineer("PATCH", step, {"execution_status": "passed_with_exception", "exception_note": "Scope was not calibrated"})
        assert (await all_embedded(conn, model.name)).embedded == 6
    assert (
        {"Undervoltage at the input rail\n"} <= set(model.asked) <= {"Undervoltage at the input rail\n", "Step 0\nScope was not calibrated"}
    )


async def test_an_observation_is_embedded_with_the_title_of_its_step_as_it_is_now(world: World, conn: Connection) -> None:
    run, card, steps = await make_run(world)
    model, step = Counting(), f"/test-runs/{run}/cards/{card}/steps/{steps[0]}"
    async with running(world.settings), at_work(embeds(world.settings, model), follows(world.settings)):
        await world.engineer("POST", f"{step}/observations", {"text": "Smoke"})
        await all_embedded(conn, model.name)
        await world.engineer("PATCH", step, {"title": "Apply 13 V"})
        assert (await all_embedded(conn, model.name)).embedded == 7
    assert list(dict.fromkeys(text for text in model.asked if "Smoke" in text)) == ["Step 0\nSmoke", "Apply 13 V\nSmoke"]


async def test_another_model_embeds_everything_again_and_the_one_before_claims_nothing(world: World, conn: Connection) -> None:
    run, _, _ = await make_run(world)
    before, after = Counting("before@1"), Counting("after@1")
    async with running(world.settings), at_work(follows(world.settings), embeds(world.settings, before)):
        await all_embedded(conn, before.name)
        async with at_work(embeds(world.settings, after)):
            await all_embedded(conn, after.name)
            before.asked.clear()
            for n in range(5):
                await edit(world, run, f"Title {n}")
            await all_embedded(conn, after.name)
            assert before.asked == []
            await until(lambda: is_alone(conn, after.name))


async def test_two_at_work_make_each_vector_once(world: World, conn: Connection) -> None:
    await make_run(world, 150)
    one, two = Counting(), Counting()
    async with at_work(embeds(world.settings, one), embeds(world.settings, two)):
        await all_embedded(conn, one.name)
    asked = one.asked + two.asked
    assert len(asked) == 152 + len(set(one.asked) & set(two.asked)) == 152


async def test_a_text_that_no_model_takes_holds_up_no_other(world: World, conn: Connection) -> None:
    run, _, _ = await make_run(world, 40)
    model = Counting(hated="Motor Controller")
    async with running(world.settings), at_work(follows(world.settings), embeds(world.settings, model)):
        await until(lambda: has_embedded(conn, 41))
        assert await standing(conn) == Embedded(model.name, 42, 41, 1)
        assert "runledger_documents_to_embed 1.0" in (await world.http.get("/metrics")).text
        await edit(world, run, "A title that the model likes")
        await all_embedded(conn, model.name)


async def test_it_rests_while_others_want_the_processors(world: World, conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder, "TEXTS_MAX", 8)
    monkeypatch.setattr(embedder, "REST_S_MAX", 1.0)
    await make_run(world, 20)
    model = Laborious()
    with busy_processors():
        async with at_work(embeds(world.settings, model)):
            await all_embedded(conn, model.model_id)
    rests = [begun - ended for (_, ended), (begun, _) in pairwise(model.times)]
    assert len(rests) >= 2
    assert min(rests) > 0.9


async def test_the_vector_of_an_old_text_does_not_end_the_wait(world: World, conn: Connection) -> None:
    run, _, _ = await make_run(world, 0)
    claim, run_id, model = uuid4(), UUID(run), "model@1"
    await embedding_backlog.take_over(conn, model)
    await embedding_backlog.note(conn, [run_id])
    [late] = await embedding_backlog.claim(conn, model, claim, 32)
    await edit(world, run, "Another title")
    await embedding_backlog.note(conn, [run_id])
    await embedding_backlog.keep(conn, model, claim, [(late, [1.0, 0.0])])
    assert await standing(conn) == Embedded(model, 2, 0, 1)
    [again] = await embedding_backlog.claim(conn, model, claim, 32)
    assert again.text == "Another title\n"
    await embedding_backlog.keep(conn, model, claim, [(again, [0.6, 0.8])])
    assert await standing(conn) == Embedded(model, 2, 1, 0)
    await edit(world, run, "Back")
    await edit(world, run, "Another title")
    await embedding_backlog.note(conn, [run_id])
    assert (await standing(conn)).waiting == 0


async def test_after_a_rebuild_only_what_lacks_its_vector_is_embedded(world: World, conn: Connection) -> None:
    run, _, _ = await make_run(world)
    model = Counting()
    async with at_work(embeds(world.settings, model)):
        await all_embedded(conn, model.name)
        model.asked.clear()
        await conn.execute("DELETE FROM document_vectors WHERE document_id = %s", (run,))
        await rebuild.run(world.settings, 1, lambda *_: None)
        await all_embedded(conn, model.name)
    assert model.asked == ["Motor Controller Acceptance Test\n"]


async def test_the_process_of_the_real_model_is_killed_and_nothing_is_missing(world: World, conn: Connection) -> None:
    await make_run(world, 100)
    model = choice.of(world.settings).model_id
    async with running(world.settings), at_work(follows(world.settings), lambda stopping: embedding.run(world.settings, stopping)):
        await until(lambda: has_claimed(conn))
        for child in multiprocessing.active_children():
            child.kill()
        assert (await all_embedded(conn, model, within_s=60)).embedded == 102  # it rests while others are at work
        await world.engineer("POST", "/systems", {"system_name": "Not a document"})
        await make_run(world, 1)
        assert (await all_embedded(conn, model, within_s=60)).embedded == 105  # it rests while others are at work
    assert multiprocessing.active_children() == []


async def test_a_process_that_has_nothing_to_do_ends_and_another_comes_with_the_next_text(
    world: World, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder, "IDLE_S", 0.2)
    model = Counting()
    await make_run(world, 1)
    await asyncio.wait_for(embedder.run(world.settings, model, uuid4(), asyncio.Event()), 20)
    assert (await standing(conn)).embedded == 3
    assert not await embedding_backlog.is_wanted(conn)
    async with running(world.settings), at_work(follows(world.settings)):
        await make_run(world, 1)
        await until(lambda: embedding_backlog.is_wanted(conn))


def test_the_worker_itself_loads_neither_numpy_nor_the_model() -> None:
    loaded = "import sys, workers.program; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
