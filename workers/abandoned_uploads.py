"""Throws away the parts of files that were never registered."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from domain.refusals import StorageUnavailable
from domain.uploads import PARTS_S
from infra import multipart
from infra.objects import Objects, Refused
from infra.settings import Settings
from workers.waiting import pause

LOOK_S = 3_600.0
GRACE_S = 10_800  # after their addresses have expired: for what is still on its way, and clocks that differ
logger = logging.getLogger("runledger.uploads")


async def run(settings: Settings, stopping: asyncio.Event) -> None:
    """Looks at the start and every hour, until `stopping`; S3 being away only delays it."""
    async with Objects(settings) as objects:
        while not stopping.is_set():
            await _look(settings, objects)
            await pause(stopping, LOOK_S)


async def _look(settings: Settings, objects: Objects) -> None:
    if settings.upload_entry is None:
        return
    asked_before = datetime.now(UTC) - timedelta(seconds=PARTS_S + GRACE_S)
    try:
        aborted = await multipart.abort_abandoned(objects, settings.upload_entry, asked_before)
    except (StorageUnavailable, Refused) as error:
        logger.warning("abandoned uploads stay for now: %s", error)
        return
    if aborted:
        logger.info("threw %d abandoned uploads away", aborted)
