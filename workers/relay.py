"""The relay: a follower that notes every report that is asked for, until its end."""

from infra import leases
from infra.database import Connection
from infra.followers import Followed
from workers.following import Follower

ENDS = frozenset({"report.completed", "report.failed", "report.cancelled"})


async def take(conn: Connection, events: list[Followed]) -> None:
    """Rows only, which commit with the bookmark. Redis is the sweeper's business, so its troubles hold nobody up."""
    for event in events:
        if event.topic == "report.requested":
            await leases.note(conn, event.originator_id, event.root_id)
    if ended := [event.originator_id for event in events if event.topic in ENDS]:
        await leases.end(conn, ended)


RELAY = Follower("report relay", take, ENDS | {"report.requested"})
