"""The rows of the table, written out: each interleaves ours with its floor and gives lines of figures."""

from collections.abc import Callable
from statistics import median
from typing import Any

import msgspec
from msgspec.structs import replace

from bench import audit_rows, figures, floors, report_rows, search_rows
from bench.figures import Figures
from bench.ledger_maker import Size
from bench.load import Load, drive_apart, request
from bench.requests import outcomes
from bench.world import World
from projections import documents, run_list

CLIENTS = 32
ROUNDS = 3
ROUND_S = 4.0
BULK = 500
STARTS = 3

Row = Callable[[World], list[Figures]]


def patch_many(world: World) -> list[Figures]:
    """PATCH of a step's outcome over 50 runs."""
    return _patch(world, 50, "PATCH outcome, 50 runs", "0.40 of floor, p99 < 60 ms")


def patch_one(world: World) -> list[Figures]:
    """The same on one run, whose head row every write takes."""
    return _patch(world, 1, "PATCH outcome, 1 run", "0.60 of floor")


def _patch(world: World, runs: int, name: str, goal: str) -> list[Figures]:
    made = world.make(Size(runs, 5, 20, outcomes=1))
    requests = list(outcomes(world, made))
    ours, floor = [], []
    for _ in range(ROUNDS):
        ours.append(drive_apart(world.port, requests, CLIENTS, ROUND_S))
        floor.append(floors.three_writes(world.owner_url, runs, CLIENTS, ROUND_S))
    return [figures.of(name, goal, ours, floor)]


def bulk(world: World) -> list[Figures]:
    """500 outcomes a request, beside PATCHes one by one over the same runs."""
    made = world.make(Size(8, 25, 20, outcomes=1))
    singles = list(outcomes(world, made))
    requests = []
    for status in ("passed", "failed"):
        for run in made:
            results = [{"test_step_id": str(step), "execution_status": status} for _, step in run.steps[:BULK]]
            requests.append(request("POST", f"/test-runs/{run.run_id}/results", world.token, msgspec.json.encode({"results": results})))
    ours, single = [], []
    for _ in range(ROUNDS):
        ours.append(drive_apart(world.port, requests, 4, ROUND_S))
        single.append(drive_apart(world.port, singles, CLIENTS, ROUND_S))
    return [figures.of("bulk outcomes, 500 a request", "8,000 events/s, 10 x single", ours, single, unit="events/s", each=BULK)]


def detail(world: World) -> list[Figures]:
    """GET of a run with 10 cards of 20 steps."""
    made = world.make(Size(50, 10, 20, outcomes=1))
    requests = [request("GET", f"/test-runs/{run.run_id}", world.token) for run in made]
    params = [{"run_id": run.run_id} for run in made]
    return [_read(world, "GET run, 10 x 20 steps", "0.50 of raw, p99 < 30 ms", requests, documents.RUN_DETAIL, params)]


def list_page(world: World) -> list[Figures]:
    """GET of 50 runs at 10,000 runs."""
    world.fill(10_000)
    sql, params = run_list.page(run_list.RunFilter(limit=50))
    requests = [request("GET", "/test-runs?limit=50", world.token)]
    return [_read(world, "GET list of 50 at 10,000 runs", "0.50 of raw, p99 < 30 ms", requests, sql, [params])]


def travel(world: World) -> list[Figures]:
    """Past state and history of a run of 10,000 events, two at a time, beside reading the same events and doing nothing with them."""
    made = world.make(Size(1, 10, 200, outcomes=4))[0]
    requests = [request("GET", f"/test-runs/{made.run_id}?version=10000", world.token)]
    sql = "SELECT * FROM events WHERE root_id = %(run_id)s AND root_version <= 10000 ORDER BY root_version"
    pages = [request("GET", f"/test-runs/{made.run_id}/history?order={order}", world.token) for order in ("asc", "desc")]
    newest = "SELECT * FROM events WHERE root_id = %(run_id)s ORDER BY root_version DESC LIMIT 100"
    params = [{"run_id": made.run_id}]
    return [
        _read(world, "GET run as of event 10,000", "p95 < 250 ms", requests, sql, params, clients=2),
        _read(world, "GET history, 100 of 10,000", "p95 < 250 ms", pages, newest, params, clients=2),
    ]


def filtered(world: World) -> list[Figures]:
    """Lists with filters, at 8 clients, as the ledger grows."""
    lines = []
    for runs in (10_000, 100_000):
        world.fill(runs)
        for name, query in world.filters().items():
            requests = [request("GET", f"/test-runs?limit=50&{query}", world.token)]
            loads = [drive_apart(world.port, requests, 8, 2) for _ in range(ROUNDS)]
            lines.append(figures.of(f"GET list by {name} at {runs:,} runs", "p95 < 25 ms", loads))
    return lines


def _read(
    world: World, name: str, goal: str, requests: list[bytes], sql: str, params: list[dict[str, Any]], *, clients: int = CLIENTS
) -> Figures:
    ours: list[Load] = []
    raw: list[Load] = []
    settings = replace(world.settings, pool_max=min(clients, world.settings.pool_max))
    for _ in range(ROUNDS):
        ours.append(drive_apart(world.port, requests, clients, ROUND_S))
        raw.append(floors.raw_query(settings, sql, params, ROUND_S))
    return figures.of(name, goal, ours, raw)


def start(world: World) -> list[Figures]:
    """Warm start to the first 200, and what the API process then holds."""
    taken = []
    for _ in range(STARTS):
        world.program.stop()
        taken.append(world.program.start())
    drive_apart(world.port, [request("GET", "/test-runs?limit=50", world.token)], CLIENTS, ROUND_S)
    return [
        Figures("warm start to first 200", "s", median(taken), None, None, None, None, "< 2 s"),
        Figures("memory of the API process after reads", "MB", world.program.memory_mb(), None, None, None, None, "< 250 MB with worker"),
    ]


ROWS: dict[str, Row] = {
    "patch": patch_many,
    "patch_one": patch_one,
    "bulk": bulk,
    "detail": detail,
    "list": list_page,
    "travel": travel,
    "filters": filtered,
    "start": start,
    "lag": audit_rows.lag,
    "rebuild": audit_rows.rebuild,
    "verify": audit_rows.verify,
    "report": report_rows.report,
    "search": search_rows.search,
}
