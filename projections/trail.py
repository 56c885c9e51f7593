"""What every component of a root looked like, event by event: the domain's own states, and what they leave out."""

from typing import Any, NamedTuple
from uuid import UUID

from domain.cards import CardMoved, StepsReordered
from domain.events import Event
from domain.facts import EVOLVE, Kind
from domain.runs import CardsReordered
from domain.steps import StepMoved, StepOutcomeRecorded

Seen = dict[str, Any]

_ABOVE = {Kind.STEP: "card_id", Kind.OBSERVATION: "step_id"}
_TITLES = {Kind.FILE: "file_name", Kind.SYSTEM: "system_name", Kind.ASSET: "name"}


class FieldChange(NamedTuple):
    """`field` is named as in the domain."""

    field: str
    old: Any
    new: Any


class Trail:
    """Takes events in order of root version; streams that nobody asks about may be left out.

    A component's order is kept here, for a run may renumber all its cards by one event, and so are the members of its
    creation that no state holds.
    """

    def __init__(self) -> None:
        self.kinds: dict[UUID, Kind] = {}
        self.states: dict[UUID, Any] = {}
        self._beside: dict[UUID, Seen] = {}

    def tell(self, kind: Kind, stream_id: UUID, event: Event) -> list[FieldChange]:
        """Takes an event and says what it changed, field by field."""
        match event:
            case CardsReordered(card_ids=ids):
                return [FieldChange("card_ids", *self._renumber(ids))]
            case StepsReordered(step_ids=ids):
                return [FieldChange("step_ids", *self._renumber(ids))]
        before = self.fields(stream_id)
        self.take(kind, stream_id, event)
        changes = compared(before, self.fields(stream_id))
        if isinstance(event, StepOutcomeRecorded) and not any(c.field == "status" for c in changes):
            changes.insert(0, FieldChange("status", event.status, event.status))  # repeating a test is a fact
        return changes

    def take(self, kind: Kind, stream_id: UUID, event: Event) -> None:
        """Takes an event."""
        match event:
            case CardsReordered(card_ids=ids) | StepsReordered(step_ids=ids):
                self._renumber(ids)
                return
            case CardMoved(order=order) | StepMoved(order=order):
                self._beside[stream_id]["order"] = order
        state = self.states[stream_id] = EVOLVE[kind](self.states.get(stream_id), event)
        if stream_id not in self.kinds:
            self.kinds[stream_id] = kind
            unkept = [f for f in event.__struct_fields__ if f not in state.__struct_fields__]
            self._beside.setdefault(stream_id, {}).update({f: getattr(event, f) for f in unkept})

    def fields(self, stream_id: UUID) -> Seen:
        """The component as it stands; empty before its creation."""
        if (state := self.states.get(stream_id)) is None:
            return {}
        return {f: getattr(state, f) for f in state.__struct_fields__} | self._beside[stream_id]

    def title(self, stream_id: UUID) -> str:
        """As it is now; an observation has that of its step."""
        kind, state = self.kinds[stream_id], self.states[stream_id]
        return self.title(state.step_id) if kind is Kind.OBSERVATION else str(getattr(state, _TITLES.get(kind, "title")))

    def lineage(self, stream_id: UUID) -> list[UUID]:
        """The component and what it belongs to, but for the run."""
        found = []
        while self.kinds[stream_id] is not Kind.RUN:
            found.append(stream_id)
            above = _ABOVE.get(self.kinds[stream_id])
            if above is None:
                break
            stream_id = getattr(self.states[stream_id], above)
        return found

    def live(self, stream_id: UUID) -> bool:
        """Whether neither the component nor what it belongs to is deleted; what happens to the run does not count."""
        return not any(self.states[i].deleted for i in self.lineage(stream_id))

    def _renumber(self, ids: tuple[UUID, ...]) -> tuple[list[UUID], list[UUID]]:
        """The members in their order before and after; the former is not known of those that were left out."""
        beside = {i: self._beside.setdefault(i, {}) for i in ids}
        age = {stream_id: n for n, stream_id in enumerate(self.kinds)}
        before = sorted(ids, key=lambda i: (beside[i].get("order", 0), age.get(i, 0)))
        for order, stream_id in enumerate(ids, 1):
            beside[stream_id]["order"] = order
        return before, list(ids)


def compared(before: Seen, after: Seen) -> list[FieldChange]:
    """Where two looks of a component differ; what a creation leaves empty is no change."""
    differing = [f for f in {**after, **before} if before.get(f) != after.get(f) and (before or f not in ("deleted", "closed"))]
    return [FieldChange(f, before.get(f), after.get(f)) for f in differing]
