"""Runs the rebuilds that are asked for over HTTP."""

import asyncio
import logging
import os

from infra.database import LOST, dedicated
from infra.settings import Settings
from projections import rebuild, rebuild_log
from workers.waiting import pause

LOOK_S = 1.0
logger = logging.getLogger("runledger.rebuilding")


async def run(settings: Settings, stopping: asyncio.Event) -> None:
    """Looks once a second, until `stopping`."""
    while not stopping.is_set():
        try:
            async with await dedicated(settings) as conn:
                while not stopping.is_set():
                    if await rebuild_log.is_asked(conn):
                        await _rebuild(settings)
                    await pause(stopping, LOOK_S)
        except LOST as error:
            logger.warning("the database is away (%s); trying again", type(error).__name__)
            await pause(stopping, LOOK_S)


async def _rebuild(settings: Settings) -> None:
    try:
        done = await rebuild.run(settings, os.cpu_count() or 1, lambda *_: None)
    except rebuild.InProgress:
        return
    except LOST:
        raise
    except Exception:
        logger.exception("the rebuild failed; its row in the list of rebuilds says why")
        return
    logger.info("rebuilt %d events in %.1f s", done.events, done.seconds)
