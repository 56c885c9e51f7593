"""The row of reports: how soon a worker begins with one that was asked for."""

import time
from statistics import quantiles

import msgspec
import psycopg

from bench.figures import Figures
from bench.ledger_maker import Size
from bench.load import drive, request
from bench.world import World

REPORTS = 100
END_S_MAX = 30.0
LOOK_S = 0.02

_OPEN = "SELECT count(*) FROM reports WHERE run_id = %s AND ended_at IS NULL"
_WAITS = """SELECT extract(epoch FROM min(s.recorded_at) - r.recorded_at)::float8
  FROM events r JOIN events s ON s.originator_id = r.originator_id AND s.topic = 'report.started'
  WHERE r.root_id = %s AND r.topic = 'report.requested' GROUP BY r.originator_id, r.recorded_at ORDER BY r.recorded_at"""


def report(world: World) -> list[Figures]:
    """Reports asked for one after the end of another: from `report.requested` to the first `report.started`, as recorded.

    The first is not counted: the worker may be starting still.
    """
    run = world.make(Size(1, 5, 10, outcomes=1))[0].run_id
    asked = request("POST", f"/test-runs/{run}/reports", world.token, msgspec.json.encode({"scope": "run"}))
    with psycopg.connect(world.owner_url, options=world.search_path, autocommit=True) as conn:
        for _ in range(1 + REPORTS):
            if refused := drive(world.port, [asked], 1, 0).refused:
                raise RuntimeError(refused[0])
            end = time.monotonic() + END_S_MAX
            while conn.execute(_OPEN, (run,)).fetchone() != (0,):
                if time.monotonic() > end:
                    raise TimeoutError("a report did not end")
                time.sleep(LOOK_S)
        waits = [1000 * row[0] for row in conn.execute(_WAITS, (run,))]
    cut = quantiles(waits[1:], n=100)
    return [Figures("report asked for to begun", "ms", cut[49], None, cut[49], cut[94], cut[98], "p99 < 300 ms")]
