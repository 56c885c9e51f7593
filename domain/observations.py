"""Observations: what a person saw at a step."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import tombstones
from domain.events import Event


class ObservationRecorded(Event, frozen=True, tag="observation.recorded"):
    step_id: UUID
    text: str
    observed_at: datetime | None = None


class ObservationEdited(Event, frozen=True, tag="observation.edited"):
    """The whole observation after the edit; the text before stays in the history."""

    text: str
    observed_at: datetime | None = None


class ObservationDeleted(Event, frozen=True, tag="observation.deleted"):
    pass


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    step_id: UUID
    text: str
    observed_at: datetime | None = None
    deleted: bool = False


def evolve(observation: Observation | None, event: Event) -> Observation | None:
    match observation, event:
        case None, ObservationRecorded():
            return Observation(step_id=event.step_id, text=event.text, observed_at=event.observed_at)
        case Observation(), ObservationEdited():
            return replace(observation, text=event.text, observed_at=event.observed_at)
        case Observation(), ObservationDeleted():
            return replace(observation, deleted=True)
    return observation


def edit(observation: Observation, text: str | None, observed_at: datetime | None | UnsetType) -> list[Event]:
    new = ObservationEdited(
        text=observation.text if text is None else text,
        observed_at=observation.observed_at if observed_at is UNSET else observed_at,
    )
    return [] if (new.text, new.observed_at) == (observation.text, observation.observed_at) else [new]


def delete(observation: Observation) -> list[Event]:
    return tombstones.delete("observation", observation.deleted, ObservationDeleted())
