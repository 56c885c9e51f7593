"""The deployed program and its databases: what callers see while something is wrong, and that nothing is lost by it."""

import asyncio
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from api.access import KEPT_S
from cli.exits import Exit
from tests.acceptance.journal import Journal, JournalingClient, Operation
from tests.faults import invariants, nemesis
from tests.faults.deployment import Deployment

pytestmark = pytest.mark.asyncio(loop_scope="module")

ERROR_S_MAX = 6.0
RECOVERY_S_MAX = 10.0
IN_FLIGHT = 12
STALL_S_MAX = float(os.environ.get("FAULT_STALL_S", "2"))  # 0.1 on a machine that has nothing else to do
SLOW_READERS, GROWTH_MB_MAX = 200, 150


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Deployment]:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4 * IN_FLIGHT))
    with open_folder() as folder:
        async with Deployment(folder / "data") as deployed:
            await deployed.is_ready()
            yield deployed


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def client(there: Deployment, journal: Journal) -> JournalingClient:
    return JournalingClient(there.api.url, there.api.token, journal)


@pytest_asyncio.fixture(loop_scope="module")
async def step(client: JournalingClient) -> str:
    return await asyncio.to_thread(a_step, client)


@contextmanager
def open_folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="runledger-faults-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def a_step(client: JournalingClient) -> str:
    def made(path: str, body: dict[str, Any]) -> Any:
        return client.insist("POST", path, body).raise_for_status().json()

    system = made("/systems", {"system_name": "Rig"})["system_id"]
    run = made("/test-runs", {"title": "Endurance", "system_id": system})["uuid"]
    card = made(f"/test-runs/{run}/cards", {"title": "Cycles"})["uuid"]
    return f"/test-runs/{run}/cards/{card}/steps/{made(f'/test-runs/{run}/cards/{card}/steps', {'title': 'Cycle'})['uuid']}"


def outcome(step: str) -> Operation:
    key = uuid4().hex
    return Operation(key, "PATCH", step, {"execution_status": "passed_with_exception", "exception": f"m-{key}"})


async def timed(client: JournalingClient, operation: Operation) -> tuple[httpx.Response | None, float]:
    began = time.monotonic()
    return await asyncio.to_thread(client.send, operation), time.monotonic() - began


def assert_kept(there: Deployment, journal: Journal) -> None:
    lost, doubled, _ = invariants.kept(there.execute(invariants.OURS), journal.read())
    assert (lost, doubled) == ([], [])


async def until_done(client: JournalingClient, step: str) -> float:
    """How many seconds until an outcome is recorded again."""
    began = time.monotonic()
    while True:
        answer, _ = await timed(client, outcome(step))
        if answer is not None and answer.status_code == 200:
            return time.monotonic() - began
        await asyncio.sleep(0.05)


async def test_ended_under_load_it_finishes_what_it_took_and_exits_with_zero(
    there: Deployment, client: JournalingClient, journal: Journal, step: str
) -> None:
    there.postgres.delay_s = 0.1
    asking = [asyncio.create_task(timed(client, outcome(step)._replace(keyed=False))) for _ in range(4)]
    await asyncio.sleep(0.2)
    code = await asyncio.to_thread(there.api.end)
    answers = [(await each)[0] for each in asking]
    there.postgres.heal()
    await there.restart_api()
    assert code == 0
    assert [answer.status_code for answer in answers if answer is not None] == [200] * 4
    assert_kept(there, journal)


async def test_while_postgres_is_silent_every_answer_comes_in_time_and_says_when_to_ask_again(
    there: Deployment, client: JournalingClient, journal: Journal, step: str
) -> None:
    await asyncio.sleep(KEPT_S)  # so that the token is looked up again, by every one of them
    there.postgres.silent = True
    asked = [timed(client, outcome(step)) for _ in range(IN_FLIGHT)] + [timed(client, Operation("read", "GET", step, None, keyed=False))]
    for answer, took_s in await asyncio.gather(*asked):
        assert answer is not None
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        assert took_s < ERROR_S_MAX
    there.postgres.heal()
    assert await until_done(client, step) < RECOVERY_S_MAX
    await asyncio.to_thread(client.resolve)
    assert_kept(there, journal)


async def test_after_postgres_was_killed_the_api_comes_back_by_itself(
    there: Deployment, client: JournalingClient, journal: Journal, step: str
) -> None:
    await nemesis.kill_postgres(there, random.Random(0))
    assert await until_done(client, step) < RECOVERY_S_MAX
    await there.is_ready()
    assert {(await asyncio.to_thread(client.http.get, step)).status_code for _ in range(20)} == {200}
    assert_kept(there, journal)


@pytest.mark.parametrize("work", [nemesis.vacuum, nemesis.index_concurrently, nemesis.dump])
async def test_maintenance_of_the_database_holds_nobody_up(
    there: Deployment, client: JournalingClient, journal: Journal, step: str, work: nemesis.Harm
) -> None:
    working, slowest_s = asyncio.create_task(work(there, random.Random(0))), 0.0
    while not working.done():
        answer, took_s = await timed(client, outcome(step))
        assert answer is not None
        assert answer.status_code == 200
        slowest_s = max(slowest_s, took_s)
    await working
    print(f"{work.__name__}: slowest change {slowest_s * 1_000:.0f} ms")  # noqa: T201 - a figure of RELIABILITY.md
    assert slowest_s < STALL_S_MAX
    assert_kept(there, journal)


async def test_clients_that_do_not_read_cost_no_memory_and_hold_nobody_up(there: Deployment, client: JournalingClient, step: str) -> None:
    before = resident_mb(there.api.pid)
    request = f"GET /api/v1/test-runs?limit=100 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {there.api.token}\r\n\r\n".encode()
    slow = [socket.create_connection(("127.0.0.1", there.api.port)) for _ in range(SLOW_READERS)]
    for each in slow:
        each.sendall(request * 10)
    for _ in range(10):
        answer, _ = await timed(client, outcome(step))
        assert answer is not None
        assert answer.status_code == 200
    grown_mb = resident_mb(there.api.pid) - before
    for each in slow:
        each.close()
    print(f"{SLOW_READERS} slow readers: {grown_mb:.0f} MB more")  # noqa: T201 - a figure of RELIABILITY.md
    assert grown_mb < GROWTH_MB_MAX


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def test_a_dump_taken_under_load_restores_to_a_verified_ledger_that_goes_on(
    there: Deployment, client: JournalingClient, journal: Journal, step: str, tmp_path: Path
) -> None:
    await invariants.is_quiet(there)
    stopping = threading.Event()
    loading = asyncio.create_task(asyncio.to_thread(load, client, step, stopping))
    code, said = await there.tool("pg_dump", f"--file={tmp_path / 'dump'}", "--format=custom")
    stopping.set()
    await loading
    assert (code, said) == (0, "")
    there.execute("CREATE DATABASE restored")
    restoring = ("--exit-on-error", str(tmp_path / "dump"), "--dbname")
    assert await there.tool("pg_restore", *restoring, database="restored") == (0, "")
    urls = {name: value.replace("/runledger?", "/restored?") for name, value in there.worker.environment.items() if "_DATABASE_" in name}
    code, said = await there.run("verify", "--full", **urls)
    assert (code, "OK." in said) == (0, True), said
    shown = there.execute("SELECT count(*) FROM events", database="restored")[0][0]
    assert 0 < shown <= there.execute("SELECT count(*) FROM events")[0][0]
    there.execute("DROP DATABASE restored WITH (FORCE)")
    assert_kept(there, journal)


def load(client: JournalingClient, step: str, stopping: threading.Event) -> None:
    while not stopping.is_set():
        client.send(outcome(step))


async def test_a_schema_of_a_later_release_is_refused_by_every_program(there: Deployment) -> None:
    there.execute("INSERT INTO migrations (version) VALUES (999)")
    try:
        for program in ("serve", "worker"):
            code, said = await there.run(program, PORT="0", wait_s=60)
            assert code == Exit.REFUSED, said
            assert "schema version 999" in said
    finally:
        there.execute("DELETE FROM migrations WHERE version = 999")


async def test_after_the_clock_was_set_back_two_hours_the_order_of_times_stays_that_of_positions(
    there: Deployment, client: JournalingClient, journal: Journal, step: str
) -> None:
    """As the database sees it: what it has recorded last lies in the future."""
    await invariants.is_quiet(there)
    for table in ("roots", "ledger_head"):
        there.execute(f"UPDATE {table} SET at = clock_timestamp() + interval '2 hours'")
    other = await asyncio.to_thread(a_step, client)
    for each in (step, other, step):
        answer, _ = await timed(client, outcome(each))
        assert answer is not None
        assert answer.status_code == 200
    await invariants.is_quiet(there)
    assert there.execute(invariants.EMPTY["recorded time that runs backwards"]) == []
    code, said = await there.run("verify", "--full")
    assert code == 0, said
    assert_kept(there, journal)


async def test_with_a_full_disk_reading_goes_on_and_once_there_is_room_so_does_writing(tmp_path: Path) -> None:
    """PostgreSQL's directory is a small file system of its own; where none may be mounted, a trigger says the same as it would."""
    with open_folder() as folder, small_disk(folder / "data" / "postgres") as disk:
        async with Deployment(folder / "data") as there:
            journal = Journal(tmp_path / "full.journal")
            client = JournalingClient(there.api.url, there.api.token, journal)
            step = await asyncio.to_thread(a_step, client)
            observations = step + "/observations"
            fill(there, disk)
            refused, asked, reasons = 0, 0, set[str]()
            while refused < 3 and asked < 2_000:
                key = uuid4().hex
                text = f"m-{key} {random.Random(asked).randbytes(3_000).hex()}"
                answer = await asyncio.to_thread(client.send, Operation(key, "POST", observations, {"text": text}))
                asked += 1
                refused += answer is None or answer.status_code != 201
                assert answer is None or answer.status_code in (201, 503, 507), answer.text
                if answer is not None and answer.status_code != 201:
                    reasons.add(answer.json()["detail"].partition(":")[0])
            assert refused == 3
            assert "The database's disk is full" in reasons
            assert await reads(client, step), "reading goes on"
            make_room(there, disk)
            assert await until_done(client, step) < RECOVERY_S_MAX
            await asyncio.to_thread(client.resolve)
            assert_kept(there, journal)
            await invariants.is_quiet(there)
            code, said = await there.run("verify", "--full")
            assert code == 0, said


async def reads(client: JournalingClient, step: str) -> bool:
    return (await asyncio.to_thread(client.http.get, step)).status_code == 200


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """None where nothing may be mounted."""
    folder.mkdir(parents=True)
    folder.parent.chmod(0o711)
    mount = shutil.which("mount") or "mount"
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=400m,mode=711", "tmpfs", folder], check=False, capture_output=True)
    try:
        yield folder if done.returncode == 0 else None
    finally:
        if done.returncode == 0:
            subprocess.run([shutil.which("umount") or "umount", "--lazy", folder], check=True)


def fill(there: Deployment, disk: Path | None) -> None:
    """Room stays for the rest of the write-ahead log's segment, none for tables."""
    if disk is None:
        there.execute("CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE SQLSTATE '53100'; END $$")
        there.execute("CREATE TRIGGER full BEFORE INSERT ON events EXECUTE FUNCTION full()")
        return
    there.execute("CHECKPOINT")
    with (disk / "ballast").open("wb") as file:
        while shutil.disk_usage(disk).free > 200_000:
            file.write(bytes(min(1_000_000, shutil.disk_usage(disk).free - 100_000)))
            file.flush()


def make_room(there: Deployment, disk: Path | None) -> None:
    if disk is None:
        there.execute("DROP FUNCTION full() CASCADE")
    else:
        (disk / "ballast").unlink()
