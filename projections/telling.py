"""What each event of a page of history changed, told by the events of the streams that the page speaks of."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection

from domain.cards import CardMoved, StepsReordered
from domain.events import Event
from domain.facts import Kind
from domain.observations import ObservationRecorded
from domain.runs import CardsReordered
from domain.steps import StepAdded, StepMoved
from infra import mapper
from projections.history import Line
from projections.trail import FieldChange, Trail


class Told(NamedTuple):
    """What an event changed, and what its component was called then."""

    title: str
    changes: list[FieldChange]
    reason: str | None


class Happened(NamedTuple):
    """An event of a stream that has something to say about a page."""

    version: int
    stream_id: UUID
    kind: Kind
    event: Event


async def events_for(conn: AsyncConnection[Any], root_id: UUID, lines: list[Line]) -> list[Happened]:
    """The events of every stream that the page speaks of, up to its last one: streams are short, whatever the root's length."""
    if not lines:
        return []
    last = max(line.version for line in lines)
    events = await _streams(conn, root_id, {line.stream_id for line in lines}, last)
    if further := _referred(sorted(events), {line.version for line in lines}, root_id) - {line.stream_id for line in lines}:
        events += await _streams(conn, root_id, further, last)
    return sorted(events)


async def _streams(conn: AsyncConnection[Any], root_id: UUID, ids: set[UUID], last: int) -> list[Happened]:
    cursor = await conn.execute(
        "SELECT root_version, originator_id, kind, topic, schema_number, state FROM events"
        " WHERE originator_id = ANY(%s) AND root_id = %s AND root_version <= %s",
        (list(ids), root_id, last),
        prepare=True,
    )
    return [Happened(row[0], row[1], Kind(row[2]), mapper.decode(*row[3:])) for row in await cursor.fetchall()]


def _referred(events: Iterable[Happened], listed: set[int], root_id: UUID) -> set[UUID]:
    """Streams without which a title or an old place would not be known."""
    found: set[UUID] = set()
    card_of: dict[UUID, UUID] = {}
    for version, stream_id, _, event in events:
        match event:
            case ObservationRecorded(step_id=above):
                found.add(above)
            case StepAdded(card_id=above):
                card_of[stream_id] = above
            case StepMoved() if version in listed:
                found.add(card_of[stream_id])
            case CardMoved() if version in listed:
                found.add(root_id)
            case CardsReordered(card_ids=ids) | StepsReordered(step_ids=ids) if version in listed:
                found.update(ids)
    return found


def told(events: Iterable[Happened], lines: Iterable[Line]) -> dict[int, Told]:
    """By version; work for a thread."""
    trail, listed, found = Trail(), {line.version for line in lines}, {}
    for version, stream_id, kind, event in events:
        if version not in listed:
            trail.take(kind, stream_id, event)
            continue
        changes = trail.tell(kind, stream_id, event)
        found[version] = Told(trail.title(stream_id), changes, getattr(event, "reason", None))
    return found
