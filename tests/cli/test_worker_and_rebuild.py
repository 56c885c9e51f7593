"""The worker beside the API, and `runledger rebuild` on a running server."""

import json
import os
import signal
import time
from pathlib import Path

import httpx
import psycopg

from infra.embedded import beside
from projections import views
from tests.cli.program import Serving

WAIT_S_MAX = 30


def worker_of(directory: Path) -> int:
    """The process id of the worker that serves this directory."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"cli.main\0worker" in (entry / "cmdline").read_bytes() and os.fsencode(directory) in (entry / "environ").read_bytes():
                return int(entry.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return 0


def sequenced(server: Serving, admin: str) -> int:
    """Waits until every event has a position; returns the last one."""
    end = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < end:
        shown = httpx.get(f"{server.url}/api/v1/admin/projections", headers={"authorization": f"Bearer {admin}"}).json()
        if not shown["sequence"]["events"]:
            return int(shown["sequence"]["seq"])
        time.sleep(0.05)
    raise TimeoutError(shown)


def admin_of(server: Serving) -> str:
    made = server.run("token", "create", "--name", "test", "--email", "test@example.com", "--role", "admin", "--json")
    return str(json.loads(made.stdout)["token"])


def test_a_worker_that_is_killed_is_started_again_and_goes_on(server: Serving) -> None:
    admin = admin_of(server)
    before, first = sequenced(server, admin), worker_of(server.directory)
    assert before > 0
    os.kill(first, signal.SIGKILL)
    httpx.post(f"{server.url}/api/v1/systems", json={"system_name": "PDU"}, headers={"authorization": f"Bearer {admin}"}).raise_for_status()
    end = time.monotonic() + WAIT_S_MAX
    while worker_of(server.directory) in (0, first):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert sequenced(server, admin) > before


def test_the_worker_works_in_the_directory_of_its_api_wherever_it_was_called(directory: Path) -> None:
    """Without RUNLEDGER_DATA_DIR the directory is relative to where a person stands."""
    serving = Serving(directory.parent / ".runledger", RUNLEDGER_DATA_DIR="")
    try:
        end = time.monotonic() + WAIT_S_MAX
        while not (serving.directory / "checkpoints.ndjson").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        assert (serving.directory / "keys" / "signing.pem").exists()
        verified = serving.run("verify", "--json")
        assert (verified.returncode, json.loads(verified.stdout)["notes"]) == (0, [])
    finally:
        assert serving.end(signal.SIGTERM)[0] == 0


def test_rebuild_says_what_it_did_and_can_be_taken_back(server: Serving) -> None:
    done = server.run("rebuild", "--processes", "2")
    assert done.returncode == 0, done.stderr
    assert "the same, row for row" in done.stderr
    assert "The new views are live" in done.stderr
    told = json.loads(server.run("rebuild", "--json", "--dry-run").stdout)
    assert (told["differences"], told["pause_ms"], told["dry_run"]) == ([], None, True)
    back = server.run("rebuild", "--rollback", "--json")
    assert json.loads(back.stdout)["pause_ms"] < 1_000


def test_what_differs_is_shown_before_it_is_mended(server: Serving) -> None:
    settings = beside.settings(server.directory)
    admin = admin_of(server)
    httpx.post(f"{server.url}/api/v1/systems", json={"system_name": "PDU"}, headers={"authorization": f"Bearer {admin}"}).raise_for_status()
    with psycopg.connect(settings.owner_url or "", autocommit=True) as owner:
        owner.execute(f"UPDATE {settings.schema}_views.systems SET system_name = 'altered' WHERE system_name = 'PDU'")
    done = server.run("rebuild")
    assert done.returncode == 0, done.stderr
    assert "systems" in done.stdout
    assert "altered" in done.stdout
    shown = httpx.get(f"{server.url}/api/v1/systems", headers={"authorization": f"Bearer {admin}"}).json()
    assert "altered" not in {item["system_name"] for item in shown["items"]}


def test_a_second_rebuild_is_refused_with_its_own_exit_code(server: Serving) -> None:
    settings = beside.settings(server.directory)
    with psycopg.connect(settings.owner_url or "", autocommit=True) as owner:
        owner.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"{settings.schema} rebuild",))
        done = server.run("rebuild")
    assert (done.returncode, done.stdout) == (5, "")
    assert "running already" in done.stderr


def test_without_the_owner_a_rebuild_says_what_it_needs(server: Serving) -> None:
    app = beside.settings(server.directory).database_url or ""
    done = server.run("rebuild", RUNLEDGER_DATABASE_URL=app)
    assert done.returncode == 1, done.stderr
    assert "RUNLEDGER_DATABASE_OWNER_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_tells_of_the_sequence(server: Serving) -> None:
    sequenced(server, admin_of(server))
    checks = {check["name"]: check for check in json.loads(server.run("doctor", "--json").stdout)["checks"]}
    assert checks["Sequence"]["state"] == "ok"
    assert views.fingerprint() in checks["Views"]["found"]
