"""The one door for writes: transaction, retries, time, actor, ids and conditions live here, once."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands import keys, together
from commands.asking import Answer, Ask
from commands.together import Together
from commands.work import Query, Target, Work
from domain.refusals import NotFound, PreconditionRequired, Refusal, RequestInProgress, Unavailable
from domain.tokens import Role
from infra import fault_points, log, placeholders, tracing
from infra.append import Origin
from infra.bell import Bell
from infra.gathering import NotSent
from infra.ids import uuid7

APPEND_ATTEMPTS_MAX = 8
BACK_OFF_S = 0.004
PATIENCE_S = 5.0

Row = tuple[Any, ...]
Decide = Callable[[Work], Awaitable[Query]]


class Door:
    """`project` turns changes into row statements; `patience_s` is how long a command waits for the database."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], project: log.Projector, patience_s: float = PATIENCE_S) -> None:
        self.pool, self.project, self.patience_s = pool, project, patience_s
        self.bell = Bell(pool)
        self.together = Together(pool, project)
        self.appended: Callable[[float], None] = lambda _: None  # told how long each change took, in seconds

    async def perform(self, ask: Ask, target: Target | None, least: Role, decide: Decide) -> Answer:
        """Opens the target (404), checks the role (403), replays a known key, then decides, appends and reads the answer.

        Tries again when another writer was faster or the connection broke, at most APPEND_ATTEMPTS_MAX times and while its
        patience lasts; then `Unavailable`, which says whether something may have been recorded. What no repetition mends
        (a fault in SQL, a full disk, a statement that takes too long) is raised as it is.
        """
        origin, ids, lost = _origin(ask), list[UUID](), list[Work]()
        last: Exception | None = None
        ends_at = time.monotonic() + self.patience_s
        for attempt in range(APPEND_ATTEMPTS_MAX):
            if attempt and target is not None:
                target = target._replace(lock=True)  # whoever was overtaken waits at the root's gate before it looks again
            work = Work(ask, origin, target, self.project, ids)
            try:
                if target is None or not together.may_look(work):
                    return await self._attempt_alone(work, least, decide, lost, ends_at)
                with self.together.underway() as others:
                    if others:
                        return await self._attempt_together(work, target, least, decide, ends_at)
                    return await self._attempt_alone(work, least, decide, lost, ends_at)
            except (*log.OVERTAKEN, RequestInProgress, NotSent) as error:
                if isinstance(error, RequestInProgress) and not lost:
                    raise
                last = error
            except psycopg.OperationalError as error:
                if not log.connection_broke(error) and not lost:
                    raise
                last, lost = error, [*lost, work] if work.changes else lost
            if time.monotonic() >= ends_at:
                break
            await asyncio.sleep(random.uniform(0, BACK_OFF_S * 2**attempt))  # noqa: S311 - keeps writers apart, guards nothing
        raise _given_up(last, maybe_recorded=bool(lost)) from last

    async def _attempt_alone(self, work: Work, least: Role, decide: Decide, lost: list[Work], ends_at: float) -> Answer:
        async with self.pool.connection(max(ends_at - time.monotonic(), 0.1)) as conn:
            return await self._attempt(conn, work, least, decide, lost)

    async def _attempt(self, conn: AsyncConnection[Any], work: Work, least: Role, decide: Decide, lost: list[Work]) -> Answer:
        began = time.perf_counter()
        if work.ask.key is None and work.target is not None and not work.target.lock:
            answer = await _decide_and_append(conn, work, least, decide, lost)
        else:
            async with conn.transaction():
                answer = await _decide_and_append(conn, work, least, decide, lost)
        return await self._committed(work, answer, began)

    async def _attempt_together(self, work: Work, target: Target, least: Role, decide: Decide, ends_at: float) -> Answer:
        """The first attempt of what may share its round trips with others; it holds no connection while it waits for them."""
        began = time.perf_counter()
        work.take(target, *await self.together.look(target, ends_at - time.monotonic()))
        work.require(least)
        await _decide_on(work, decide)
        if not together.may_append(work):
            raise log.Overtaken
        await fault_points.reach("append.begins")
        with tracing.span("append", events=1):
            appended = await self.together.append(work, ends_at - time.monotonic())
        await fault_points.reach("append.done")
        return await self._committed(work, _answer(work, *appended), began)

    async def _committed(self, work: Work, answer: Answer, began: float) -> Answer:
        if work.changes:
            await fault_points.reach("command.committed")
            self.bell.ring()
            self.appended(time.perf_counter() - began)
        return answer


def _origin(ask: Ask) -> Origin:
    return Origin(
        command_id=uuid7(),
        actor_id=ask.actor.actor_id,
        token_id=ask.actor.token_id,
        surface=ask.surface,
        client=ask.client,
        request_id=ask.request_id,
        **tracing.current()._asdict(),
    )


def _given_up(last: Exception | None, *, maybe_recorded: bool) -> Exception:
    if maybe_recorded:
        return Unavailable(
            "The database went away during the change: it may have been recorded or not. A repetition with the same key tells."
        )
    if isinstance(last, psycopg.errors.UniqueViolation) and last.diag.constraint_name not in log.OVERTAKEN_CONSTRAINTS:
        return last
    return Unavailable("Too many writers at once, or the database is not reachable. Nothing was recorded; try again.")


async def _decide_and_append(conn: AsyncConnection[Any], work: Work, least: Role, decide: Decide, lost: list[Work]) -> Answer:
    try:
        known = await _decide(conn, work, least, decide)
    except Refusal:
        if (known := await _found(conn, lost)) is None:
            raise
    # Only now that the streams are loaded: a lost append that is still on its way then collides with this one.
    known = known or await _found(conn, lost)
    return known or await _appended(conn, work)


async def _decide(conn: AsyncConnection[Any], work: Work, least: Role, decide: Decide) -> Answer | None:
    """Leaves the decision in `work`; answers where the idempotency key is known already."""
    if (known := await keys.open_for(conn, work, least)) is not None:
        return replace(known, replayed=known.command_id != work.origin.command_id)
    await _decide_on(work, decide)
    return None


async def _decide_on(work: Work, decide: Decide) -> None:
    if work.ask.require_condition and work.ask.condition is None:
        raise PreconditionRequired("This deployment asks for an If-Match header on every change.")
    answer = await decide(work)
    work.answer = answer._replace(params=(answer.params or {}) | {"reach": work.ask.actor.reach})


async def _found(conn: AsyncConnection[Any], lost: list[Work]) -> Answer | None:
    """The answer of an earlier attempt whose commit did happen, though the connection broke before it said so."""
    for work in lost:
        version = await log.committed(conn, work.changes, work.origin)
        if version is not None:
            return _answer(work, await _read(conn, work.answer), version)
    return None


async def _appended(conn: AsyncConnection[Any], work: Work) -> Answer:
    if work.changes:
        await fault_points.reach("append.begins")
        with tracing.span("append", events=len(work.changes)):
            appended = await _append(conn, work)
        await fault_points.reach("append.done")
        if appended is None:
            raise log.Overtaken
        answer = _answer(work, *appended)
    else:
        answer = _answer(work, await _read(conn, work.answer))
    if work.ask.key is not None:
        await keys.remember(conn, work.ask, answer)
        await fault_points.reach("key.kept")
    return answer


async def _append(conn: AsyncConnection[Any], work: Work) -> tuple[Row | None, int] | None:
    """The answer's row and the version that the root has now; None when the guard no longer holds."""
    statement = work.statement()
    if statement.answered or work.answer.sql is None:
        row = await (await log.append(conn, statement)).fetchone()
        return None if row is None else (row[3:] or None, row[1])
    async with conn.pipeline():  # the append and the read of the answer travel together
        appending = await log.append(conn, statement)
        reading = await placeholders.execute(conn, work.answer.sql, work.answer.params or {})
    row = await appending.fetchone()
    return None if row is None else (await reading.fetchone(), row[1])


async def _read(conn: AsyncConnection[Any], query: Query) -> Row | None:
    return None if query.sql is None else await (await placeholders.execute(conn, query.sql, query.params or {})).fetchone()


def _answer(work: Work, row: Row | None, version: int | None = None) -> Answer:
    query = work.answer
    answer = Answer(status=query.status, location=query.location, command_id=work.origin.command_id, run_version=work.run_version(version))
    if query.sql is None:
        return answer
    if row is None or row[2] is None:
        raise NotFound("Not found.")
    own, wide, body = row
    return replace(answer, own=own, wide=wide, body=bytes(body))
