"""Atlas: observations at a step."""

from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from msgspec import UNSET, UnsetType

from api import bodies, parameters
from api.atlas.answers import Observation
from api.atlas.cards import card_id_of
from api.atlas.runs import given, target
from api.atlas.steps import of_step, step_id_of
from api.atlas.words import Claim, Note
from api.exchange import Exchange, Req
from api.openapi.envelopes import Items
from api.openapi.operation import Operation
from commands import observations
from commands.work import Query, Target, Work
from domain.facts import Kind
from domain.tokens import Role
from projections import documents

PATH = "/test-runs/{run_id:str}/cards/{card_id:str}/steps/{step_id:str}/observations"


class RecordObservation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Note
    observed_at: Claim | None = None


class EditObservation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Note | UnsetType = UNSET
    observed_at: Claim | None | UnsetType = UNSET


def detail(work: Work, observation: UUID, status: int = 200, location: str | None = None) -> Query:
    params = {"run_id": work.root_id, "observation_id": observation}
    return Query(status, documents.OBSERVATION_DETAIL, params, location)


def of_observation(run_id: str, card: UUID, step: UUID, observation: UUID) -> Target:
    return target(run_id, below=((Kind.CARD, card), (Kind.STEP, step), (Kind.OBSERVATION, observation)))


def observation_id_of(text: str) -> UUID:
    return parameters.path_uuid(text, "observation")


@post(PATH, operation=Operation("Record an observation", Role.OPERATOR, Observation, 201, RecordObservation))
async def record_observation(request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str) -> Response[bytes]:
    body, card, step = exchange.body(request), card_id_of(card_id), step_id_of(step_id)

    async def decide(work: Work) -> Query:
        wanted = bodies.check(RecordObservation, body)
        made = await observations.record(work, card, step, wanted.text, wanted.observed_at)
        return detail(work, made, 201, f"/api/v1/test-runs/{work.root_id}/cards/{card}/steps/{step}/observations/{made}")

    return await exchange.write(request, of_step(run_id, card, step), Role.OPERATOR, decide)


@get(PATH, operation=Operation("List the observations of a step, oldest first", Role.VIEWER, Items[Observation]))
async def list_observations(request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str) -> Response[bytes]:
    params = {"card_id": card_id_of(card_id), "step_id": step_id_of(step_id)}
    return await exchange.read(request, documents.OBSERVATIONS_OF_STEP, params, target(run_id))


@patch(PATH + "/{observation_id:str}", operation=Operation("Change an observation", Role.OPERATOR, Observation, body=EditObservation))
async def edit_observation(
    request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str, observation_id: str
) -> Response[bytes]:
    body, card, step, seen = exchange.body(request), card_id_of(card_id), step_id_of(step_id), observation_id_of(observation_id)

    async def decide(work: Work) -> Query:
        wanted = bodies.check(EditObservation, body)
        await observations.edit(work, card, step, seen, given(wanted.text), wanted.observed_at)
        return detail(work, seen)

    return await exchange.write(request, of_observation(run_id, card, step, seen), Role.OPERATOR, decide)


@delete(PATH + "/{observation_id:str}", status_code=200, operation=Operation("Delete an observation", Role.OPERATOR, status=204))
async def delete_observation(
    request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str, observation_id: str
) -> Response[bytes]:
    card, step, seen = card_id_of(card_id), step_id_of(step_id), observation_id_of(observation_id)

    async def decide(work: Work) -> Query:
        await observations.delete(work, card, step, seen)
        return Query(204)

    return await exchange.write(request, of_observation(run_id, card, step, seen), Role.OPERATOR, decide)


HANDLERS = [record_observation, list_observations, edit_observation, delete_observation]
