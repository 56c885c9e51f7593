"""The row of reports: how soon a worker begins with one that was asked for."""

import time
from uuid import UUID

import msgspec
import psycopg

from bench import figures
from bench.figures import Figures
from bench.ledger_maker import Size
from bench.load import drive, request
from bench.pace import QUICK, ROUNDS, say
from bench.world import World

REPORTS = 5 if QUICK else 60  # a round
END_S_MAX = 60.0
LOOK_S = 0.02

_OPEN = "SELECT count(*) FROM reports WHERE run_id = %s AND ended_at IS NULL"
_WAITS = """SELECT extract(epoch FROM min(s.recorded_at) - r.recorded_at)::float8
  FROM events r JOIN events s ON s.originator_id = r.originator_id AND s.topic = 'report.started'
  WHERE r.root_id = %s AND r.topic = 'report.requested' GROUP BY r.originator_id, r.recorded_at ORDER BY r.recorded_at"""


def report(world: World) -> list[Figures]:
    """Reports asked for one after the end of another: from `report.requested` to the first `report.started`, as recorded.

    The first is not counted: the worker may be starting still.
    """
    rounds = []
    for n, run in enumerate(world.make(Size(1 + ROUNDS, 5, 10, outcomes=1))):
        say(f"round {n} of {ROUNDS}" if n else "one to begin with")
        for _ in range(REPORTS if n else 1):
            ask_and_wait(world, run.run_id)
        with psycopg.connect(world.owner_url, options=world.search_path) as conn:
            rounds.append([1000 * row[0] for row in conn.execute(_WAITS, (run.run_id,))])
    return [figures.waits("report asked for to begun, one by one", "p99 < 300 ms", rounds[1:])]


def ask_and_wait(world: World, run_id: UUID) -> None:
    """A report of that run, until its end."""
    asked = request("POST", f"/test-runs/{run_id}/reports", world.token, msgspec.json.encode({"scope": "run"}))
    if refused := drive(world.port, [asked], 1, 0).refused:
        raise RuntimeError(refused[0])
    end = time.monotonic() + END_S_MAX
    with psycopg.connect(world.owner_url, options=world.search_path, autocommit=True) as conn:
        while conn.execute(_OPEN, (run_id,)).fetchone() != (0,):
            if time.monotonic() > end:
                raise TimeoutError("a report did not end")
            time.sleep(LOOK_S)
