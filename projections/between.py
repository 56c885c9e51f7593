"""What lies between two versions of a run, component by component and field by field."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from domain.facts import Kind
from infra import mapper, replay
from projections.trail import FieldChange, Seen, Trail, compared

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


class Difference(NamedTuple):
    """`title` is that at the later version, or the last one of what was removed."""

    kind: Kind
    component_id: UUID
    title: str
    change: str
    fields: list[FieldChange]


def between(text: str, first: int, hidden: Iterable[UUID]) -> tuple[list[Difference], bool]:
    """The differences from version `first` to the last event of `text` (from infra.replay), and whether any was left out.

    `hidden` are components that the reader may not see; what belongs to them is left out with them. Work for a thread.
    """
    trail, before, unseen = Trail(), dict[UUID, Seen](), set(hidden)
    for event in replay.decode(text):
        if event.wide == first + 1:
            before = _shown(trail)
        trail.take(Kind(event.kind), event.stream_id, mapper.decode(event.topic, event.schema_number, event.state))
    after = _shown(trail)
    if not before:  # nothing came after the first version
        return [], False
    found, redacted = [], False
    for stream_id, kind in trail.kinds.items():
        was, is_ = before.get(stream_id, {}), after.get(stream_id, {})
        if not (fields := compared(was, is_)):
            continue
        if not unseen.isdisjoint(trail.lineage(stream_id)):
            redacted = True
            continue
        change = CHANGED if was and is_ else ADDED if is_ else REMOVED
        found.append(Difference(kind, stream_id, trail.title(stream_id), change, fields))
    return found, redacted


def _shown(trail: Trail) -> dict[UUID, Seen]:
    """Every component that is not deleted, as it looks; of the run alone it is told that it is."""
    shown = {i: trail.fields(i) for i in trail.kinds if trail.live(i)}
    return {i: seen if trail.kinds[i] is Kind.RUN else {f: v for f, v in seen.items() if f != "deleted"} for i, seen in shown.items()}
