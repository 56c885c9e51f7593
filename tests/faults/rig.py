"""The API on embedded servers, a run to report on, and workers in processes of their own, which a test harms."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
from msgspec.structs import replace
from redis import Redis

from infra import queue
from infra.embedded import beside
from infra.settings import Settings
from tests.acceptance.program import Program
from tests.faults import worker
from tests.infra import stores

LEASE_S = 1
WAIT_S_MAX = 30.0
ENDS = ("completed", "failed", "cancelled")
EVENTS = """SELECT topic, (convert_from(state, 'UTF8')::json ->> 'attempt')::int FROM runledger.events
  WHERE originator_id = %s ORDER BY originator_version"""
ALL_ENDS = "SELECT originator_id FROM runledger.events WHERE topic IN ('report.completed', 'report.failed', 'report.cancelled')"


class Worker:
    """`fault` is a FAULT_POINT."""

    def __init__(self, rig: "Rig", fault: str, options: tuple[str, ...], settings: dict[str, str]) -> None:
        environment = (
            rig.program.environment
            | {"RUNLEDGER_REPORT_LEASE_S": str(LEASE_S), "FAULT_POINT": fault, "RUNLEDGER_SEARCH_MEANING": "false"}
            | settings
        )
        self.process = worker.start(environment, options, rig.program.directory.parent / "workers.output")
        self.pid = self.process.pid or 0

    async def died(self) -> None:
        """Waits until its fault has killed it."""
        await until(lambda: self.process.exitcode is not None)
        assert self.process.exitcode == -signal.SIGKILL

    async def is_stopped(self) -> None:
        """Waits until its fault has stopped it."""
        stat = Path(f"/proc/{self.pid}/stat")
        await until(lambda: stat.read_text().rpartition(") ")[2].startswith("T"))

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    async def end(self) -> int | None:
        """Its exit code after SIGTERM."""
        self.process.terminate()
        await until(lambda: self.process.exitcode is not None)
        return self.process.exitcode


class Rig:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.workers: list[Worker] = []
        headers = {"authorization": f"Bearer {program.token}"}
        self.http = httpx.Client(base_url=f"{program.url}/api/v1", headers=headers, timeout=10)
        system = self.post("/systems", {"system_name": "Rig"})["system_id"]
        self.run = self.post("/test-runs", {"title": "Endurance", "system_id": system})["uuid"]
        card = self.post(f"/test-runs/{self.run}/cards", {"title": "Cycles"})["uuid"]
        self.post(f"/test-runs/{self.run}/cards/{card}/steps", {"title": "Cycle"})
        self.db = psycopg.connect(program.addresses()["RUNLEDGER_DATABASE_OWNER_URL"], autocommit=True)

    @property
    def settings(self) -> Settings:
        return beside.settings(self.program.directory)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.http.post(path, json=body).raise_for_status().json()

    def worker(self, fault: str = "", *options: str, **settings: str) -> Worker:
        self.workers.append(Worker(self, fault, options, settings))
        return self.workers[-1]

    def ask(self, run: str = "") -> str:
        """The id of a report that was asked for."""
        return str(self.post(f"/test-runs/{run or self.run}/reports", {"scope": "run"})["uuid"])

    def shown(self, report: str, run: str = "") -> dict[str, Any]:
        return dict(self.http.get(f"/test-runs/{run or self.run}/reports/{report}").raise_for_status().json())

    def cancel(self, report: str) -> None:
        self.post(f"/job-runs/{self.shown(report)['job_run_id']}/cancel")

    def cancel_if_open(self, report: str) -> None:
        """One that has ended meanwhile stays as it is."""
        assert self.http.post(f"/job-runs/{self.shown(report)['job_run_id']}/cancel").status_code in (200, 409)

    def redis(self, url: str) -> Redis:
        return queue.client(replace(self.settings, redis_url=url))

    async def with_file(self, content: bytes) -> tuple[str, str]:
        """A run with one file, and the key of its object."""
        key = f"{time.monotonic_ns()}.csv"
        await stores.put(self.settings, key, content)
        system = self.http.get("/systems").json()["items"][0]["system_id"]
        run = self.post("/test-runs", {"title": "With a file", "system_id": system})["uuid"]
        file = {"file_name": "log.csv", "s3_url": f"s3://runledger/{key}", "file_size": len(content), "content_type": "text/csv"}
        self.post(f"/test-runs/{run}/data", file)
        return run, key

    def told(self, report: str) -> list[tuple[str, int | None]]:
        """What happened since it was asked for, each with its attempt."""
        return [(topic.removeprefix("report."), attempt) for topic, attempt in self.db.execute(EVENTS, (report,)).fetchall()[1:]]

    async def ends(self, report: str) -> list[tuple[str, int | None]]:
        """The same, once the report has ended."""
        await until(lambda: any(name in ENDS for name, _ in self.told(report)))
        return self.told(report)

    async def is_begun(self, report: str, attempt: int = 1) -> None:
        await until(lambda: ("started", attempt) in self.told(report))

    async def is_idle(self) -> None:
        """Waits until no report is open."""
        await until(lambda: self.db.execute("SELECT count(*) FROM runledger.report_jobs").fetchone() == (0,))

    def assert_one_end_each(self) -> None:
        counted = Counter(row[0] for row in self.db.execute(ALL_ENDS))
        assert set(counted.values()) <= {1}

    def dismiss(self) -> None:
        for started in self.workers:
            started.kill()
        self.workers.clear()


async def until(true: Callable[[], object], wait_s: float = WAIT_S_MAX) -> None:
    end = time.monotonic() + wait_s
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
