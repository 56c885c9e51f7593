"""One unit of work: what was loaded, what was decided, and the append that it becomes."""

from typing import Any, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

from commands.asking import Ask
from domain.changes import Change
from domain.events import Event
from domain.facts import EVOLVE, Kind
from domain.refusals import Closed, Forbidden, Gone, NotFound, OutOfScope, PreconditionFailed
from domain.tokens import Role, at_least
from infra import append, log
from infra.append import Guard, Member, NewRoot, Origin
from infra.ids import uuid7
from infra.markers import AT, Wide

_PARENT = {Kind.STEP: "card_id", Kind.OBSERVATION: "step_id"}  # the member that names the parent; a card's is the run

NOUN = {
    Kind.RUN: "test run",
    Kind.CARD: "card",
    Kind.STEP: "step",
    Kind.OBSERVATION: "observation",
    Kind.FILE: "data file",
    Kind.REPORT: "report",
    Kind.SYSTEM: "system",
    Kind.ASSET: "asset",
    Kind.ISSUE: "issue",
    Kind.CARD_TEMPLATE: "card template",
    Kind.TOKEN: "token",
}


class Query(NamedTuple):
    """What answers the caller after the append: a query of (own version, wide version, JSON bytes), or nothing (204).

    `written`: tables of which the query reads only rows that the command has changed, so that the append can answer by itself.
    The systems that the caller is limited to join `params` as `reach`.
    """

    status: int
    sql: str | None = None
    params: dict[str, Any] | None = None
    location: str | None = None
    written: tuple[str, ...] = ()


class Target(NamedTuple):
    """What a request is about: a root by id or number, and streams below it, each the parent of the next.

    What stands below a file is no part of it, but anything of the same root.
    `lock`: hold the head row from the start (for decisions on members). `deleted`: the last one may be a deleted one.
    `beside` is another root that the path names. `anyhow`: whatever was deleted, for what the machine itself records.
    `plain`: deciding needs no more of the database than the streams below, and is about an outcome.
    """

    kind: Kind
    ref: UUID | int
    below: tuple[tuple[Kind, UUID], ...] = ()
    lock: bool = False
    deleted: bool = False
    with_root: bool = False
    beside: tuple[Kind, UUID] | None = None
    anyhow: bool = False
    plain: bool = False


class Work:
    """One attempt at a command; `ids` are those that its earlier attempts have made."""

    def __init__(self, ask: Ask, origin: Origin, target: Target | None, project: log.Projector, ids: list[UUID]) -> None:
        self.ask, self.origin, self.target, self.project = ask, origin, target, project
        self._ids, self._ids_taken = ids, 0
        self.conn: AsyncConnection[Any]
        self.head: log.Head | None = None
        self.streams: dict[UUID, log.Stream] = {}
        self.changes: list[Change] = []
        self.members: list[Member] = []
        self.answer = Query(204)
        self._new: tuple[UUID, NewRoot] | None = None
        self._status: str | None = None
        self._wide: int | None = None
        self._rescope = False
        self._system_id: UUID | None = None
        self._restructure = False

    def new_id(self) -> UUID:
        """The next id of this command: the same ones in every attempt, so that a lost append and its repetition collide."""
        if self._ids_taken == len(self._ids):
            self._ids.append(uuid7())
        self._ids_taken += 1
        return self._ids[self._ids_taken - 1]

    async def open(self, conn: AsyncConnection[Any]) -> None:
        """Loads the target; missing, deleted, out of scope or wrongly nested is NotFound."""
        self.conn = conn
        if self.target is None:
            return
        kind, ref, below = self.target.kind, self.target.ref, self.target.below
        if self.target.lock:
            await log.lock(conn, kind, ref)
        self.take(self.target, *await log.load(conn, kind, ref, [stream_id for _, stream_id in below], with_root=self.target.with_root))
        if self.target.beside is not None:
            await self._check_beside(*self.target.beside)

    def take(self, target: Target, head: log.Head | None, streams: dict[UUID, log.Stream]) -> None:
        """What was loaded for the target; missing, deleted, out of scope or wrongly nested is NotFound."""
        self.head, self.streams = head, streams
        if head is None:
            raise NotFound(f"No such {NOUN[target.kind]}.")
        if not self.ask.actor.sees(head.system_id):
            raise OutOfScope(f"No such {NOUN[target.kind]}.")
        self._check_nesting(target.below)
        if not target.anyhow:
            self._check_live(head, target)

    def _check_live(self, head: log.Head, target: Target) -> None:
        kind, ref, below = target.kind, target.ref, target.below
        may_be_deleted = (below or ((kind, ref),))[-1] if target.deleted else None
        if head.status == "deleted" and may_be_deleted != (kind, ref):
            raise Gone(f"No such {NOUN[kind]}.")
        for one in below:
            if self.streams[one[1]].state.deleted and one != may_be_deleted:
                raise Gone(f"No such {NOUN[one[0]]}.")

    def _check_nesting(self, below: tuple[tuple[Kind, UUID], ...]) -> None:
        above = self.root_id
        for kind, stream_id in below:
            stream = self.streams.get(stream_id)
            if stream is None or stream.kind != kind:
                raise NotFound(f"No such {NOUN[kind]}.")
            if kind in _PARENT and below[0][0] is not Kind.FILE and getattr(stream.state, _PARENT[kind]) != above:
                raise NotFound(f"No such {NOUN[kind]}.")
            above = stream_id

    async def _check_beside(self, kind: Kind, root_id: UUID) -> None:
        found = (await log.references(self.conn, [root_id])).get(root_id)
        if found is None or found[0].kind != kind or found[0].status == "deleted":
            raise NotFound(f"No such {NOUN[kind]}.")
        if not self.ask.actor.sees(found[0].system_id):
            raise OutOfScope(f"No such {NOUN[kind]}.")

    def require(self, least: Role) -> None:
        if not at_least(self.ask.actor.role, least):
            raise Forbidden(f"This needs the role {least}; the token has {self.ask.actor.role}.")

    async def more(self, ids: list[UUID]) -> None:
        """Loads further streams of the same root; those that it does not have stay unknown."""
        _, streams = await log.load(self.conn, self._head.kind, self.root_id, ids, with_root=False)
        self.streams |= streams

    @property
    def _head(self) -> log.Head:
        if self.head is None:
            raise NotFound("Not found.")
        return self.head

    @property
    def root_id(self) -> UUID:
        if self._new is not None:
            return self._new[0]
        if self.head is None:
            raise NotFound("Not found.")
        return self.head.root_id

    @property
    def version(self) -> int:
        """The version of the root before the command."""
        return self._head.version

    @property
    def root(self) -> log.Stream:
        return self.streams[self.root_id]

    def live(self, stream_id: UUID) -> log.Stream:
        """The loaded stream, if it is not deleted."""
        stream = self.streams[stream_id]
        if stream.state is None or stream.state.deleted:
            raise NotFound(f"No such {NOUN[stream.kind]}.")
        return stream

    def has(self, kind: Kind, stream_id: UUID) -> bool:
        """Whether a live stream of that kind was loaded."""
        stream = self.streams.get(stream_id)
        return stream is not None and stream.kind is kind and not stream.state.deleted

    def run_version(self, appended: int | None) -> int | None:
        """The version of the test run that this is about: after the append, or as it was if there was none."""
        kind = self._new[1].kind if self._new is not None else self.head.kind if self.head is not None else None
        if kind is not Kind.RUN:
            return None
        return appended if appended is not None or self.head is None else self.head.version

    def begin_root(self, root_id: UUID, root: NewRoot) -> None:
        """The append will create this root."""
        self._new = (root_id, root)

    def require_match(self, stream: log.Stream, *, wide: bool = False) -> None:
        """If-Match: own version, or wide where nothing below may have changed."""
        condition = self.ask.condition
        if condition is None or self.head is None:
            return
        if condition.any:
            if stream.state.deleted:
                raise PreconditionFailed("The resource is deleted; If-Match: * asks for one that is there.")
            return
        if (self.head.version not in condition.wide) if wide else (stream.version not in condition.own):
            raise PreconditionFailed("The resource has changed since the tag in If-Match was given.")
        if wide:
            self._wide = self.head.version

    def require_open(self) -> None:
        if self.head is not None and self.head.status == "closed":
            raise Closed("The test run is closed for changes.")

    def record(self, kind: Kind, stream_id: UUID, facts: list[Event]) -> None:
        """Adds facts to a stream of the root; a stream not loaded is a new one."""
        if self.head is not None and stream_id == self.head.root_id and stream_id not in self.streams:
            raise LookupError("The root's own stream was not loaded: its target needs with_root.")
        stream = self.streams.get(stream_id, log.Stream(stream_id, kind, 0, None))
        for event in facts:
            after = EVOLVE[kind](stream.state, event)
            version = stream.version + 1
            wide = Wide(len(self.changes) + 1)
            self.changes.append(Change(kind, stream_id, version, self.root_id, wide, AT, self.origin.actor_id, event, stream.state, after))
            stream = log.Stream(stream_id, kind, version, after)
        self.streams[stream_id] = stream

    def place(self, member: Member) -> None:
        """Notes where a stream belongs; a change of liveness makes racing writers below look again."""
        self.members.append(member)

    def restructure(self) -> None:
        self._restructure = True

    def turn(self, status: str) -> None:
        """The root's status after the append: open, closed or deleted."""
        self._status = status

    def move_to_system(self, system_id: UUID | None) -> None:
        """The root belongs to this system from now on; None shares it with all."""
        self._rescope, self._system_id = True, system_id

    def guard(self) -> Guard:
        """What the look has found of a root that is there, and the append relies on."""
        return Guard(self._head.status, self._head.structure, self._wide)

    def leaves_the_head(self) -> bool:
        """Whether the append asks for no more of the head row than its guard, and changes nothing of it but version and time."""
        return not (self.members or self._new or self._status or self._rescope or self._restructure) and self._wide is None

    def statement(self) -> append.Statement:
        head: Guard | NewRoot
        if self._new is not None:
            head, was = self._new[1], "open"
        elif self.head is not None:
            head, was = self.guard(), self.head.status
        else:
            raise NotFound("Not found.")
        return append.compose(
            self.root_id,
            self.changes,
            self.origin,
            head,
            status=self._status or was,
            members=self.members,
            rescope=self._rescope,
            system_id=self._system_id,
            restructure=self._restructure,
            rows=self.project(self.changes),
            reading=append.Reading(self.answer.sql, self.answer.params or {}, self.answer.written)
            if self.answer.sql and self.answer.written
            else None,
        )
