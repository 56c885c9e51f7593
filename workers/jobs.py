"""Dramatiq's threads, which take calls and hand the jobs to the event loop."""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from uuid import UUID

import dramatiq
from dramatiq import Worker

from commands.door import Door
from infra import queue
from infra.objects import Objects
from infra.settings import Settings
from workers import analysing, calls, reports
from workers.analysing import Bench

LOOK_MS = 100  # how long an idle thread leaves Redis alone
LEAVE_S = 2.0  # for Dramatiq to give back what it has not begun
logger = logging.getLogger("runledger.jobs")


async def run(settings: Settings, door: Door, threads: int, stopping: asyncio.Event) -> None:
    """Takes jobs until `stopping`; those that are begun are finished within the grace period, or handed back."""
    running: set[asyncio.Task[None]] = set()
    async with Objects(settings) as objects:
        worker = _worker(settings, Bench(settings, door, objects, analysing.COMMAND), threads, running)
        worker.start()
        await stopping.wait()
        for thread in worker.workers:
            thread.stop()
        await _finished(running, settings.grace_s)
    await _dismiss(worker)


async def _finished(running: set[asyncio.Task[None]], grace_s: float) -> None:
    """Waits for the jobs that run; those that take longer hand their reports back."""
    if running:
        await asyncio.wait(running, timeout=grace_s)
    for job in running:
        job.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def _worker(settings: Settings, bench: Bench, threads: int, running: set[asyncio.Task[None]]) -> Worker:
    broker, loop = calls.broker(settings), asyncio.get_running_loop()

    async def job(report_id: str) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker
        running.add(task)
        task.add_done_callback(running.discard)
        await reports.analyse(UUID(report_id), bench)

    def analyse_report(report_id: str) -> None:
        with contextlib.suppress(concurrent.futures.CancelledError):  # handed back
            asyncio.run_coroutine_threadsafe(job(report_id), loop).result()

    dramatiq.actor(broker=broker, actor_name=calls.ACTOR, queue_name=calls.QUEUE)(analyse_report)
    worker = Worker(broker, worker_timeout=LOOK_MS, worker_threads=threads)
    worker.queue_prefetch = threads  # no more than can be begun: the others are free for another worker
    return worker


async def _dismiss(worker: Worker) -> None:
    """In a thread that does not keep the process: with Redis away it may take long, and what it holds is called for again."""

    def stop() -> None:
        with contextlib.suppress(*queue.AWAY):
            worker.stop(timeout=int(LEAVE_S * 1_000))
        left.set()

    left = threading.Event()
    threading.Thread(target=stop, daemon=True).start()
    await asyncio.to_thread(left.wait, LEAVE_S * 2)
