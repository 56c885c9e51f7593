"""Turns: what few may do at once is done in the order in which it was asked for, and nobody waits for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.refusals import Unavailable


@asynccontextmanager
async def turn(places: asyncio.Semaphore, within_s: float, refusal: str) -> AsyncIterator[None]:
    """Begins when one of `places` is free; raises `Unavailable` with that text where none is within `within_s` seconds."""
    try:
        async with asyncio.timeout(within_s):
            await places.acquire()
    except TimeoutError:
        raise Unavailable(refusal) from None
    try:
        yield
    finally:
        places.release()
