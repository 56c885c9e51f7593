"""Every figure that an operator watches is there on the running program, and moves with what it stands for."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.program import Program, processes

WAIT_S_MAX = 60
RUN = "/api/v1/test-runs"


class Watched:
    """The program, its figures as they stand, and a client of it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.http = httpx.Client(base_url=program.url, headers={"authorization": f"Bearer {program.token}"}, timeout=30)

    def figure(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels; a figure that is not there is an error."""
        samples = [s for family in text_string_to_metric_families(self.http.get("/metrics").text) for s in family.samples if s.name == name]
        assert samples, f"{name} is not there"
        return sum(s.value for s in samples if labels.items() <= s.labels.items())

    def until(self, fits: Callable[[float], bool], name: str, **labels: str) -> None:
        end = time.monotonic() + WAIT_S_MAX
        while not fits(value := self.figure(name, **labels)):
            assert time.monotonic() < end, f"{name} {labels} stays at {value}"
            time.sleep(0.02)

    def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def signal_worker(self, number: signal.Signals) -> None:
        (worker,) = (pid for pid, parent, name in processes() if parent == self.program.pid and name.startswith("python"))
        os.kill(worker, number)


def test_figures_are_there_and_move(tmp_path: Path) -> None:
    with Program(tmp_path / "data") as program:
        watched = Watched(program)
        route = {"method": "POST", "route": RUN}
        appends, position = watched.figure("runledger_append_seconds_count"), watched.figure("runledger_sequence_position")
        system = watched.made("/systems", {"system_name": "Rig"})["system_id"]
        run = watched.made("/test-runs", {"title": "Endurance", "system_id": system})["uuid"]
        watched.http.post(RUN, json={})
        assert watched.figure("runledger_http_requests_total", **route, status="201") == 1
        assert watched.figure("runledger_http_requests_total", **route, status="422") == 1
        assert watched.figure("runledger_http_request_seconds_count", **route) == 2
        assert watched.figure("runledger_append_seconds_count") == appends + 2
        watched.until(lambda value: value > position, "runledger_sequence_position")

        watched.signal_worker(signal.SIGSTOP)
        card = watched.made(f"/test-runs/{run}/cards", {"title": "Cycles"})["uuid"]
        watched.until(lambda value: value == 1, "runledger_sequence_lag_events")
        watched.until(lambda value: value > 0.1, "runledger_sequence_lag_seconds")
        watched.signal_worker(signal.SIGCONT)
        watched.until(lambda value: value == 0, "runledger_sequence_lag_events")
        watched.until(lambda value: value == 0, "runledger_follower_lag_events", follower="report relay")
        assert watched.figure("runledger_follower_lag_seconds", follower="report relay") == 0
        assert watched.figure("runledger_follower_parked_roots", follower="report relay") == 0

        for n in range(40):
            watched.made(f"/test-runs/{run}/cards/{card}/steps", {"title": f"Cycle {n}"})
        watched.until(lambda value: value > 0, "runledger_documents_to_embed")
        for _ in range(4):
            watched.made(f"/test-runs/{run}/reports", {"scope": "run"})
        watched.until(lambda value: value > 0, "runledger_reports", state="running")
        assert watched.figure("runledger_reports_oldest_seconds") > 0
        watched.until(lambda value: value == 0, "runledger_reports")

        age = watched.figure("runledger_chain_age_seconds")
        watched.until(lambda value: value > age, "runledger_chain_age_seconds")
        assert watched.figure("runledger_checkpoint_lag_events") > 0
        assert watched.figure("runledger_checkpoint_age_seconds") >= 0
        assert 1 <= watched.figure("runledger_pool_size") <= watched.figure("runledger_pool_max")
        assert watched.figure("runledger_pool_available") <= watched.figure("runledger_pool_size")
        assert watched.figure("runledger_pool_requests_waiting") == 0
