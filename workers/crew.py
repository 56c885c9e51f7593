"""Further processes that do nothing but jobs, for a machine with cores to spare."""

import asyncio
import logging
import multiprocessing
import os
import signal
from multiprocessing.context import SpawnProcess

from commands.door import Door
from infra import database, logs, tracing
from infra.settings import Settings
from projections import views
from workers import jobs
from workers.waiting import pause

LOOK_S = 0.5
LEAVE_S = 10.0  # beside the grace period
logger = logging.getLogger("runledger.crew")


async def run(settings: Settings, processes: int, threads: int, stopping: asyncio.Event) -> None:
    """Keeps `processes` of them at work until `stopping`, then waits for their end."""
    crew = [_start(settings, threads) for _ in range(processes)]
    while not stopping.is_set():
        for place, process in enumerate(crew):
            if process.exitcode is not None:
                logger.warning("a process of jobs ended with %s; starting another", process.exitcode)
                crew[place] = _start(settings, threads)
        await pause(stopping, LOOK_S)
    for process in crew:
        process.terminate()
    for process in crew:
        await asyncio.to_thread(process.join, settings.grace_s + LEAVE_S)


def _start(settings: Settings, threads: int) -> SpawnProcess:
    process = multiprocessing.get_context("spawn").Process(target=work, args=(settings, threads, os.getpid()), daemon=True)
    process.start()
    return process


def work(settings: Settings, threads: int, parent: int) -> None:
    """The body of such a process."""
    logs.configure(settings.log, settings.log_level)
    tracing.begin("worker")
    asyncio.run(_until_told(settings, threads, parent))


async def _until_told(settings: Settings, threads: int, parent: int) -> None:
    """Until SIGTERM or Ctrl-C, or until the process that started this one is no more."""
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    async with database.pool(settings) as pool, asyncio.TaskGroup() as tasks:
        tasks.create_task(jobs.run(settings, Door(pool, views.project_inline), threads, stopping))
        while not stopping.is_set():
            if os.getppid() != parent:
                stopping.set()
            await pause(stopping, LOOK_S)
