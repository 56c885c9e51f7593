"""Runs over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

from domain.tokens import Role
from tests.api.making import made
from tests.conftest import World


async def test_without_a_token_nothing_is_told(world: World) -> None:
    answer = await world.http.get("/api/v1/test-runs")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "/problems/unauthenticated"


async def test_every_field_error_is_named_at_once(world: World) -> None:
    answer = await world.engineer("POST", "/test-runs", {"title": " ", "system_id": "x", "zzz": 1})
    assert answer.status_code == 422
    assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == {
        ("#/title", "blank"),
        ("#/system_id", "invalid_format"),
        ("#/zzz", "unknown_field"),
    }


async def test_a_viewer_reads_the_empty_list_and_may_not_create(world: World) -> None:
    viewer = world.clients[Role.VIEWER]
    assert (await viewer("GET", "/test-runs")).json() == {"items": [], "count": 0}
    assert (await viewer("POST", "/test-runs", {})).status_code == 403


async def test_numbers_have_no_holes_however_many_create_at_once(world: World) -> None:
    system = (await made(world.engineer, "/systems", {"system_name": "PDU"}))["system_id"]
    good = {"title": "a", "system_id": system}
    bad: list[Any] = [
        {"title": "", "system_id": system},
        {"title": "a", "system_id": str(uuid4())},
        {**good, "asset_ids": [str(uuid4())]},
        {**good, "x": 1},
    ]

    async def create(n: int) -> list[tuple[int, Any]]:
        answers = [await world.engineer("POST", "/test-runs", body) for body in (good, bad[n % 4], good, bad[(n + 1) % 4])]
        return [(a.status_code, a.json()) for a in answers]

    told = [answer for answers in await asyncio.gather(*(create(n) for n in range(16))) for answer in answers]
    assert sorted({status for status, _ in told}) == [201, 422]
    assert sorted(run["test_run_id"] for status, run in told if status == 201) == [f"TR-{n:04d}" for n in range(1, 33)]
    items = (await world.engineer("GET", "/test-runs")).json()["items"]
    assert [i["test_run_id"] for i in items] == [f"TR-{n:04d}" for n in range(32, 0, -1)]
