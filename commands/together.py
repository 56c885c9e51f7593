"""Outcomes that are recorded at the same moment share their round trips: one look and one append for many commands."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

import psycopg
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.work import Query, Target, Work
from domain.steps import StepOutcomeRecorded
from infra import append_together, log, placeholders
from infra.append import Guard, Reading, Statement
from infra.append_together import Share
from infra.gathering import Gathering
from infra.markers import Wide

WRITTEN_MAX = 4_096

Loaded = tuple[log.Head | None, dict[UUID, log.Stream]]
Appended = tuple[tuple[Any, ...] | None, int]


def may_look(work: Work) -> bool:
    """Whether the command needs no more than streams of a root that it names: nothing held, nothing else asked of the database."""
    target = work.target
    return target is not None and target.plain and isinstance(target.ref, UUID) and not target.lock and work.ask.key is None


def may_append(work: Work) -> bool:
    """Whether the command has come to one outcome."""
    outcome = len(work.changes) == 1 and type(work.changes[0].event) is StepOutcomeRecorded
    return outcome and work.leaves_the_head() and bool(work.answer.written)


class Together:
    """What commands of this process do together. NotSent: it did nothing; a broken connection leaves open what it did."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], project: log.Projector) -> None:
        self._project = project
        self._looks: Gathering[log.Look, Loaded] = Gathering(pool, log.load_together)
        self._appends: Gathering[Work, Appended] = Gathering(pool, self._append)
        self._underway = 0
        self._written: dict[UUID, int] = {}  # versions of streams, so that most who looked before a batch do not spoil the next

    @contextmanager
    def underway(self) -> Iterator[bool]:
        """Around a command that may share its look: whether others are on their way. One that is not goes as fast by itself."""
        self._underway += 1
        try:
            yield self._underway > 1
        finally:
            self._underway -= 1

    async def look(self, target: Target, patience_s: float) -> Loaded:
        streams = tuple(stream_id for _, stream_id in target.below)
        return await self._looks.go(log.Look(target.kind, cast("UUID", target.ref), streams), patience_s)

    async def append(self, work: Work, patience_s: float) -> Appended:
        """The answer's row and the version of the root with it. Overtaken: nothing is recorded, and the command should go on alone."""
        return await self._appends.go(work, patience_s)

    async def _append(self, conn: AsyncConnection[Any], works: Sequence[Work]) -> list[Appended | Exception]:
        results: list[Appended | Exception] = [log.Overtaken() for _ in works]
        shares = self._shares(works)
        places = list(shares)
        if not places:
            return results
        try:
            statement = works[places[0]].statement() if len(places) == 1 else self._statement(shares, works[0].answer)
        except Exception:  # noqa: BLE001 - whose fault it was will show when each goes on alone
            return results
        try:
            rows = await (await placeholders.execute(conn, statement.sql, statement.params, binary=True)).fetchall()
        except psycopg.Error as error:
            if log.connection_broke(error):
                raise
            return results  # the server has taken all of it back
        for row in rows:
            results[places[row[0] if len(places) > 1 else 0]] = row[3:], row[1]
        return results

    def _statement(self, shares: dict[int, Share], answer: Query) -> Statement:
        rows = self._project([share.change for share in shares.values()], together=True)
        return append_together.compose(list(shares.values()), rows, Reading(answer.sql or "", {}, answer.written))

    def _shares(self, works: Sequence[Work]) -> dict[int, Share]:
        """Of those works, by their place, that do not stand in each other's way."""
        shares: dict[int, Share] = {}
        heads: dict[UUID, tuple[Guard, int]] = {}
        if len(self._written) > WRITTEN_MAX:
            self._written.clear()
        for i, work in enumerate(works):
            change = work.changes[0]
            guard, before = heads.get(work.root_id, (work.guard(), 0))
            fits = guard == work.guard() and work.answer.sql == works[0].answer.sql
            if fits and self._written.get(change.stream_id, 0) < change.version:
                self._written[change.stream_id] = change.version
                heads[work.root_id] = guard, before + 1
                shares[i] = Share(replace(change, wide=Wide(before + 1)), work.origin, guard, work.answer.params or {})
        return shares
