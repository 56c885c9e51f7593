"""The follower that notes the words of what is written, so that a mistyped query finds them."""

from infra.database import Connection
from infra.followers import Followed
from projections import vocabulary
from workers.embedding import TEXTS
from workers.following import Follower


async def take(conn: Connection, events: list[Followed]) -> None:
    if changed := {event.originator_id for event in events if event.topic in TEXTS}:
        await vocabulary.note(conn, changed)


FOLLOWER = Follower("vocabulary", take)
