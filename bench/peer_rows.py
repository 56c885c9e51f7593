"""The row of peers: what others would build on, doing the same work on the same server."""

import random

import msgspec

from bench import figures
from bench.figures import Figures
from bench.ledger_maker import Size
from bench.load import Load, drive_apart, request
from bench.pace import CLIENTS, QUICK, ROUND_S, ROUNDS, say
from bench.peers.twins import CARDS, DJANGO, FASTAPI, RUNS, STEPS, TOKEN, Twin
from bench.requests import outcomes
from bench.world import World

RUNS_IN_ALL = 200 if QUICK else 10_000
GOALS = {("PATCH outcome", "Django"): "ratio ≥ 8", ("PATCH outcome", "FastAPI"): "ratio ≥ 5"}


def peers(world: World) -> list[Figures]:
    """PATCH, GET and list beside a Django + DRF + audit-log twin and a FastAPI + SQLAlchemy one, whose answers are checked first."""
    made = world.make(Size(RUNS, CARDS, STEPS, outcomes=1))
    world.fill(RUNS_IN_ALL)
    say("making, filling and checking the twins")
    with Twin(DJANGO, world.owner_url, RUNS_IN_ALL) as django, Twin(FASTAPI, world.owner_url, RUNS_IN_ALL) as fastapi:
        twins = (django, fastapi)
        ours = {
            "PATCH outcome": list(outcomes(world, made)),
            "GET run": [request("GET", f"/test-runs/{run.run_id}", world.token) for run in made],
            "GET list of 50": [request("GET", "/test-runs?limit=50", world.token)],
        }
        theirs = [_requests(twin) for twin in twins]
        lines = [line for kind in ours for line in _compare(kind, world, ours[kind], twins, [requests[kind] for requests in theirs])]
        for twin in twins:
            twin.check_counts()
    return lines


def _requests(twin: Twin) -> dict[str, list[bytes]]:
    steps, chance = twin.steps(), random.Random(1)  # noqa: S311 - the same load every time
    patches = []
    for status in ("passed", "failed"):
        chance.shuffle(steps)
        body = msgspec.json.encode({"execution_status": status})
        patches += [request("PATCH", f"/test-runs/{run}/cards/{card}/steps/{step}", TOKEN, body) for run, card, step in steps]
    return {
        "PATCH outcome": patches,
        "GET run": [request("GET", f"/test-runs/{run}", TOKEN) for run in dict.fromkeys(run for run, _, _ in steps)],
        "GET list of 50": [request("GET", "/test-runs?limit=50", TOKEN)],
    }


def _compare(kind: str, world: World, requests: list[bytes], twins: tuple[Twin, ...], asked: list[list[bytes]]) -> list[Figures]:
    say(kind)
    ours: list[Load] = []
    theirs: list[list[Load]] = [[] for _ in twins]
    for _ in range(ROUNDS):
        ours.append(drive_apart(world.port, requests, CLIENTS, ROUND_S))
        for twin, to_it, loads in zip(twins, asked, theirs, strict=True):
            loads.append(drive_apart(twin.port, to_it, CLIENTS, ROUND_S))
    return [
        figures.of(f"{kind}, closed loop of {CLIENTS}, beside {t.kind.title}", GOALS.get((kind, t.kind.title), ""), ours, loads)
        for t, loads in zip(twins, theirs, strict=True)
    ]
