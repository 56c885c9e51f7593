"""What tests of the surface make before they begin."""

from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from tests.conftest import Atlas, World


async def made(client: Atlas, path: str, body: object, **headers: str) -> Any:
    """The created object; anything but 201 ends the test."""
    answer = await client("POST", path, body, **headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


class Campaign(NamedTuple):
    """Ids of a system and of a run in it with one card of steps, and the paths to them."""

    system: str
    run: str
    card: str
    steps: list[str]

    @property
    def run_path(self) -> str:
        return f"/test-runs/{self.run}"

    @property
    def card_path(self) -> str:
        return f"{self.run_path}/cards/{self.card}"

    @property
    def step_path(self) -> str:
        return f"{self.card_path}/steps/{self.steps[0]}"


async def campaign(world: World, steps: int = 1, system: str | None = None) -> Campaign:
    client = world.engineer
    system = system or (await made(client, "/systems", {"system_name": f"PDU {uuid4().hex[:6]}"}))["system_id"]
    run = (await made(client, "/test-runs", {"title": "Motor Controller Acceptance Test", "system_id": system}))["uuid"]
    card = (await made(client, f"/test-runs/{run}/cards", {"title": "Overvoltage protection"}))["uuid"]
    path = f"/test-runs/{run}/cards/{card}/steps"
    return Campaign(system, run, card, [(await made(client, path, {"title": f"Step {n}"}))["uuid"] for n in range(steps)])


async def version(world: World, run: str) -> int:
    """How many events the run has."""
    return int((await world.engineer("GET", f"/test-runs/{run}")).headers["x-run-version"])


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and slug of a refusal; whatever is no complete problem document ends the test."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance", "errors"}, body
    assert body["status"] == answer.status_code
    assert body["instance"] == answer.headers["x-request-id"]
    return answer.status_code, body["type"].removeprefix("/problems/")


def errors(answer: httpx.Response) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return {(e["pointer"], e["code"]) for e in answer.json()["errors"]}
