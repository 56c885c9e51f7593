"""A report from asking to reading, by the real program with its worker and the real analysis."""

import asyncio
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.embedded import beside
from tests.acceptance.program import Program
from tests.infra import stores

WAIT_S_MAX = 60
ROWS = [f"{n / 10},{13.0 if n == 700 else 12.0 + (n % 7) / 100}" for n in range(1_000)]
LOG = "\n".join(["time_s,rail_V", *ROWS, ""]).encode()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("reports") / "data") as started:
        yield started


def final(client: httpx.Client, path: str) -> dict[str, Any]:
    end = time.monotonic() + WAIT_S_MAX
    while True:
        shown = client.get(path).raise_for_status().json()
        if shown["status"] not in ("pending", "running"):
            return dict(shown)
        assert time.monotonic() < end, shown
        time.sleep(0.05)


def test_a_report_finds_what_is_in_the_file_and_names_what_it_read(program: Program) -> None:
    asyncio.run(stores.put(beside.settings(program.directory), "rail.csv", LOG))
    with httpx.Client(base_url=f"{program.url}/api/v1", headers={"authorization": f"Bearer {program.token}"}) as client:

        def made(path: str, body: dict[str, Any]) -> Any:
            return client.post(path, json=body).raise_for_status().json()

        system = made("/systems", {"system_name": "Power unit"})["system_id"]
        run = made("/test-runs", {"title": "Acceptance", "system_id": system})["uuid"]
        file = {"file_name": "rail.csv", "s3_url": "s3://runledger/rail.csv", "file_size": len(LOG), "content_type": "text/csv"}
        made(f"/test-runs/{run}/data", file)
        report = made(f"/test-runs/{run}/reports", {"scope": "run"})
        shown = final(client, f"/test-runs/{run}/reports/{report['uuid']}")
        job = client.get(f"/job-runs/{report['job_run_id']}").raise_for_status().json()
    assert (shown["status"], shown["failure_reason"], job["attempt"]) == ("completed", None, 1)
    assert [f["sha256"] for f in shown["manifest"]["files"]] == [hashlib.sha256(LOG).hexdigest()]
    assert "rail.csv" in shown["content"]
    assert "70" in shown["content"], "the spike at 70 s"


def test_the_worker_itself_holds_no_library_of_analysis(program: Program) -> None:
    """They are the child's: an idle worker stays small."""
    mapped = [(Path("/proc") / str(pid) / "maps").read_text() for pid in workers_of(program)]
    assert len(mapped) == 1
    assert "polars" not in mapped[0]
    assert "numpy" not in mapped[0]


def workers_of(program: Program) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if b"cli.main\0worker" in command and os.fsencode(program.directory) in environment:
            found.append(int(entry.name))
    return found
