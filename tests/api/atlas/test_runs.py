"""Runs over HTTP."""

from domain.tokens import Role
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
