"""Keeps the words of runs, by which search finds the runs that have a common word."""

import asyncio
import logging
import time

from infra import sequence
from infra.database import LOST, dedicated
from infra.settings import Settings
from projections import run_words
from workers.following import PLANNED_ONCE
from workers.sequencer import RETRY_S
from workers.waiting import pause, woken

NET_S = 1.0
NOTE_S = 0.25  # a search for a common word reads what was not noted yet
logger = logging.getLogger("runledger.run_words")


async def run(settings: Settings, stopping: asyncio.Event) -> None:
    """Until `stopping`; half of the time at most, so that whoever waits for an answer goes first."""
    while not stopping.is_set():
        try:
            async with await dedicated(settings) as conn:
                await conn.execute(f"LISTEN {sequence.CHANNEL}")
                await conn.execute(PLANNED_ONCE)
                await conn.execute("SET synchronous_commit = off")  # what is lost is done again
                while not stopping.is_set():
                    begun = time.monotonic()
                    if await run_words.keep_up(conn):
                        await pause(stopping, time.monotonic() - begun)
                    else:
                        await pause(stopping, NOTE_S)
                        await woken(conn, NET_S)
        except LOST as error:
            logger.warning("the words of runs lost the database (%s); trying again", type(error).__name__)
            await pause(stopping, RETRY_S)
