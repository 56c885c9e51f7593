"""How many requests each token may send: a token bucket kept in Redis for all processes, drawn from in small leases.

A process takes several requests' worth at once and spends them without asking, so that most requests cost a dictionary look-up.
What a process has taken and not spent is missing elsewhere: with the default of 600 a token may be refused up to 20 requests early for
every other process. The emptier the bucket, the smaller the leases, down to one. Nobody is let through more often than the bucket
allows, but while Redis is slow (what passes then is paid from the next lease) or away (then each process counts alone).
"""

import asyncio
import logging
import math
import time
from contextlib import suppress
from typing import Any, NamedTuple, Self
from uuid import UUID

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from infra.settings import Settings

PATIENCE_S = 0.04  # no request waits longer for Redis
ANSWER_S_MAX = 0.2  # a slower Redis counts as away
AWAY_S = 2.0  # without asking again
LEASE_SHARE = 30  # a lease is a thirtieth of what is left, but at least one
ACCOUNTS_MAX = 10_000
NOT_ONE = 0.999
CONNECTIONS_MAX = 4
AWAY = (RedisError, OSError, TimeoutError)

logger = logging.getLogger("runledger.rates")

_DRAW = """
local capacity, per_s, share = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = capacity
if kept[1] then
  left = math.min(capacity, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * per_s)
end
local drawn = math.min(math.floor(left), math.max(1, math.floor(left / share)))
left = left - drawn
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - left) / per_s * 1000) + 1000)
return {drawn, string.format('%.6f', left)}
"""


class Standing(NamedTuple):
    """What a caller is told. `reset_s`: until the bucket is full; `wait_s`: until the next request may pass, 0 if this one did."""

    limit: int
    left: int
    reset_s: int
    wait_s: int = 0


class _Account:
    """One token as this process sees it.

    `leased` may be spent without asking; below nought are requests that did not wait for a slow answer and are paid from the next lease.
    `left` is what the bucket held at `at`, with what is leased.
    """

    __slots__ = ("asking", "at", "empty_until", "leased", "left")

    def __init__(self, left: float, at: float) -> None:
        self.left, self.at = left, at
        self.leased = 0
        self.empty_until = 0.0
        self.asking: asyncio.Task[None] | None = None


class RateLimits:
    """One a process. While Redis is away each process counts for itself, from what it knew."""

    def __init__(self, settings: Settings) -> None:
        self.capacity, self.per_s = settings.rate_capacity, settings.rate_per_s
        self.on = self.capacity > 0 and self.per_s > 0
        self._accounts: dict[UUID, _Account] = {}
        self._alone_until = 0.0 if settings.redis_url else math.inf
        self._was_away = False
        self._client = _client(settings.redis_url or "redis://")
        self._draw: Any = self._client.register_script(_DRAW)

    async def __aenter__(self) -> Self:
        """Connects and loads the script, so that the first requests need not wait for that."""
        if self.on and self._alone_until == 0:
            with suppress(*AWAY):
                await self._client.script_load(_DRAW)
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(*AWAY):
            await self._client.aclose()

    @property
    def untouched(self) -> Standing:
        """What is told to a request that no token was found for: none is counted."""
        return Standing(self.capacity, self.capacity, 0)

    def counts_alone(self) -> bool:
        """Whether requests are limited, but not by a count that all processes share."""
        return self.on and (self._was_away or self._alone_until > time.monotonic())

    async def take(self, token_id: UUID) -> Standing:
        """Counts one request."""
        account = self._accounts.get(token_id) or self._open(token_id)
        if account.leased > 0:
            return self._spend(account, time.monotonic(), late=False)
        late = not await self._lease(account, token_id)
        return self._spend(account, time.monotonic(), late=late)

    def _open(self, token_id: UUID) -> _Account:
        if len(self._accounts) >= ACCOUNTS_MAX:
            self._accounts.clear()
        account = self._accounts[token_id] = _Account(self.capacity, time.monotonic())
        return account

    async def _lease(self, account: _Account, token_id: UUID) -> bool:
        """Waits for a lease that one request of the token asks for; False when patience ends before an answer comes."""
        now = time.monotonic()
        until = now + PATIENCE_S
        while account.leased <= 0 and now >= max(account.empty_until, self._alone_until):
            if account.asking is None or account.asking.done():
                account.asking = asyncio.create_task(self._ask(account, token_id))
            answered, _ = await asyncio.wait({account.asking}, timeout=max(0.0, until - now))
            if not answered:
                return False
            now = time.monotonic()
        return True

    async def _ask(self, account: _Account, token_id: UUID) -> None:
        if self._was_away:
            self._alone_until = time.monotonic() + AWAY_S  # others need not wait to find out whether it still is
        try:
            drawn, left = await self._draw(keys=[f"rate:{token_id}"], args=[self.capacity, self.per_s, LEASE_SHARE])
        except AWAY as error:
            if not self._was_away:
                logger.warning("Redis is away (%s): each process counts requests alone", type(error).__name__)
            self._was_away, self._alone_until = True, time.monotonic() + AWAY_S
            return
        self._was_away, self._alone_until = False, 0.0
        account.leased, account.at = account.leased + drawn, time.monotonic()
        account.left = float(left) + account.leased
        account.empty_until = 0.0 if drawn else account.at + (1 - float(left)) / self.per_s

    def _spend(self, account: _Account, now: float, *, late: bool) -> Standing:
        left = min(self.capacity, account.left + (now - account.at) * self.per_s)
        account.at, account.left = now, left
        if account.leased > 0 or (left >= 1 and (late or now < self._alone_until)):
            account.leased -= account.leased > 0 or late
            account.left = left - 1
            return self._standing(max(0.0, left - 1))
        return self._standing(max(0.0, min(left, NOT_ONE)))._replace(wait_s=max(1, math.ceil((1 - left) / self.per_s)))

    def _standing(self, left: float) -> Standing:
        return Standing(self.capacity, int(left), math.ceil((self.capacity - left) / self.per_s))


def _client(url: str) -> redis.Redis:
    """A broken connection is opened again at once: the server may have been started anew."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS_MAX,
        timeout=ANSWER_S_MAX,
        socket_timeout=ANSWER_S_MAX,
        socket_connect_timeout=ANSWER_S_MAX,
        retry=Retry(NoBackoff(), 1),
    )
    return redis.Redis.from_pool(pool)
