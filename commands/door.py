"""The one door for writes: transaction, retries, time, actor, ids and conditions live here, once."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.asking import Answer, Ask
from commands.work import Query, Target, Work
from domain.refusals import Gone, IdempotencyKeyReused, NotFound, PreconditionRequired, RequestInProgress, StateConflict, Unavailable
from domain.tokens import Role, at_least
from infra import log
from infra.append import Origin
from infra.bell import Bell
from infra.ids import uuid7

APPEND_ATTEMPTS_MAX = 5

Row = tuple[Any, ...]
Decide = Callable[[Work], Awaitable[Query]]


class Door:
    """`limits` are the deployment's sizes; `project` turns changes into row statements."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], project: log.Projector) -> None:
        self.pool = pool
        self.project = project
        self.bell = Bell(pool)

    async def perform(self, ask: Ask, target: Target | None, least: Role, decide: Decide) -> Answer:
        """Opens the target (404), checks the role (403), replays a known key, then decides, appends and reads the answer.

        Tries again when another writer was faster; gives up as `Unavailable` after APPEND_ATTEMPTS_MAX tries.
        """
        origin = Origin(
            command_id=uuid7(),
            actor_id=ask.actor.actor_id,
            token_id=ask.actor.token_id,
            surface=ask.surface,
            client=ask.client,
            request_id=ask.request_id,
        )
        lost: Work | None = None
        for _ in range(APPEND_ATTEMPTS_MAX):
            work = Work(ask, origin, target, self.project)
            try:
                async with self.pool.connection() as conn:
                    if lost is not None and await log.was_committed(conn, lost.changes[0], origin):
                        return _answer(lost, await _read(conn, lost.answer))
                    answer = await self._attempt(conn, work, least, decide)
            except log.RETRYABLE:
                continue
            except psycopg.OperationalError:
                lost = work if work.changes else lost
                continue
            if answer is not None:
                if work.changes:
                    self.bell.ring()
                return answer
        raise Unavailable("Too many writers at once, or the database is not reachable. Nothing was recorded; try again.")

    async def _attempt(self, conn: AsyncConnection[Any], work: Work, least: Role, decide: Decide) -> Answer | None:
        in_transaction = work.ask.key is not None or work.target is None or work.target.lock
        if not in_transaction:
            return await _decide_and_append(conn, work, least, decide)
        async with conn.transaction():
            answer = await _decide_and_append(conn, work, least, decide)
            if answer is None:
                raise psycopg.errors.SerializationFailure
            return answer


async def _decide_and_append(conn: AsyncConnection[Any], work: Work, least: Role, decide: Decide) -> Answer | None:
    if (known := await _opened(conn, work, least)) is not None:
        return known
    if work.ask.require_condition and work.ask.condition is None:
        raise PreconditionRequired("This deployment asks for an If-Match header on every change.")
    work.answer = await decide(work)
    if work.changes:
        appended = await _append(conn, work)
        if appended is None:
            return None
        answer = _answer(work, *appended)
    else:
        answer = _answer(work, await _read(conn, work.answer))
    if work.ask.key is not None:
        await _remember(conn, work.ask, answer)
    return answer


async def _opened(conn: AsyncConnection[Any], work: Work, least: Role) -> Answer | None:
    """Opens the target and asks for the role; then the answer of a known key, also where that very request deleted the target."""
    ask = work.ask
    try:
        await work.open(conn)
    except Gone:
        if ask.key is not None and at_least(ask.actor.role, least):
            with suppress(IdempotencyKeyReused):
                if (known := await _replay(conn, ask)) is not None:
                    return known
        raise
    work.require(least)
    if ask.key is None:
        return None
    await _claim(conn, ask)
    return await _replay(conn, ask)


async def _append(conn: AsyncConnection[Any], work: Work) -> tuple[Row | None, int] | None:
    """The answer's row and the version that the root has now; None when the guard no longer holds."""
    statement = work.statement()
    if statement.answered or work.answer.sql is None:
        row = await (await log.append(conn, statement)).fetchone()
        return None if row is None else (row[3:] or None, row[1])
    async with conn.pipeline():  # the append and the read of the answer travel together
        appending = await log.append(conn, statement)
        reading = await conn.execute(work.answer.sql, work.answer.params, prepare=True)
    row = await appending.fetchone()
    return None if row is None else (await reading.fetchone(), row[1])


async def _read(conn: AsyncConnection[Any], query: Query) -> Row | None:
    return None if query.sql is None else await (await conn.execute(query.sql, query.params, prepare=True)).fetchone()


def _answer(work: Work, row: Row | None, version: int | None = None) -> Answer:
    query = work.answer
    answer = Answer(status=query.status, location=query.location, command_id=work.origin.command_id, run_version=work.run_version(version))
    if query.sql is None:
        return answer
    if row is None or row[2] is None:
        raise NotFound("Not found.")
    own, wide, body = row
    return replace(answer, own=own, wide=wide, body=bytes(body))


async def _claim(conn: AsyncConnection[Any], ask: Ask) -> None:
    digest = hashlib.sha256(f"{ask.actor.actor_id} {ask.key}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    cursor = await conn.execute("SELECT pg_try_advisory_xact_lock(%s::bigint)", (number,))
    if not (await cursor.fetchone() or (False,))[0]:
        raise RequestInProgress("A request with this idempotency key is still running.")


async def _replay(conn: AsyncConnection[Any], ask: Ask) -> Answer | None:
    cursor = await conn.execute(
        "SELECT fingerprint, command_id, status, headers, body, recorded_at > now() - interval '7 days' FROM idempotency"
        " WHERE actor_id = %s AND key = %s",
        (ask.actor.actor_id, ask.key),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    fingerprint, command_id, status, headers, body, fresh = row
    if bytes(fingerprint) != ask.fingerprint:
        raise IdempotencyKeyReused("This idempotency key was used for another request.")
    if not fresh:
        raise StateConflict(f"This idempotency key was used more than 7 days ago by command {command_id}.")
    return Answer(status=status, body=body, command_id=command_id, replayed=True, **headers)


async def _remember(conn: AsyncConnection[Any], ask: Ask, answer: Answer) -> None:
    kept = {name: getattr(answer, name) for name in ("own", "wide", "run_version", "location")}
    headers = msgspec.json.encode(kept).decode()
    await conn.execute(
        "INSERT INTO idempotency (actor_id, key, fingerprint, command_id, status, headers, body) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (ask.actor.actor_id, ask.key, ask.fingerprint, answer.command_id, answer.status, headers, answer.body),
    )


def new_id() -> UUID:
    return uuid7()
