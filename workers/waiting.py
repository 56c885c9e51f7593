"""How the parts of the worker wait: for the end, for a while, for a notification."""

import asyncio
import contextlib

from infra.database import Connection


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Ends early when `stopping` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def woken(conn: Connection, net_s: float) -> None:
    """Returns at the next notification of a channel that `conn` listens to, or after `net_s`: one may be lost."""
    async for _ in conn.notifies(timeout=net_s, stop_after=1):
        pass
