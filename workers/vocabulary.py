"""The follower that notes the words of what is written, so that a mistyped query finds them."""

from domain.events import name_of
from domain.steps import StepOutcomeRecorded
from infra.database import Connection
from infra.followers import Followed
from projections import vocabulary
from workers.embedding import TEXTS
from workers.following import Follower

_OUTCOME = name_of(StepOutcomeRecorded)


async def take(conn: Connection, events: list[Followed]) -> None:
    if changed := {event.originator_id for event in events if _brings_words(event)}:
        await vocabulary.note(conn, changed)


def _brings_words(event: Followed) -> bool:
    """Outcomes are most of a log, and hardly one in a hundred has an exception: the words of the others were noted before."""
    return event.topic != _OUTCOME or bool(getattr(event.event(), "exception", None))


FOLLOWER = Follower("vocabulary", take, TEXTS)
