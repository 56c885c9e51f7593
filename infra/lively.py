"""Connections to PostgreSQL that notice by themselves when it is gone, or takes what it is sent and says nothing."""

import asyncio
import logging
import os
import select
import socket
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

SILENCE_S = 3.0
ANSWER_S = 2  # for a new connection; beneath it the driver waits as long
logger = logging.getLogger("runledger.database")


class LivelyConnection(AsyncConnection[Any]):
    """TCP sees nothing wrong with a server, or something in between, that acknowledges every byte and never answers.

    So who waits for long asks for a new connection beside: where that gets no answer either, this one is hung up,
    and its user is told that it broke, SILENCE_S + ANSWER_S after asking. A long statement of a server that lives goes on.
    """

    pool: "LivelyPool | None" = None

    async def wait(self, *args: Any, **options: Any) -> Any:
        loop, watches = asyncio.get_running_loop(), list[asyncio.Task[None]]()
        timer = loop.call_later(SILENCE_S, lambda: watches.append(loop.create_task(self._watch())))
        try:
            return await super().wait(*args, **options)
        finally:
            timer.cancel()
            for watch in watches:
                watch.cancel()

    async def _watch(self) -> None:
        while not await self._is_silent():  # noqa: ASYNC110 - nothing tells of a silence
            await asyncio.sleep(SILENCE_S)
        logger.warning("PostgreSQL does not answer; a connection is given up")
        if self.pool is not None:
            await self.pool.drain()  # those that nobody uses are as silent
        with socket.socket(fileno=os.dup(self.pgconn.socket)) as ours:
            ours.shutdown(socket.SHUT_RDWR)

    async def _is_silent(self) -> bool:
        try:
            where = make_conninfo(self.info.dsn, password=self.info.password, connect_timeout=ANSWER_S)
            await (await AsyncConnection.connect(where)).close()
        except psycopg.errors.ConnectionTimeout:
            return True
        except psycopg.OperationalError:
            return False  # it says no, but it says something
        return False


class LivelyPool(AsyncConnectionPool[AsyncConnection[Any]]):
    """A pool of such connections."""

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[Any]:  # noqa: ASYNC109 - as the library has it
        """Passes over what the server has ended meanwhile, without asking it."""
        while True:
            conn = await super().getconn(timeout)
            if not _was_left(conn):
                if isinstance(conn, LivelyConnection):
                    conn.pool = self
                return conn
            await conn.close()
            await self.putconn(conn)


def _was_left(conn: AsyncConnection[Any]) -> bool:
    """An idle connection has nothing to read but word of its end."""
    poll = select.poll()
    poll.register(conn.fileno(), select.POLLIN)
    return bool(poll.poll(0))
