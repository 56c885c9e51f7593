"""Requests that rows send."""

import random
from collections.abc import Iterator

import msgspec

from bench.ledger_maker import Made
from bench.load import request
from bench.world import World


def outcomes(world: World, made: list[Made]) -> Iterator[bytes]:
    """PATCHes of every step of these runs, in a shuffled order that is the same every time."""
    steps = [(run.run_id, card, step) for run in made for card, step in run.steps]
    chance = random.Random(1)  # noqa: S311 - the same load every time
    for status in ("passed", "failed"):
        chance.shuffle(steps)
        body = msgspec.json.encode({"execution_status": status})
        for run, card, step in steps:
            yield request("PATCH", f"/test-runs/{run}/cards/{card}/steps/{step}", world.token, body)
