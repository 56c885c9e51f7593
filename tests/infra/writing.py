"""Writers of bare events for tests of the log: roots of many step streams, without views."""

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from domain.changes import Change
from domain.events import Event
from domain.facts import Kind
from domain.runs import RunCreated
from domain.steps import ExecutionStatus, StepOutcomeRecorded
from infra import log
from infra.append import Guard, NewRoot, Origin, Statement, compose
from infra.ids import uuid7
from infra.settings import Settings

PASSED = StepOutcomeRecorded(status=ExecutionStatus.PASSED)
OPEN = Guard("open", 0)


async def connect(settings: Settings) -> AsyncConnection[Any]:
    options = f"-c search_path={settings.schema}"
    return await AsyncConnection.connect(settings.database_url or "", autocommit=True, options=options)


def origin() -> Origin:
    return Origin(command_id=uuid7(), actor_id=UUID(int=7))


def statement(root: UUID, head: Guard | NewRoot, kind: Kind, events: list[tuple[UUID, int, Event]]) -> Statement:
    changes = [Change(kind, stream, version, root, None, None, UUID(int=7), event, None, None) for stream, version, event in events]
    return compose(root, changes, origin(), head, status="open", members=[], rescope=False, system_id=None, restructure=False, rows=[])


async def begin_root(conn: AsyncConnection[Any]) -> UUID:
    root = uuid7()
    created = RunCreated(number=1, title="T", description="", system_id=root)
    await log.append(conn, statement(root, NewRoot(Kind.RUN, None, None), Kind.RUN, [(root, 1, created)]))
    return root
