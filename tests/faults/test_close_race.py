"""Eight writers record outcomes in one run while it is closed."""

import asyncio
import time
from collections import Counter
from typing import Any

import psycopg

from tests.api.atlas.test_campaign import make_run
from tests.conftest import World

WRITERS = 8
BEFORE_S, AFTER_S = 1.0, 0.3
LOG = """SELECT topic, root_version, convert_from(metadata, 'UTF8')::json ->> 'command_id'
  FROM runledger.events WHERE root_id = %s ORDER BY root_version"""
ROWS = "SELECT status, count(*) FROM runledger_views.steps WHERE run_id = %s GROUP BY status"


async def record_until(world: World, step: str, ends_at: float) -> list[tuple[int, str]]:
    """The status and command id of every answer."""
    answers = []
    statuses = ("passed", "failed")
    while time.monotonic() < ends_at:
        answer = await world.engineer("PATCH", step, {"execution_status": statuses[len(answers) % 2]})
        answers.append((answer.status_code, answer.headers.get("x-command-id", "")))
    return answers


def query(world: World, sql: str, run: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(world.settings.owner_url or "") as conn:
        return conn.execute(sql, (run,)).fetchall()


async def test_no_outcome_follows_the_close_and_none_is_lost_or_doubled(world: World) -> None:
    run, card, steps = await make_run(world, WRITERS // 2)  # two writers a step, so that they also overtake each other
    ends_at = time.monotonic() + BEFORE_S + AFTER_S
    paths = [f"/test-runs/{run}/cards/{card}/steps/{step}" for step in steps * 2]
    writing = asyncio.gather(*(record_until(world, path, ends_at) for path in paths))
    await asyncio.sleep(BEFORE_S)
    assert (await world.engineer("POST", f"/test-runs/{run}/close")).status_code == 200
    answers = [answer for part in await writing for answer in part]
    accepted = [command for status, command in answers if status == 200]
    assert {status for status, _ in answers} == {200, 409}
    log = query(world, LOG, run)
    topics = [topic for topic, _, _ in log]
    assert topics[-1] == "test_run.closed"
    assert topics.count("test_run.closed") == 1
    assert [version for _, version, _ in log] == list(range(1, len(log) + 1))
    assert Counter(command for topic, _, command in log if topic == "step.outcome_recorded") == Counter(accepted)
    item = (await world.engineer("GET", "/test-runs")).json()["items"][0]
    assert item["step_status_counts"] == dict(query(world, ROWS, run))
    assert sum(item["step_status_counts"].values()) == len(steps)
