"""Embedding beside the worker: a follower that notes whose text has changed, and a process that makes vectors while any are wanted."""

import asyncio
import logging
import multiprocessing
import os
from multiprocessing.context import SpawnProcess
from typing import NamedTuple
from uuid import UUID, uuid4

from infra import logs
from infra.database import LOST, Connection, dedicated
from infra.followers import Followed
from infra.settings import Settings
from projections import embedding_backlog
from workers.following import Follower
from workers.waiting import pause, woken

TEXTS = frozenset({
    "test_run.created", "test_run.edited", "card.added", "card.edited", "step.added", "step.edited", "step.outcome_recorded",
    "observation.recorded", "observation.edited", "report.requested", "report.completed",
})  # fmt: skip
NET_S = 1.0
RESTART_S = 2.0  # after a process that failed
LEAVE_S = 10.0
NICENESS = 19  # whoever waits for an answer goes first
logger = logging.getLogger("runledger.embedding")


async def take(conn: Connection, events: list[Followed]) -> None:
    """Rows only, which commit with the bookmark: vectors take their time."""
    await embedding_backlog.note(conn, {event.originator_id for event in events})


FOLLOWER = Follower("embedding", take, TEXTS)


class Child(NamedTuple):
    """A process that embeds, and the name of its claims."""

    process: SpawnProcess
    claim_id: UUID


async def run(settings: Settings, stopping: asyncio.Event) -> None:
    """Keeps a process at work while there is work, until `stopping`.

    One is started at once: whether the model is still the same is known to none but it.
    """
    child: Child | None = _start(settings)
    try:
        while not stopping.is_set():
            try:
                async with await dedicated(settings) as conn:
                    await conn.execute(f"LISTEN {embedding_backlog.CHANNEL}")
                    while not stopping.is_set():
                        child = await _kept(conn, settings, child, stopping)
                        await woken(conn, NET_S)
            except LOST as error:
                logger.warning("embedding lost the database (%s); trying again", type(error).__name__)
                await pause(stopping, NET_S)
    finally:
        if child is not None:
            await asyncio.to_thread(_end, child.process)


async def _kept(conn: Connection, settings: Settings, child: Child | None, stopping: asyncio.Event) -> Child | None:
    """The one that is at work, or another where there is work; what one that failed had claimed is free again."""
    if child is not None and child.process.exitcode is None:
        return child
    if child is not None and child.process.exitcode:
        logger.warning("the process that embeds ended with %s", child.process.exitcode)
        await embedding_backlog.release(conn, child.claim_id)
        await pause(stopping, RESTART_S)
    return _start(settings) if await embedding_backlog.is_wanted(conn) and not stopping.is_set() else None


def _start(settings: Settings) -> Child:
    claim_id = uuid4()
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(settings, claim_id, os.getpid()), daemon=True)
    process.start()
    return Child(process, claim_id)


def _end(process: SpawnProcess) -> None:
    """Killed after a while: what it had claimed is left for another."""
    process.terminate()
    process.join(LEAVE_S)
    process.kill()
    process.join()


def _work(settings: Settings, claim_id: UUID, parent: int) -> None:
    from workers import embedder  # noqa: PLC0415  # numpy and the model belong to this process only

    logs.configure(settings.log, settings.log_level)
    os.nice(NICENESS)
    asyncio.run(embedder.until_told(settings, claim_id, parent))
