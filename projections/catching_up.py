"""The second pass of a rebuild: what was appended meanwhile, from the tail of the log, until nothing is left."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from infra import replay, tail
from infra.tail import Position
from projections import shadow
from projections.fold import Fold

BATCH_EVENTS = 5_000
KEPT_EVENTS_MAX = 1_000_000  # folds of this many events stay in memory


class CatchUp:
    """Follows the tail into a view set. A root is folded whole when it is first met, then event by event."""

    def __init__(self, schema: str, start: Position) -> None:
        self.schema, self.position = schema, start
        self._fold = Fold()
        self._kept = 0

    async def round(self, conn: AsyncConnection[Any]) -> int:
        """Takes what finished transactions have appended since the last round; returns how many events."""
        events = await tail.read(conn, self.position, BATCH_EVENTS)
        if events:
            await self._take(conn, {e.root_id for e in events})
            self.position = events[-1].position
        return len(events)

    async def last_round(self, conn: AsyncConnection[Any]) -> None:
        """Takes all that is left. Only while no append can run: every visible event is finished then."""
        cursor = await conn.execute(
            "SELECT DISTINCT root_id FROM events WHERE (xid, notification_id) > (%s::text::xid8, %s)"
            " AND xid < pg_snapshot_xmax(pg_current_snapshot())",
            (str(self.position.xid), self.position.notification_id),
        )
        await self._take(conn, [row[0] for row in await cursor.fetchall()])

    async def _take(self, conn: AsyncConnection[Any], roots: Iterable[UUID]) -> None:
        if self._kept > KEPT_EVENTS_MAX:
            self._fold, self._kept = Fold(), 0
        for root in roots:
            events = await replay.of_root(conn, root, self._fold.versions.get(root, 0))
            self._fold.apply(events)
            self._kept += len(events)
        await shadow.keep_up(conn, self.schema, self._fold)
