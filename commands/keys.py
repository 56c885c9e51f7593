"""Idempotency keys: a request that comes again is answered as the first time."""

import hashlib
from contextlib import suppress
from typing import Any

import msgspec
from psycopg import AsyncConnection

from commands.asking import Answer, Ask
from commands.work import Work
from domain.refusals import Gone, IdempotencyKeyReused, RequestInProgress, StateConflict
from domain.tokens import Role, at_least


async def open_for(conn: AsyncConnection[Any], work: Work, least: Role) -> Answer | None:
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


async def remember(conn: AsyncConnection[Any], ask: Ask, answer: Answer) -> None:
    kept = {name: getattr(answer, name) for name in ("own", "wide", "run_version", "location")}
    headers = msgspec.json.encode(kept).decode()
    await conn.execute(
        "INSERT INTO idempotency (actor_id, key, fingerprint, command_id, status, headers, body) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (ask.actor.actor_id, ask.key, ask.fingerprint, answer.command_id, answer.status, headers, answer.body),
    )
