"""Calls for workers through Redis. A call holds an id only; it may be lost, doubled or late: what counts is in PostgreSQL."""

from collections.abc import Iterable
from uuid import UUID

from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

from infra import queue
from infra.settings import Settings

QUEUE = "reports"
ACTOR = "analyse_report"
SILENCE_MS_MAX = 5_000  # of a consumer, then what it holds is given to others
MAINTENANCE_CHANCE = 200_000  # of a million commands, so that this happens soon


def broker(settings: Settings) -> RedisBroker:
    """Without Dramatiq's retries and limits: attempts, time and their ends are the leases' business."""
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=queue.client(settings),
        middleware=[],
        namespace=settings.schema,
        heartbeat_timeout=SILENCE_MS_MAX,
        maintenance_chance=MAINTENANCE_CHANCE,
    )


def call(calls: RedisBroker, report_ids: Iterable[UUID]) -> bool:
    """One call for each report; False where Redis is away."""
    try:
        for report_id in report_ids:
            calls.enqueue(Message(queue_name=QUEUE, actor_name=ACTOR, args=(str(report_id),), kwargs={}, options={}))
    except queue.AWAY:
        return False
    return True


def call_missing(calls: RedisBroker, waiting: list[UUID]) -> bool:
    """Calls for all that wait, if Redis holds fewer calls than that: some were lost, and none says which."""
    try:
        kept = calls.client.llen(f"{calls.namespace}:{QUEUE}")
    except queue.AWAY:
        return False
    return kept >= len(waiting) or call(calls, waiting)
