"""`runledger verify` and `runledger audit` as an auditor uses them: exit codes, data on stdout, the rest on stderr."""

import asyncio
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from infra import database
from infra.embedded import beside
from infra.settings import Settings
from tests.cli.program import Serving
from tests.workers.test_sequencer import caught_up
from workers import sequencer


@pytest.fixture(scope="module")
def settled(server: Serving) -> Iterator[Serving]:
    """A server with a run of some events, all of which have their position."""
    client = httpx.Client(
        base_url=f"{server.url}/api/v1", trust_env=False, headers={"authorization": f"Bearer {server.said['first_admin_token']}"}
    )
    with client:
        system = client.post("/systems", json={"system_name": "PDU"}).json()["system_id"]
        run = client.post("/test-runs", json={"title": "Acceptance", "system_id": system}).json()
        for title in ("Second", "Third"):
            assert client.patch(f"/test-runs/{run['uuid']}", json={"title": title}).status_code == 200
    asyncio.run(settle(beside.settings(server.directory)))
    yield server


async def settle(settings: Settings) -> None:
    """Waits until every event has its position, whoever leads the sequence."""
    stopping = asyncio.Event()
    leading = asyncio.create_task(sequencer.run(settings, stopping))
    async with await database.dedicated(settings) as conn:
        await caught_up(conn)
    stopping.set()
    await leading


def owner(server: Serving) -> psycopg.Connection:
    settings = beside.settings(server.directory)
    return psycopg.connect(settings.owner_url or "", autocommit=True, options=f"-c search_path={settings.schema}")


def test_a_sound_ledger_is_clean_and_damage_ends_with_three(settled: Serving) -> None:
    done = settled.run("verify", "--full", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["ok"], report["problems"], report["from_position"]) == (True, [], 1)
    said = settled.run("verify")
    assert (said.returncode, said.stdout.startswith(f"OK. {report['events']} events, positions 1 to ")) == (0, True)
    with owner(settled) as conn:
        conn.execute("UPDATE ledger SET chain_hash = sha256(chain_hash) WHERE seq = 2")
        try:
            damaged = settled.run("verify", "--json")
            assert damaged.returncode == 3, damaged.stderr
            problems = [(p["position"], p["kind"]) for p in json.loads(damaged.stdout)["problems"]]
            assert (2, "chain_broken") in problems
            assert set(problems) <= {(2, "chain_broken"), (2, "chain_rewritten")}  # the latter if the worker signed position 2
            said = settled.run("verify")
            assert (said.returncode, "chain_broken" in said.stdout, "DAMAGED: " in said.stdout) == (3, True, True)
            assert settled.run("verify", "--since", "3").returncode == 0
        finally:
            conn.execute(
                "UPDATE ledger l SET chain_hash = sha256(b.chain_hash || l.event_hash) FROM ledger b WHERE l.seq = 2 AND b.seq = 1"
            )
    assert settled.run("verify").returncode == 0


def test_the_database_being_down_is_not_damage(tmp_path: Path, settled: Serving) -> None:
    for command in (("verify",), ("audit", "check")):
        done = settled.run(*command, RUNLEDGER_DATABASE_URL=f"postgresql://nobody@/none?host={tmp_path}")
        assert (done.returncode, done.stdout) == (4, ""), done.stderr


def test_every_event_is_read_and_one_that_cannot_be_is_named(settled: Serving) -> None:
    done = settled.run("audit", "check", "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)
    with owner(settled) as conn:
        conn.execute("UPDATE events SET schema_number = 99 WHERE topic = 'system.created'")
        try:
            done = settled.run("audit", "check")
            assert (done.returncode, "this release knows up to 1" in done.stdout) == (3, True)
        finally:
            conn.execute("UPDATE events SET schema_number = 1 WHERE topic = 'system.created'")


def test_evidence_is_exported_and_proves_itself_also_after_a_new_key(settled: Serving, tmp_path: Path) -> None:
    done = settled.run("audit", "export", "--run", "TR-0001", "--out", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["path"] == str(tmp_path / "TR-0001-evidence.zip")
    rotated = settled.run("audit", "rotate-key")
    assert rotated.returncode == 0, rotated.stderr
    key = rotated.stdout.strip()
    again = settled.run("audit", "export", "--run", "tr-1", "--out", str(tmp_path / "new" / "e.zip"))
    assert again.stdout.strip() == str(tmp_path / "new" / "e.zip")
    with zipfile.ZipFile(tmp_path / "new" / "e.zip") as archive:
        archive.extractall(tmp_path / "evidence")
    command = [sys.executable, "-I", "-S", "verify.py", "--key-id", key]
    verdict = subprocess.run(command, cwd=tmp_path / "evidence", check=False, capture_output=True, text=True)
    assert (verdict.returncode, "VERDICT: GOOD" in verdict.stdout) == (0, True), verdict.stdout
    assert settled.run("verify").returncode == 0
    unknown = settled.run("audit", "export", "--run", "TR-9999")
    assert (unknown.returncode, unknown.stderr) == (1, "Error: No such test run.\n")
