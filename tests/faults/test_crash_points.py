"""The program killed at each named point, at each of its first hits: nothing is half done, and who asks again gets it once."""

import os
import re
import signal
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from infra import database
from infra.embedded.processes import free_port
from tests.acceptance.journal import Journal, JournalingClient, Operation
from tests.faults import forked, invariants
from tests.faults.rig import Rig, until

ROOT = Path(__file__).parents[2]
HITS = range(1, 1 + int(os.environ.get("FAULT_HITS", "1")))
API = ("append.begins", "append.done", "key.kept", "command.committed")
SEQUENCE = ("sequence.read", "sequence.written", "sequence.committed", "follower.taken", "checkpoint.signed")
REBUILD = ("rebuild.planned", "rebuild.loaded", "rebuild.built", "rebuild.indexed", "rebuild.exchanged", "rebuild.swapped")
MIGRATION = ("migration.applied", "migration.ends")
WITHOUT_HOLES = [query for what, query in invariants.EMPTY.items() if "hole" in what or "position" in what or "head row" in what]


def environment(rig: Rig, fault: str = "", **more: str) -> dict[str, str]:
    return rig.program.environment | rig.program.addresses() | {"FAULT_POINT": fault, "RUNLEDGER_SEARCH_MEANING": "false"} | more


def began(rig: Rig, fault: str, *args: str, **more: str) -> ForkServerProcess:
    return forked.start(environment(rig, fault, **more), rig.program.directory.parent / "forked.output", *args)


async def died(process: ForkServerProcess) -> None:
    await until(lambda: process.exitcode is not None)
    assert process.exitcode == -signal.SIGKILL


async def ended(process: ForkServerProcess) -> None:
    await until(lambda: process.exitcode is not None, 60)
    assert process.exitcode == 0


def ask(rig: Rig, query: str) -> list[Any]:
    rig.db.execute("SET search_path = runledger_views, runledger, public")
    return rig.db.execute(query).fetchall()


@pytest.fixture
def step(rig: Rig) -> str:
    card = rig.post(f"/test-runs/{rig.run}/cards", {"title": "Killed"})["uuid"]
    made = rig.post(f"/test-runs/{rig.run}/cards/{card}/steps", {"title": "Killed"})["uuid"]
    return f"/test-runs/{rig.run}/cards/{card}/steps/{made}"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    return Journal(tmp_path / "journal")


@pytest.mark.parametrize("hit", HITS)
@pytest.mark.parametrize(("point", "keyed"), [(p, k) for p in API for k in (True, False) if k or p != "key.kept"])
async def test_a_change_during_which_the_api_is_killed_is_made_once(
    rig: Rig, step: str, journal: Journal, point: str, hit: int, *, keyed: bool
) -> None:
    port = free_port()
    api = began(rig, f"{point}:{hit}", "serve", "--no-worker", PORT=str(port))
    victim = JournalingClient(f"http://127.0.0.1:{port}", rig.program.token, journal)
    await until(lambda: answers(victim.http) or api.exitcode is not None, 60)
    for _ in range(hit):
        body = {"execution_status": "passed_with_exception", "exception": f"m-{(key := uuid4().hex)}"}
        victim.send(Operation(key, "PATCH", step, body, keyed=keyed))
    await died(api)
    JournalingClient(rig.program.url, rig.program.token, journal).resolve()
    lost, doubled, _ = invariants.kept(ask(rig, invariants.OURS), journal.read())
    assert (lost, doubled) == ([], [])
    last = journal.read()[-1]
    there = f"m-{last.key}" in str(ask(rig, invariants.OURS))
    assert there == (keyed or point != "append.begins"), "what is appended alone is committed with it"


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/systems").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("hit", HITS)
@pytest.mark.parametrize("point", SEQUENCE)
async def test_where_a_worker_is_killed_the_next_one_goes_on_without_a_hole(rig: Rig, step: str, point: str, hit: int) -> None:
    victim = rig.worker(f"{point}:{hit}", RUNLEDGER_CHECKPOINT_EVENTS="1")
    while victim.process.exitcode is None:
        rig.http.patch(step, json={"execution_status": "done"}).raise_for_status()
        await until(lambda: victim.process.exitcode is not None or ask(rig, invariants.BUSY["the sequence"]) == [])
    await victim.died()
    rig.worker(RUNLEDGER_CHECKPOINT_EVENTS="1")
    for query in (*WITHOUT_HOLES, invariants.EMPTY["follower that is not at the head"]):
        await until(lambda query=query: ask(rig, query) == [])
    await until(lambda: ask(rig, "SELECT seq FROM ledger_head") == ask(rig, "SELECT max(seq) FROM checkpoints"))
    rig.dismiss()
    await ended(began(rig, "", "verify"))


@pytest.mark.parametrize("point", REBUILD)
async def test_where_a_rebuild_is_killed_the_next_one_ends_with_the_fold_of_the_log(rig: Rig, point: str) -> None:
    await died(began(rig, point, "rebuild", "--processes", "1"))
    assert rig.http.get(f"/test-runs/{rig.run}").status_code == 200
    await ended(began(rig, "", "verify", "--full"))
    await ended(began(rig, "", "rebuild", "--processes", "1"))
    await ended(began(rig, "", "verify", "--full"))


@pytest.mark.parametrize(
    ("point", "hit"), [("migration.applied", n + 1) for n in range(database.newest_version())] + [("migration.ends", 1)]
)
async def test_a_migration_that_is_killed_has_not_happened(rig: Rig, point: str, hit: int) -> None:
    name = f"migrated_{uuid4().hex[:8]}"
    rig.db.execute(f"CREATE DATABASE {name}")
    addresses = rig.program.addresses()
    urls = {url: addresses[url].replace("/runledger?", f"/{name}?") for url in ("RUNLEDGER_DATABASE_URL", "RUNLEDGER_DATABASE_OWNER_URL")}
    with psycopg.connect(urls["RUNLEDGER_DATABASE_OWNER_URL"], autocommit=True) as conn:
        for extension in ("vector", "pg_trgm", "unaccent"):
            conn.execute(f"CREATE EXTENSION {extension}")
        await died(began(rig, f"{point}:{hit}", "migrate", **urls))
        await until(lambda: conn.execute("SELECT to_regclass('runledger.migrations')").fetchone() == (None,))
        await ended(began(rig, "", "migrate", **urls))
        assert conn.execute("SELECT max(version) FROM runledger.migrations").fetchone() == (database.newest_version(),)
    rig.db.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_every_point_that_the_program_names_is_one_where_it_is_killed() -> None:
    named = {
        name for room in ROOT.glob("*/**/*.py") if room.relative_to(ROOT).parts[0] in ROOMS for name in POINT.findall(room.read_text())
    }
    elsewhere = "".join(file.read_text() for file in (ROOT / "tests").glob("**/test_*.py") if file != Path(__file__))
    assert named >= {*API, *SEQUENCE, *REBUILD, *MIGRATION}
    assert {name for name in named - {*API, *SEQUENCE, *REBUILD, *MIGRATION} if f'"{name}' not in elsewhere} == set()


POINT = re.compile(r'fault_points\.reach(?:_in_thread)?\("([\w.]+)"\)')
ROOMS = {"commands", "infra", "projections", "workers", "api", "cli"}
