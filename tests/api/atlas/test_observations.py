"""Observations at a step."""

import pytest

from domain.tokens import Role
from tests.api.making import campaign, errors, made, problem, version
from tests.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_observation_is_shown_at_its_step_oldest_first(shared: World) -> None:
    here = await campaign(shared, 2)
    path = f"{here.step_path}/observations"
    first = await shared.clients[Role.OPERATOR]("POST", path, {"text": " smoke ", "observed_at": "2026-04-13T11:00:00+02:00"})
    one, two = first.json(), await made(shared.engineer, path, {"text": "b"})
    assert first.headers["location"] == f"/api/v1{path}/{one['uuid']}"
    assert one == {
        "uuid": one["uuid"], "text": " smoke ", "observed_at": "2026-04-13T09:00:00.000000", "created_by": "operator@example.com",
        "created_at": one["created_at"], "updated_at": one["created_at"],
    }  # fmt: skip
    listed = await shared.clients[Role.VIEWER]("GET", path)
    assert listed.json() == {"items": [one, two], "count": 2}
    assert (await shared.engineer("GET", here.step_path)).json()["observations"] == [one, two]
    run = (await shared.engineer("GET", here.run_path)).json()
    assert [s["observations"] for s in run["test_cards"][0]["test_steps"]] == [[one, two], []]
    assert run["contributors"] == ["engineer@example.com", "operator@example.com"]


async def test_only_what_differs_is_recorded(shared: World) -> None:
    here = await campaign(shared)
    path = f"{here.step_path}/observations"
    one = await made(shared.engineer, path, {"text": "a"})
    present = await version(shared, here.run)
    for body, events in (
        ({"text": "b"}, 1),
        ({"text": "b"}, 0),
        ({}, 0),
        ({"observed_at": "2026-04-13T11:00:00Z"}, 1),
        ({"observed_at": None}, 1),
    ):
        present += events
        answer = await shared.clients[Role.OPERATOR]("PATCH", f"{path}/{one['uuid']}", body)
        assert (answer.status_code, answer.headers["x-run-version"], answer.json()["text"]) == (200, str(present), "b")
    assert answer.json()["created_at"] == one["created_at"] < answer.json()["updated_at"]


async def test_a_deleted_observation_is_gone(shared: World) -> None:
    here = await campaign(shared)
    path = f"{here.step_path}/observations"
    one = await made(shared.engineer, path, {"text": "a"})
    assert (await shared.clients[Role.OPERATOR]("DELETE", f"{path}/{one['uuid']}")).status_code == 204
    for method, body in (("DELETE", None), ("PATCH", {"text": "b"})):
        assert problem(await shared.engineer(method, f"{path}/{one['uuid']}", body)) == (404, "not-found")
    assert (await shared.engineer("GET", path)).json() == {"items": [], "count": 0}


async def test_wrong_members_are_named(shared: World) -> None:
    here = await campaign(shared)
    path = f"{here.step_path}/observations"
    one = await made(shared.engineer, path, {"text": "a"})
    assert errors(await shared.engineer("POST", path, {})) == {("#/text", "required")}
    assert errors(await shared.engineer("POST", path, {"text": "", "observed_at": "x", "author": "me"})) == {
        ("#/text", "blank"),
        ("#/observed_at", "invalid_format"),
        ("#/author", "unknown_field"),
    }
    assert errors(await shared.engineer("PATCH", f"{path}/{one['uuid']}", {"text": None})) == {("#/text", "invalid_type")}
    assert errors(await shared.engineer("PATCH", f"{path}/{one['uuid']}", {"text": "x" * 20_001})) == {("#/text", "too_long")}
    assert (await shared.engineer("GET", path)).json()["items"] == [one]
