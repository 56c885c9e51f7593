"""What was acknowledged is there, once, whatever was killed meanwhile: promises P1, P2, P3 and P4 on the real program."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.journal import Journal, JournalingClient
from tests.acceptance.program import Program

SEED = 20_261
WRITERS, WRITES_EACH, KILLS = 4, 50, 2
RUNS, STEPS = 2, 6
STATUSES = ("passed", "failed", "done", "todo")
WAIT_S_MAX = 30


def kill_program(program: Program) -> None:
    program.kill()
    program.start()


def kill_postgres(program: Program) -> None:
    os.kill(program.servers()["postgres"], signal.SIGKILL)


def end_program(program: Program) -> None:
    """As a deployment does it: what is in flight is finished, and the exit says that all is well."""
    assert program.end(signal.SIGTERM) == 0
    program.start()


@pytest.mark.parametrize("fault", [kill_program, kill_postgres, end_program])
def test_every_acknowledged_outcome_survives(tmp_path: Path, fault: Callable[[Program], None]) -> None:
    chance = random.Random(SEED)
    total = WRITERS * WRITES_EACH
    with Program(tmp_path / "data") as program:
        client = JournalingClient(program.url, program.token, Journal(tmp_path / "campaign.journal"))
        runs = [campaign(client, n) for n in range(RUNS)]
        outcomes = Journal(tmp_path / "outcomes.journal")
        paths = [f"/test-runs/{run}/cards/{card}/steps/{step}" for run, card, steps in runs for step in steps]
        writers = [Writer(program, outcomes, n, paths) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        for moment in sorted(chance.sample(range(total // 8, total * 7 // 8), KILLS)):
            until(lambda moment=moment: sum(w.done for w in writers) >= moment)
            fault(program)
        for writer in writers:
            writer.join(WAIT_S_MAX)
        assert [w.done for w in writers] == [WRITES_EACH] * WRITERS
        until(program.is_ready)
        if fault is end_program:
            assert outcomes.statuses() == {200}  # requests that it took were answered, others never reached it
        assert_kept(program, outcomes, total)
        for run, _, _ in runs:
            assert_summary_is_sum_of_steps(client, run)


class Writer(threading.Thread):
    """Records outcomes chosen by its own seeded chance; insists on an answer to each."""

    def __init__(self, program: Program, journal: Journal, number: int, paths: list[str]) -> None:
        super().__init__(name=f"writer {number}", daemon=True)
        self.client = JournalingClient(program.url, program.token, journal)
        self.chance, self.paths, self.done = random.Random(SEED + number), paths, 0

    def run(self) -> None:
        for _ in range(WRITES_EACH):
            answer = self.client.insist("PATCH", self.chance.choice(self.paths), {"execution_status": self.chance.choice(STATUSES)})
            assert answer.status_code == 200, answer.text
            self.done += 1


def campaign(client: JournalingClient, number: int) -> tuple[str, str, list[str]]:
    def made(path: str, body: dict[str, Any]) -> Any:
        return client.insist("POST", path, body).raise_for_status().json()

    system = made("/systems", {"system_name": f"Rig {number}"})["system_id"]
    run = made("/test-runs", {"title": f"Endurance {number}", "system_id": system})["uuid"]
    card = made(f"/test-runs/{run}/cards", {"title": "Cycles"})["uuid"]
    steps = [made(f"/test-runs/{run}/cards/{card}/steps", {"title": f"Cycle {n}"})["uuid"] for n in range(STEPS)]
    return run, card, steps


def assert_kept(program: Program, journal: Journal, total: int) -> None:
    operations = journal.read()
    assert Counter(o.status for o in operations) == {200: total}
    with psycopg.connect(program.addresses()["RUNLEDGER_DATABASE_OWNER_URL"]) as conn:
        recorded = Counter(
            command
            for (command,) in conn.execute(
                "SELECT convert_from(metadata, 'UTF8')::jsonb ->> 'command_id' FROM runledger.events WHERE topic = 'step.outcome_recorded'"
            )
        )
        assert recorded == Counter({o.command_id: 1 for o in operations})
        for holes in (
            "SELECT root_id FROM runledger.events GROUP BY 1 HAVING min(root_version) <> 1 OR max(root_version) <> count(*)",
            "SELECT originator_id FROM runledger.events GROUP BY 1 HAVING min(originator_version) <> 1 OR max(originator_version) <> count(*)",
            "SELECT root_id FROM runledger.roots r WHERE version <> (SELECT count(*) FROM runledger.events e WHERE e.root_id = r.root_id)",
        ):
            assert conn.execute(holes).fetchall() == []


def assert_summary_is_sum_of_steps(client: JournalingClient, run: str) -> None:
    shown = client.read(f"/test-runs/{run}")
    counts = Counter(step["execution_status"] for card in shown["test_cards"] for step in card["test_steps"])
    summary = next(item for item in client.read("/test-runs")["items"] if item["uuid"] == run)
    assert {s: n for s, n in summary["step_status_counts"].items() if n} == counts
    assert summary["completion_pct"] == pytest.approx(1 - counts["todo"] / STEPS)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S_MAX
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
