"""Reading the event log as it grows, in an order that never changes behind the reader."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection


class Position(NamedTuple):
    """A place in the log: the transaction that wrote an event, and its number within it."""

    xid: int
    notification_id: int


class StoredEvent(NamedTuple):
    """An event as it lies in the log: `state` and `metadata` are the exact stored bytes."""

    xid: int
    notification_id: int
    originator_id: UUID
    originator_version: int
    root_id: UUID
    root_version: int
    kind: str
    topic: str
    schema_number: int
    state: bytes
    metadata: bytes
    recorded_at: datetime

    @property
    def position(self) -> Position:
        return Position(self.xid, self.notification_id)


START = Position(0, 0)

# Every transaction below the snapshot's xmin has ended, so nothing can still appear at or before what this has returned.
_READ = """SELECT e.xid::text::bigint, e.notification_id, e.originator_id, e.originator_version, e.root_id, e.root_version,
    e.kind, e.topic, e.schema_number, e.state, e.metadata, e.recorded_at
  FROM events e
  WHERE (e.xid, e.notification_id) > (%(xid)s::xid8, %(id)s::bigint) AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY e.xid, e.notification_id LIMIT %(limit)s"""


async def read(conn: AsyncConnection[Any], after: Position, limit: int) -> list[StoredEvent]:
    """The next events of finished transactions after a position, at most `limit`.

    A reader that goes on from the last position returned misses none and gets none twice. Events of a stream and of a
    root come in the order of their versions. A writing transaction that stays open holds back all that began after it.
    """
    cursor = await conn.execute(_READ, {"xid": str(after.xid), "id": after.notification_id, "limit": limit}, prepare=True, binary=True)
    return [StoredEvent(*row) for row in await cursor.fetchall()]
