"""How much a run may hold: what is created and what comes back needs room, and what is deleted takes none."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from infra.settings import Settings
from tests.api.making import Campaign, campaign, errors, made, problem, version
from tests.conftest import World, opened

FULL = {("#", "limit_exceeded")}


@pytest.fixture
async def small(with_s3: Settings) -> AsyncIterator[World]:
    """Two cards a run, two steps a card, three steps and one file a run."""
    limits = {"cards_per_run_max": 2, "steps_per_card_max": 2, "steps_per_run_max": 3, "files_per_run_max": 1}
    async with opened(replace(with_s3, **limits)) as world:
        yield world


async def refused_and_then_fitting(world: World, here: Campaign, path: str, other: str) -> None:
    """Restoring `path` is refused until `other` is deleted, and records nothing until then."""
    before = await version(world, here.run)
    answer = await world.engineer("POST", f"{path}/restore")
    assert (problem(answer), errors(answer)) == ((422, "validation-failed"), FULL)
    assert await version(world, here.run) == before
    assert (await world.engineer("DELETE", other)).status_code == 204
    assert (await world.engineer("POST", f"{path}/restore")).status_code == 200


async def test_a_card_needs_room_when_it_is_added_and_when_it_comes_back(small: World) -> None:
    here, client = await campaign(small), small.engineer
    await client("DELETE", here.card_path)
    cards = [(await made(client, f"{here.run_path}/cards", {"title": "a"}))["uuid"] for _ in range(2)]
    assert errors(await client("POST", f"{here.run_path}/cards", {"title": "a"})) == FULL
    await refused_and_then_fitting(small, here, here.card_path, f"{here.run_path}/cards/{cards[0]}")


async def test_a_step_needs_room_in_its_card(small: World) -> None:
    here, client = await campaign(small, 2), small.engineer
    await client("DELETE", here.step_path)
    await made(client, f"{here.card_path}/steps", {"title": "a"})
    assert errors(await client("POST", f"{here.card_path}/steps", {"title": "a"})) == FULL
    await refused_and_then_fitting(small, here, here.step_path, f"{here.card_path}/steps/{here.steps[1]}")


async def two_cards(small: World) -> tuple[Campaign, str]:
    """Two cards with two steps and one, which is all that the run takes."""
    here, client = await campaign(small, 2), small.engineer
    other = f"{here.run_path}/cards/{(await made(client, f'{here.run_path}/cards', {'title': 'a'}))['uuid']}"
    await made(client, f"{other}/steps", {"title": "a"})
    assert errors(await client("POST", f"{other}/steps", {"title": "a"})) == FULL
    return here, other


async def test_a_step_needs_room_in_its_run(small: World) -> None:
    here, other = await two_cards(small)
    await small.engineer("DELETE", here.step_path)
    more = await made(small.engineer, f"{other}/steps", {"title": "a"})
    await refused_and_then_fitting(small, here, here.step_path, f"{other}/steps/{more['uuid']}")


async def test_steps_of_a_deleted_card_take_no_room_and_need_it_again(small: World) -> None:
    here, other = await two_cards(small)
    await small.engineer("DELETE", here.card_path)
    more = await made(small.engineer, f"{other}/steps", {"title": "a"})
    await refused_and_then_fitting(small, here, here.card_path, f"{other}/steps/{more['uuid']}")


async def test_a_template_with_too_many_steps_makes_no_card_and_no_run(small: World) -> None:
    here, client = await campaign(small), small.engineer
    step: dict[str, Any] = {"title": "a"}
    large, two = [(await made(client, "/card-templates", {"title": "a", "steps": [step] * n}))["uuid"] for n in (3, 2)]
    assert errors(await client("POST", f"{here.run_path}/cards", {"template_id": large})) == FULL
    for templates in ([large], [two, two], [two] * 3):
        assert errors(await client("POST", "/test-runs", {"title": "a", "system_id": here.system, "template_ids": templates})) == FULL


async def test_a_file_needs_room_when_it_comes_back(small: World) -> None:
    here, client = await campaign(small), small.engineer
    body = {"file_name": "a", "s3_url": await small.put("a.csv", b"a"), "file_size": 1}
    first, second = f"{here.run_path}/data", f"{here.run_path}/data"
    first += "/" + (await made(client, f"{here.run_path}/data", body))["uuid"]
    await client("DELETE", first)
    second += "/" + (await made(client, f"{here.run_path}/data", body))["uuid"]
    await refused_and_then_fitting(small, here, first, second)


async def test_what_is_not_deleted_is_a_conflict_whatever_room_there_is(small: World) -> None:
    here, other = await two_cards(small)
    for path in (here.card_path, here.step_path, other):
        assert problem(await small.engineer("POST", f"{path}/restore")) == (409, "state-conflict")
