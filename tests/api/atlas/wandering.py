"""A random campaign whose runs are read after every request, and reading their history."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from domain.steps import ExecutionStatus
from domain.tokens import Role
from infra.settings import Settings
from tests.conftest import Atlas, World, opened
from tests.projections.test_inline_equals_fold import OPERATIONS, Campaign

# Issues are shown as they are today, so an edited one would tell the past from its record.
RARE = ["close", "delete run"]
WANTED = [name for name in OPERATIONS if name not in ("edit issue", *RARE)] * 6 + RARE
FIRST = ["system", "asset", "issue", "issue", "run", "run", "card", "card", "step", "step", "step", "observe"]


class Wandering(Campaign):
    """`records` holds every run as it stood after every write: (run, version) to the body."""

    def __init__(self, world: World) -> None:
        super().__init__(world.engineer, world.pool)
        self.world = world
        self.records: dict[tuple[str, int], bytes] = {}

    async def wander(self, chance: Random, steps: int) -> None:
        for place, noun in enumerate(FIRST):
            await self.step(noun, 0, place, ExecutionStatus.TODO, noun)
        for _ in range(steps):
            chosen = chance.choice(WANTED), chance.randrange(8), chance.randrange(8), chance.choice([*ExecutionStatus])
            await self.step(*chosen, chance.choice("aäö\\\t\n'\"🔋") + "x")

    async def step(self, name: str, a: int, b: int, status: ExecutionStatus, text: str) -> None:
        await self.perform(name, a, b, status, text)
        for (run,) in self.made.get("run", []):
            shown = await self.client("GET", f"/test-runs/{run}")
            if shown.status_code == 200:
                self.records.setdefault((run, int(shown.headers["x-run-version"])), shown.content)


def wandered(settings: Settings, seed: int, steps: int, check: Callable[[World, Wandering], Awaitable[Any]]) -> None:
    """Checks the world after a random campaign."""

    async def run() -> None:
        async with opened(settings) as world:
            campaign = Wandering(world)
            await campaign.wander(Random(seed), steps)
            await check(world, campaign)

    asyncio.run(run())


def everyone(world: World) -> tuple[Any, Any]:
    """One who sees what is deleted, and one who does not."""
    return world.clients[Role.AUDITOR], world.clients[Role.VIEWER]


async def history(client: Atlas, path: str, query: str = "") -> list[dict[str, Any]]:
    answer = await client("GET", f"{path}/history?limit=1000&{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["count"] == len(answer.json()["items"])
    return list(answer.json()["items"])


def changes(entry: dict[str, Any]) -> dict[str, list[Any]]:
    return {c["field"]: [c["old"], c["new"]] for c in entry["changes"]}
