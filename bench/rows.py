"""The rows of the table, written out: each interleaves ours with its floor and gives lines of figures."""

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, NamedTuple

import msgspec

from bench import audit_rows, figures, floors, lag_rows, peer_rows, report_rows, scale_rows, search_rows
from bench.figures import Figures
from bench.ledger_maker import Size
from bench.load import Load, drive_apart, request
from bench.pace import CLIENTS, QUICK, ROUND_S, ROUNDS
from bench.requests import outcomes
from bench.world import QUIET, World
from projections import documents, run_list

BULK = 500
STARTS = 3
STEADY = 0.5  # of what the closed loop reached

Row = Callable[[World], list[Figures]]


def patch_many(world: World) -> list[Figures]:
    """PATCH of a step's outcome over 50 runs, beside pgbench doing the same three writes."""
    return _patch(world, 50, "PATCH outcome, 50 runs", "ratio ≥ 0.40, p99 < 60 ms")


def patch_one(world: World) -> list[Figures]:
    """The same on one run, whose head row every write takes."""
    return _patch(world, 1, "PATCH outcome, 1 run", "ratio ≥ 0.60")


def _patch(world: World, runs: int, name: str, goal: str) -> list[Figures]:
    requests = list(outcomes(world, world.make(Size(runs, 5, 20, outcomes=1))))
    ours, floor = [], []
    for _ in range(ROUNDS):
        ours.append(drive_apart(world.port, requests, CLIENTS, ROUND_S))
        floor.append(floors.three_writes(world.owner_url, runs, CLIENTS, ROUND_S))
    return [figures.of(f"{name}, closed loop of {CLIENTS}", goal, ours, floor), _steady(world, name, "p99 < 60 ms", requests, ours)]


def _steady(world: World, name: str, goal: str, requests: list[bytes], closed: list[Load]) -> Figures:
    """The same requests at a constant rate, whatever the answers take."""
    rate = STEADY * median(load.rate for load in closed)
    loads = [drive_apart(world.port, requests, CLIENTS, ROUND_S, rate) for _ in range(ROUNDS)]
    return figures.of(f"{name}, open loop at {rate:,.0f}/s", goal, loads)


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
    goal = "≥ 8,000 events/s, ratio ≥ 10"
    return [figures.of("bulk outcomes, 500 a request, closed loop of 4", goal, ours, single, unit="events/s", each=BULK)]


def detail(world: World) -> list[Figures]:
    """GET of a run with 10 cards of 20 steps, beside the same query from a bare psycopg."""
    made = world.make(Size(50, 10, 20, outcomes=1))
    requests = [request("GET", f"/test-runs/{run.run_id}", world.token) for run in made]
    params = [{"run_id": run.run_id, "reach": None} for run in made]
    return _read(world, "GET run, 10 x 20 steps", "ratio ≥ 0.50, p99 < 30 ms", requests, documents.RUN_DETAIL, params)


def list_page(world: World) -> list[Figures]:
    """GET of 50 runs at 10,000 runs, beside the same query from a bare psycopg."""
    runs = 500 if QUICK else 10_000
    world.fill(runs)
    sql, params = run_list.page(run_list.RunFilter(limit=50))
    requests = [request("GET", "/test-runs?limit=50", world.token)]
    return _read(world, f"GET list of 50 at {runs:,} runs", "ratio ≥ 0.50, p99 < 30 ms", requests, sql, [params])


def travel(world: World) -> list[Figures]:
    """Past state and history of a run of 10,000 events, beside reading the same events and doing nothing with them."""
    made = world.make(Size(1, 10, 200, outcomes=4))[0]
    requests = [request("GET", f"/test-runs/{made.run_id}?version=10000", world.token)]
    sql = "SELECT * FROM events WHERE root_id = %(run_id)s AND root_version <= 10000 ORDER BY root_version"
    pages = [request("GET", f"/test-runs/{made.run_id}/history?order={order}", world.token) for order in ("asc", "desc")]
    newest = "SELECT * FROM events WHERE root_id = %(run_id)s ORDER BY root_version DESC LIMIT 100"
    params = [{"run_id": made.run_id}]
    lines = [_beside(world, f"GET run as of event 10,000, closed loop of {n}", "p95 < 250 ms", requests, sql, params, n)[0] for n in (1, 2)]
    return [*lines, _beside(world, "GET history, 100 of 10,000, closed loop of 2", "p95 < 250 ms", pages, newest, params, 2)[0]]


def filtered(world: World) -> list[Figures]:
    """Lists with filters, at 8 clients, as the ledger grows."""
    lines = []
    for runs in (500, 1_000) if QUICK else (10_000, 100_000):
        world.fill(runs)
        for name, query in world.filters().items():
            requests = [request("GET", f"/test-runs?limit=50&{query}", world.token)]
            loads = [drive_apart(world.port, requests, 8, ROUND_S / 2) for _ in range(ROUNDS)]
            lines.append(figures.of(f"GET list by {name} at {runs:,} runs, closed loop of 8", "p95 < 25 ms", loads))
    return lines


def _read(world: World, name: str, goal: str, requests: list[bytes], sql: str, params: list[dict[str, Any]]) -> list[Figures]:
    line, ours = _beside(world, f"{name}, closed loop of {CLIENTS}", goal, requests, sql, params, CLIENTS)
    return [line, _steady(world, name, "p99 < 30 ms", requests, ours)]


def _beside(
    world: World, name: str, goal: str, requests: list[bytes], sql: str, params: list[dict[str, Any]], clients: int
) -> tuple[Figures, list[Load]]:
    ours: list[Load] = []
    raw: list[Load] = []
    for _ in range(ROUNDS):
        ours.append(drive_apart(world.port, requests, clients, ROUND_S))
        raw.append(floors.raw_query(world.settings, sql, params, ROUND_S, clients))
    return figures.of(name, goal, ours, raw), ours


def start(world: World) -> list[Figures]:
    """Warm start to the first 200, and what API and worker hold after writes, reads and a report."""
    taken, held = [], []
    made = world.make(Size(50, 5, 20, outcomes=1))
    for _ in range(STARTS):
        world.program.stop()
        taken.append(world.program.start())
        drive_apart(world.port, list(outcomes(world, made)), CLIENTS, ROUND_S)
        drive_apart(world.port, [request("GET", "/test-runs?limit=50", world.token)], CLIENTS, ROUND_S)
        report_rows.ask_and_wait(world, made[0].run_id)
        held.append(world.program.memory_mb())
    return [
        figures.median("warm start to the first 200", "s", "< 2 s", taken),
        figures.median("memory of API and worker after load (RSS)", "MB", "< 250 MB", [api + worker for api, worker in held]),
        figures.median("of that the API", "MB", "", [api for api, _ in held]),
    ]


class Group(NamedTuple):
    """Rows that share a program, and its further settings."""

    rows: tuple[str, ...]
    environment: Mapping[str, str] = QUIET


ROWS: dict[str, Row] = {
    "patch": patch_many,
    "patch_one": patch_one,
    "bulk": bulk,
    "detail": detail,
    "list": list_page,
    "peers": peer_rows.peers,
    "travel": travel,
    "filters": filtered,
    "lag": lag_rows.lag,
    "rebuild": audit_rows.rebuild,
    "verify": audit_rows.verify,
    "scale": scale_rows.scale,
    "start": start,
    "report": report_rows.report,
    "search": search_rows.search,
    "search_million": search_rows.many,
    "search_writes": search_rows.writes,
}
WHEN_NAMED = ("search_million",)
GROUPS = (
    Group(("patch", "patch_one", "bulk", "detail", "list", "peers", "travel", "filters", "lag", "rebuild", "verify")),
    Group(("scale",)),
    Group(("start", "report"), {}),
    Group(("search_writes",), {}),
    Group(("search",), {}),
    Group(("search_million",), {}),
)
