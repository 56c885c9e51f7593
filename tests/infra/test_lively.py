"""The pool and its connections when PostgreSQL is gone, away for long or silent."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout
from psycopg_pool.base import AttemptWithBackoff

from infra import database, lively
from infra.settings import Settings
from tests.faults.proxy import Proxy

ERROR_S_MAX = 6.0
RECOVERY_S_MAX = 10.0


class Wire(NamedTuple):
    proxy: Proxy
    settings: Settings
    pool: database.Pool


@pytest.fixture
async def wire(settings: Settings) -> AsyncIterator[Wire]:
    proxy = Proxy(Path(str(conninfo_to_dict(settings.database_url or "")["host"])) / ".s.PGSQL.5432")
    port, parts = await proxy.start(), urlsplit(settings.database_url or "")
    url = f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable"
    by_proxy = msgspec.structs.replace(settings, database_url=url)
    async with database.pool(by_proxy) as pool:
        yield Wire(proxy, by_proxy, pool)
    await proxy.end()


async def ask(pool: database.Pool, timeout_s: float | None = None) -> None:
    async with pool.connection(timeout_s) as conn:
        await conn.execute("SELECT 1")


async def fill(pool: database.Pool) -> None:
    async with AsyncExitStack() as busy:
        for _ in range(pool.max_size):
            await busy.enter_async_context(pool.connection())


async def test_sessions_that_the_server_has_ended_cost_no_request(settings: Settings) -> None:
    async with database.pool(settings) as pool:
        await fill(pool)
        with psycopg.connect(settings.owner_url or "", autocommit=True) as conn:
            conn.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'runledger_app'")
        for _ in range(2 * pool.max_size):
            await ask(pool)


async def test_a_server_that_takes_all_and_says_nothing_is_given_up_in_time(wire: Wire) -> None:
    await fill(wire.pool)
    wire.proxy.silent = True
    began = time.monotonic()
    answers = await asyncio.gather(*(ask(wire.pool) for _ in range(2 * wire.pool.max_size)), return_exceptions=True)
    assert time.monotonic() - began < ERROR_S_MAX
    assert {type(answer) for answer in answers} <= {psycopg.OperationalError, PoolTimeout}
    wire.proxy.heal()
    began = time.monotonic()
    await until_answered(wire.pool)
    assert time.monotonic() - began < RECOVERY_S_MAX


async def test_a_long_statement_of_a_server_that_lives_is_waited_for(wire: Wire) -> None:
    async with wire.pool.connection() as conn:
        await conn.execute("SELECT pg_sleep(%s)", (lively.SILENCE_S * 1.5,))


async def test_after_a_long_absence_the_pool_comes_back_soon(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """All times are a fifth of the real ones. The driver would try again after 15 s of absence, then after 31."""
    monkeypatch.setattr(AttemptWithBackoff, "INITIAL_DELAY", AttemptWithBackoff.INITIAL_DELAY / 5)
    wire.pool.reconnect_timeout /= 5
    await fill(wire.pool)
    wire.proxy.shut = True
    wire.proxy.cut_all()
    end = time.monotonic() + 17.5 / 5
    while time.monotonic() < end:
        await asyncio.gather(*(ask(wire.pool, 0.2) for _ in range(wire.pool.max_size)), return_exceptions=True)
    wire.proxy.heal()
    began = time.monotonic()
    await until_answered(wire.pool)
    assert time.monotonic() - began < RECOVERY_S_MAX / 5


async def until_answered(pool: database.Pool) -> None:
    while True:
        try:
            await ask(pool)
        except (psycopg.OperationalError, PoolTimeout):
            await asyncio.sleep(0.05)
        else:
            return
