"""Followers: they read the sequence in order, and move their bookmark in the transaction of their effect."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from infra import fault_points, followers, sequence, tracing
from infra.database import LOST, Connection, dedicated
from infra.followers import Followed, Topics
from infra.settings import Settings
from workers.waiting import pause, woken

ATTEMPTS_MAX = 5
BACK_OFF_S = 0.1  # doubles with each attempt
BATCH_EVENTS = 500
NET_S = 1.0
PLANNED_ONCE = "SET enable_seqscan = off"  # a plan lives longer than a table is small
logger = logging.getLogger("runledger.following")

Take = Callable[[Connection, list[Followed]], Awaitable[None]]


class Follower(NamedTuple):
    """`take` has its effect on the connection it is given, so that effect and bookmark commit together.

    It must be safe for an effect outside that transaction to happen twice. Events of other topics are passed over unread.
    """

    name: str
    take: Take
    topics: Topics = None


async def run(settings: Settings, follower: Follower, stopping: asyncio.Event) -> None:
    """Follows until `stopping`; of several processes one at a time takes a batch."""
    while not stopping.is_set():
        try:
            async with await dedicated(settings) as conn:
                await conn.execute(f"LISTEN {sequence.CHANNEL}")
                await conn.execute(PLANNED_ONCE)
                while not stopping.is_set():
                    if not await step(conn, follower, stopping):
                        await woken(conn, NET_S)
        except LOST as error:
            logger.warning("%s lost the database (%s); trying again", follower.name, type(error).__name__)
            await pause(stopping, BACK_OFF_S)


async def step(conn: Connection, follower: Follower, stopping: asyncio.Event) -> bool:
    """Takes one batch, and what was asked for parked roots; whether there may be more."""
    try:
        async with conn.transaction():
            return await _take_batch(conn, follower, BATCH_EVENTS)
    except LOST:
        raise
    except Exception:  # noqa: BLE001  # whatever an effect raises; the events are tried one by one below
        logger.warning("%s could not take a batch; going event by event", follower.name)
    return await _take_one(conn, follower, stopping)


async def _take_batch(conn: Connection, follower: Follower, limit: int) -> bool:
    seq = await followers.hold(conn, follower.name)
    if seq is None:
        return False
    behind = await followers.parked(conn, follower.name)
    for root in [p for p in behind.values() if p.wanted]:
        if await _again(conn, follower, root, seq):
            del behind[root.root_id]  # what it did since comes with this batch
    upto = await followers.next_position(conn, seq, limit)
    if upto == seq:
        return False
    events = await followers.following(conn, seq, upto, follower.topics)
    with tracing.span(f"follow {follower.name}", events=len(events), last_seq=upto):
        if wanted := [e for e in events if e.root_id not in behind]:
            await follower.take(conn, wanted)
            await fault_points.reach("follower.taken")
        await followers.move(conn, follower.name, upto)
    return upto - seq == limit


async def _again(conn: Connection, follower: Follower, root: followers.Parked, upto: int) -> bool:
    """Takes the events of a parked root that were passed over, in order; what fails leaves it parked, and answers False."""
    events = await followers.of_root(conn, root.root_id, root.seq, upto, follower.topics)
    if root.wanted == "skip":
        events = events[1:]
    try:
        async with conn.transaction():
            if events:
                await follower.take(conn, events)
            await followers.unpark(conn, follower.name, root.root_id)
    except LOST:
        raise
    except Exception as error:  # noqa: BLE001  # whatever an effect raises is shown to the operator
        first = events[0].seq if events else root.seq
        await followers.park(conn, follower.name, root.root_id, first, 1, _words(error))
        return False
    return True


async def _take_one(conn: Connection, follower: Follower, stopping: asyncio.Event) -> bool:
    """The next event alone, ATTEMPTS_MAX times; then its root is parked and the others go on."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            async with conn.transaction():
                await _take_batch(conn, follower, 1)
        except LOST:
            raise
        except Exception as error:
            if attempt == ATTEMPTS_MAX:
                logger.exception("%s parks a root after %d attempts", follower.name, attempt)
                async with conn.transaction():
                    await _park_next(conn, follower, error)
            await pause(stopping, BACK_OFF_S * 2 ** (attempt - 1))
            if stopping.is_set():
                return False
        else:
            break
    return True


async def _park_next(conn: Connection, follower: Follower, error: Exception) -> None:
    seq = await followers.hold(conn, follower.name)
    if seq is None:
        return
    for event in await followers.following(conn, seq, seq + 1, follower.topics):
        await followers.park(conn, follower.name, event.root_id, event.seq, ATTEMPTS_MAX, _words(error))
        await followers.move(conn, follower.name, event.seq)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:2_000]
