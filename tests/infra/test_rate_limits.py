"""A token's requests are counted together by all processes, and alone where Valkey is away."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from redis import Redis

from infra import rate_limits
from infra.embedded.processes import free_port
from infra.embedded.valkey import Valkey
from infra.rate_limits import RateLimits
from infra.settings import Settings

WAIT_MS_MAX = 50
STALL_MS = 30  # that a busy machine may hold up a process which waits no longer
LEASE = 20
AT_ONCE = 40


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "valkey", free_port(), uuid4().hex)
    server.start()
    yield server
    server.stop()


def limited(url: str | None, capacity: int = 600, per_s: int = 10) -> Settings:
    return Settings(data_dir=Path("unused"), redis_url=url, rate_capacity=capacity, rate_per_s=per_s)


@asynccontextmanager
async def counting(settings: Settings) -> AsyncIterator[RateLimits]:
    async with RateLimits(settings) as rates:
        yield rates


async def passed(rates: RateLimits, token: UUID, asked: int) -> int:
    return sum([(await rates.take(token)).wait_s == 0 for _ in range(asked)])


def wait_for_both(url: str) -> None:
    with Redis.from_url(url) as client:
        client.incr("ready")
        while int(client.get("ready") or 0) < 2:
            time.sleep(0.001)


def passed_elsewhere(url: str, token: UUID, asked: int) -> int:
    rate_limits.PATIENCE_S = rate_limits.ANSWER_S_MAX = 10  # so that a busy machine lets nobody through late

    async def ask() -> int:
        async with counting(limited(url, 300, 1)) as rates:
            wait_for_both(url)
            told = [await asyncio.gather(*(rates.take(token) for _ in range(AT_ONCE))) for _ in range(asked // AT_ONCE)]
        return sum([standing.wait_s == 0 for wave in told for standing in wave])

    return asyncio.run(ask())


def test_two_processes_at_once_let_through_what_the_bucket_holds_and_no_more(valkey: Valkey) -> None:
    token, began = uuid4(), time.monotonic()
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        counts = [*processes.map(passed_elsewhere, [valkey.url] * 2, [token] * 2, [400] * 2)]
    took = time.monotonic() - began
    assert min(counts) > 0
    assert 300 - 300 // rate_limits.LEASE_SHARE <= sum(counts) <= 300 + took


async def test_a_spent_bucket_gains_as_many_as_a_second_brings(valkey: Valkey) -> None:
    async with counting(limited(valkey.url, 40, 20)) as rates:
        token = uuid4()
        began = time.monotonic()
        assert 40 <= await passed(rates, token, 60) <= 40 + 20 * (time.monotonic() - began) + 1
        refused = await rates.take(token)
        assert (refused.limit, refused.left, refused.reset_s, refused.wait_s) == (40, 0, 2, 1)
        await asyncio.sleep(0.5)
        assert 9 <= await passed(rates, token, 30) <= 12


async def test_each_token_has_a_bucket_of_its_own(valkey: Valkey) -> None:
    async with counting(limited(valkey.url, 5, 1)) as rates:
        assert [await passed(rates, uuid4(), 5) for _ in range(3)] == [5, 5, 5]


async def test_what_is_left_counts_down_by_one(valkey: Valkey) -> None:
    async with counting(limited(valkey.url, 600, 1)) as rates:
        token = uuid4()
        told = [await rates.take(token) for _ in range(50)]
    assert [t.left for t in told] == [*range(599, 549, -1)]
    assert [t.reset_s for t in told] == [*range(1, 51)]


async def test_most_requests_are_decided_without_asking(valkey: Valkey) -> None:
    with Redis.from_url(valkey.url) as client:
        async with counting(limited(valkey.url)) as rates:
            token = uuid4()
            await rates.take(token)
            asked = client.info("commandstats")["cmdstat_evalsha"]["calls"]
            await passed(rates, token, 199)
            more = client.info("commandstats")["cmdstat_evalsha"]["calls"] - asked
        assert 199 // LEASE <= more <= 13
        assert 0 < client.ttl(f"rate:{token}") <= 61


async def test_a_spent_bucket_is_not_asked_again_before_it_can_have_gained(valkey: Valkey) -> None:
    with Redis.from_url(valkey.url) as client:
        async with counting(limited(valkey.url, 5, 1)) as rates:
            token = uuid4()
            await passed(rates, token, 6)
            asked = client.info("commandstats")["cmdstat_evalsha"]["calls"]
            assert await passed(rates, token, 100) == 0
            assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == asked


async def test_a_valkey_that_is_down_refuses_nobody_and_each_process_counts_alone(valkey: Valkey) -> None:
    valkey.stop()
    async with counting(limited(valkey.url, 30, 1)) as one, counting(limited(valkey.url, 30, 1)) as other:
        token = uuid4()
        assert [await passed(rates, token, 40) for rates in (one, other)] == [30, 30]


async def slowest_ms(rates: RateLimits, asked: int) -> float:
    async def timed() -> float:
        began = time.perf_counter()
        assert (await rates.take(uuid4())).wait_s == 0
        return (time.perf_counter() - began) * 1000

    return max(await asyncio.gather(*(timed() for _ in range(asked))))


async def test_a_valkey_that_hangs_is_waited_for_once_and_not_for_long(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    async with counting(limited(valkey.url)) as rates:
        await rates.take(uuid4())
        assert valkey.process is not None
        os.kill(valkey.process.pid, signal.SIGSTOP)
        try:
            assert await slowest_ms(rates, 20) < WAIT_MS_MAX + STALL_MS
            await asyncio.sleep(rate_limits.ANSWER_S_MAX * 2)
            assert await slowest_ms(rates, 20) < STALL_MS
        finally:
            os.kill(valkey.process.pid, signal.SIGCONT)
    assert [r.name for r in caplog.records] == ["runledger.rates"]


async def test_the_shared_count_goes_on_when_valkey_is_back(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "AWAY_S", 0.1)
    token = uuid4()
    async with counting(limited(valkey.url, 5, 1)) as one, counting(limited(valkey.url, 5, 1)) as other:
        assert await passed(one, token, 5) == 5
        valkey.stop()
        assert await passed(other, token, 1) == 1
        valkey.start()
        await asyncio.sleep(0.15)
        await other.take(token)
        assert await passed(other, token, 10) <= 1


async def test_without_an_address_a_process_counts_alone() -> None:
    async with counting(limited(None, 3, 1)) as rates:
        assert await passed(rates, uuid4(), 5) == 3


@pytest.mark.parametrize("settings", [limited(None, capacity=0), limited(None, per_s=0), replace(limited(None), rate_capacity=0)])
def test_nought_is_off(settings: Settings) -> None:
    assert not RateLimits(settings).on
