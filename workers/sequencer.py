"""The sequencer: one leader that gives finished events their positions."""

import asyncio
import logging

from infra import bell, sequence
from infra.database import LOST, Connection, dedicated, end_silent_holder, try_lock
from infra.settings import Settings
from workers.waiting import pause, woken

NET_S = 1.0  # a lost wake-up call costs at most this
RETRY_S = 0.1
SILENCE_S = 5.0  # one that leads asks the database something every NET_S
GATHER_S = 0.04  # appends that come together share one commit of the sequence
logger = logging.getLogger("runledger.sequencer")


async def run(settings: Settings, stopping: asyncio.Event) -> None:
    """Leads, or waits to lead, until `stopping`; a lost connection is made anew."""
    while not stopping.is_set():
        try:
            async with await dedicated(settings) as conn:
                if await take_lead(conn, settings, stopping):
                    await lead(conn, stopping)
        except LOST as error:
            logger.warning("the sequencer lost the database (%s); trying again", type(error).__name__)
            await pause(stopping, RETRY_S)


async def take_lead(conn: Connection, settings: Settings, stopping: asyncio.Event) -> bool:
    """Waits for the leader's lock, which ends with its holder's session; that of one that hangs is ended."""
    name = f"{settings.schema} sequencer"
    while not stopping.is_set():
        if await try_lock(conn, name):
            return True
        if await end_silent_holder(conn, name, SILENCE_S):
            logger.warning("the sequencer that led was silent for %.0f s; another takes over", SILENCE_S)
            continue
        await pause(stopping, NET_S)
    return False


async def lead(conn: Connection, stopping: asyncio.Event) -> None:
    """Extends the sequence whenever something was appended."""
    await conn.execute(f"LISTEN {bell.CHANNEL}")
    head, floor, more = await sequence.head(conn), "0", True
    while not stopping.is_set():
        head, floor, more = await sequence.extend(conn, head, floor)
        if more:
            continue
        await woken(conn, NET_S)
        await pause(stopping, GATHER_S)
