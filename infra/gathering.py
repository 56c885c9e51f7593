"""Calls that come while others are on their way to the database gather, and go together on one connection."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

TOGETHER_MAX = 32

Item = TypeVar("Item")
Result = TypeVar("Result")
Send = Callable[[AsyncConnection[Any], Sequence[Item]], Awaitable[Sequence[Result | Exception]]]


class NotSent(Exception):
    """The patience of a call ended before there was a connection for it: it did nothing."""


class Gathering(Generic[Item, Result]):
    """`send` gives each of several calls its result, or an exception in its place; what it raises is raised to all of them.

    Who comes alone goes at once: nothing waits for others to come. One sending is on its way at a time, of at most TOGETHER_MAX.
    """

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], send: Send[Item, Result]) -> None:
        self._pool, self._send = pool, send
        self._waiting: dict[asyncio.Future[Result], Item] = {}
        self._sending: asyncio.Task[None] | None = None

    async def go(self, item: Item, patience_s: float) -> Result:
        """Whoever is cancelled, or runs out of patience (NotSent), is left out of what is not sent yet. The others go on in any case."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._waiting[answer] = item
        if self._sending is None:
            self._sending = loop.create_task(self._send_all())
        timer = loop.call_later(patience_s, self._give_up, answer)
        try:
            return await answer
        finally:
            timer.cancel()
            self._waiting.pop(answer, None)

    def _give_up(self, answer: asyncio.Future[Result]) -> None:
        if self._waiting.pop(answer, None) is not None:
            answer.set_exception(NotSent())

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await self._send_some()
        finally:
            self._sending = None

    async def _send_some(self) -> None:
        taken: dict[asyncio.Future[Result], Item] = {}
        results: Sequence[Result | Exception] = ()
        try:
            async with self._pool.connection() as conn:
                taken = {answer: self._waiting.pop(answer) for answer in list(self._waiting)[:TOGETHER_MAX]}
                if taken:
                    results = await self._send(conn, list(taken.values()))
        except Exception as error:  # noqa: BLE001 - it is raised where the calls were made
            raised = error if taken else NotSent()
            if not taken:
                taken, self._waiting = self._waiting, {}
            results = [raised] * len(taken)
        for answer, result in zip(taken, results, strict=True):
            if answer.done():  # cancelled meanwhile
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)
