"""What a caller is told of the limit, and what comes before it."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from domain.tokens import Role
from infra.settings import Settings
from tests.api.making import problem
from tests.conftest import World, opened

CAPACITY = 10
HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@pytest.fixture
async def limited(with_s3: Settings) -> AsyncIterator[World]:
    async with opened(replace(with_s3, rate_capacity=CAPACITY, rate_per_s=1)) as world:
        yield world


async def test_every_answer_says_how_many_are_left(limited: World) -> None:
    answers = [await limited.engineer("GET", "/systems") for _ in range(2)]
    answers += [await limited.engineer("POST", "/systems", b"{"), await limited.engineer("GET", "/test-runs/TR-9")]
    told = [[int(answer.headers[name]) for name in HEADERS] for answer in answers]
    assert told == [[10, 9, 1], [10, 8, 2], [10, 7, 3], [10, 6, 4]]


async def test_where_no_token_was_found_none_is_counted(limited: World) -> None:
    address = limited.http.base_url
    for method, path, status in (("GET", "/livez", 200), ("GET", "/nowhere", 404), ("PUT", "/livez", 405), ("OPTIONS", "/livez", 204)):
        answer = await limited.http.request(method, address.join(path))
        assert (answer.status_code, [answer.headers[name] for name in HEADERS]) == (status, ["10", "10", "0"])
    answer = await limited.http.get("/api/v1/systems")
    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (401, "10")


async def spend(world: World) -> None:
    for _ in range(CAPACITY):
        await world.engineer("GET", "/systems")


async def test_whoever_has_none_left_is_told_when_to_come_again(limited: World) -> None:
    await spend(limited)
    answer = await limited.engineer("GET", "/systems")
    assert problem(answer) == (429, "rate-limited")
    assert [answer.headers[name] for name in (*HEADERS, "retry-after")] == ["10", "0", "10", "1"]
    assert "10 at once, then 1 a second" in answer.json()["detail"]


async def test_the_limit_comes_after_the_token_and_before_all_else(limited: World) -> None:
    await spend(limited)
    client = limited.engineer
    for method, path, body in (("POST", "/systems", b"{"), ("GET", "/test-runs/none", None), ("PATCH", "/test-runs/%00", b"x" * 2_000_000)):
        assert problem(await client(method, path, body)) == (429, "rate-limited")
    assert problem(await client("GET", "/nowhere")) == (404, "not-found")
    assert problem(await client("DELETE", "/systems")) == (405, "method-not-allowed")
    assert problem(await client("GET", "/systems", authorization="Bearer none")) == (401, "unauthenticated")


async def test_another_token_is_not_held_up(limited: World) -> None:
    await spend(limited)
    other = await limited.client(Role.ENGINEER)
    assert (await other("GET", "/systems")).status_code == 200


async def test_an_answer_without_a_limit_says_nothing_of_it(world: World) -> None:
    answer = await world.engineer("GET", "/systems")
    assert not set(HEADERS) & set(answer.headers)
