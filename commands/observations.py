"""What may be asked about observations at a step."""

from datetime import datetime
from uuid import UUID

from msgspec import UnsetType

from commands import steps
from commands.work import Work
from domain import observations
from domain.facts import Kind
from domain.refusals import NotFound
from infra import log


async def record(work: Work, card_id: UUID, step_id: UUID, text: str, observed_at: datetime | None) -> UUID:
    steps.of_card(work, card_id, step_id)
    work.require_open()
    observation_id = work.new_id()
    fact = observations.ObservationRecorded(step_id=step_id, text=text, observed_at=observed_at)
    work.record(Kind.OBSERVATION, observation_id, [fact])
    return observation_id


async def edit(
    work: Work, card_id: UUID, step_id: UUID, observation_id: UUID, text: str | None, observed_at: datetime | None | UnsetType
) -> None:
    found = of_step(work, card_id, step_id, observation_id)
    facts = observations.edit(found.state, text, observed_at)
    work.require_match(found)
    work.require_open()
    work.record(Kind.OBSERVATION, observation_id, facts)


async def delete(work: Work, card_id: UUID, step_id: UUID, observation_id: UUID) -> None:
    found = of_step(work, card_id, step_id, observation_id)
    work.require_match(found, wide=True)
    work.require_open()
    work.record(Kind.OBSERVATION, observation_id, observations.delete(found.state))


def of_step(work: Work, card_id: UUID, step_id: UUID, observation_id: UUID) -> log.Stream:
    steps.of_card(work, card_id, step_id)
    found = work.live(observation_id)
    if found.state.step_id != step_id:
        raise NotFound("No such observation.")
    return found
