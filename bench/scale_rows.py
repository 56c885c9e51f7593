"""The row of growth: the same requests against ledgers of different sizes that stand side by side."""

from contextlib import ExitStack

from bench import figures
from bench.figures import Figures
from bench.ledger_maker import Made, Size
from bench.load import Load, drive_apart, request
from bench.pace import CLIENTS, EVENTS, ROUND_S, ROUNDS, say
from bench.program import Program
from bench.requests import outcomes
from bench.world import QUIET, World

RUN = Size(1, 10, 20, outcomes=1)
EVENTS_A_RUN = 1 + RUN.cards + 2 * RUN.cards * RUN.steps
ASKED_RUNS = 20  # of each ledger, spread over its age
GOAL = "ratio ≥ 0.80"


def scale(world: World) -> list[Figures]:
    """PATCH, GET and list at 10^4, 10^5 and 10^6 events, in turn on three programs; the peer is the smallest ledger."""
    sizes = (EVENTS // 100, EVENTS // 10, EVENTS)
    with ExitStack() as stack:
        worlds = [world, *(World(stack.enter_context(Program(QUIET))) for _ in sizes[1:])]
        asked = []
        for size, each in zip(sizes, worlds, strict=True):
            say(f"making {size:,} events")
            asked.append(_requests(each, each.make(RUN._replace(runs=max(1, size // EVENTS_A_RUN)))))
        return [line for kind in asked[0] for line in _compare(kind, sizes, worlds, [requests[kind] for requests in asked])]


def _requests(world: World, made: list[Made]) -> dict[str, list[bytes]]:
    some = made[:: max(1, len(made) // ASKED_RUNS)][:ASKED_RUNS]
    return {
        "PATCH outcome, 20 runs": list(outcomes(world, some)),
        "GET run": [request("GET", f"/test-runs/{run.run_id}", world.token) for run in some],
        "GET list of 20": [request("GET", "/test-runs?limit=20", world.token)],
    }


def _compare(kind: str, sizes: tuple[int, ...], worlds: list[World], requests: list[list[bytes]]) -> list[Figures]:
    say(kind)
    loads: list[list[Load]] = [[] for _ in worlds]
    for each, asked in zip(worlds, requests, strict=True):
        drive_apart(each.port, asked, CLIENTS, ROUND_S)  # what was made is read once
    for n in range(ROUNDS):
        for place in [(n + i) % len(worlds) for i in range(len(worlds))]:  # none is always first
            loads[place].append(drive_apart(worlds[place].port, requests[place], CLIENTS, ROUND_S))
    smallest = loads[0]
    return [
        figures.of(f"{kind}, at {size:,} events", GOAL if ours is not smallest else "", ours, smallest)
        for size, ours in zip(sizes, loads, strict=True)
    ]
