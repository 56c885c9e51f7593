"""Atlas: steps of a card, and outcomes in bulk."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from msgspec import UNSET, Meta, UnsetType

from api import bodies, parameters
from api.atlas.answers import Step
from api.atlas.cards import card_id_of
from api.atlas.runs import given, limits, target
from api.atlas.words import Claim, Description, Order, StepTitle, StepType, wrong_type
from api.exchange import Exchange, Req
from api.openapi.envelopes import Items
from api.openapi.operation import Operation
from commands import steps
from commands.steps import Result
from commands.work import Query, Target, Work
from domain.facts import Kind
from domain.refusals import ContentTooLarge, FieldError
from domain.steps import ExecutionStatus, Outcome
from domain.tokens import Role
from projections import documents

RESULTS_MAX = 500
WHO_MAY = "An outcome may be recorded by an operator; everything else needs an engineer."
DEFINITION_MEMBERS = frozenset(("title", "description", "order", "step_type"))


class CreateStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: StepTitle
    description: Description = ""
    step_type: StepType = "passfail"
    order: Order | None = None


class UpdateStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: StepTitle | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    order: Order | UnsetType = UNSET
    execution_status: ExecutionStatus | UnsetType = UNSET
    exception: Description | None | UnsetType = UNSET
    started_at: Claim | None | UnsetType = UNSET
    ended_at: Claim | None | UnsetType = UNSET


class StepResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    test_step_id: UUID
    execution_status: ExecutionStatus
    exception: Description | None | UnsetType = UNSET
    started_at: Claim | None | UnsetType = UNSET
    ended_at: Claim | None | UnsetType = UNSET


class RecordResults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    results: Annotated[list[StepResult], Meta(min_length=1, extra_json_schema={"maxItems": RESULTS_MAX})]


def outcome_of(wanted: UpdateStep | StepResult) -> Outcome:
    return Outcome(status=wanted.execution_status, exception=wanted.exception, started_at=wanted.started_at, ended_at=wanted.ended_at)


def step_id_of(text: str) -> UUID:
    return parameters.path_uuid(text, "step")


def of_step(run_id: str, card: UUID, step: UUID, **more: Any) -> Target:
    return target(run_id, below=((Kind.CARD, card), (Kind.STEP, step)), **more)


def detail(work: Work, card: UUID, step: UUID, status: int = 200) -> Query:
    location = f"/api/v1/test-runs/{work.root_id}/cards/{card}/steps/{step}" if status == 201 else None
    return Query(status, documents.STEP_DETAIL, {"run_id": work.root_id, "card_id": card, "step_id": step}, location, ("steps", "runs"))


@post("/test-runs/{run_id:str}/cards/{card_id:str}/steps", operation=Operation("Add a step", Role.ENGINEER, Step, 201, CreateStep))
async def create_step(request: Req, exchange: Exchange, run_id: str, card_id: str) -> Response[bytes]:
    body, card = exchange.body(request), card_id_of(card_id)

    async def decide(work: Work) -> Query:
        wanted = bodies.check(CreateStep, body, wrong_type(body, "#", exchange.settings.step_types))
        step = await steps.add(work, card, wanted.title, wanted.description, wanted.step_type, wanted.order, limits(exchange.settings))
        return detail(work, card, step, 201)

    return await exchange.write(request, target(run_id, below=((Kind.CARD, card),), lock=True), Role.ENGINEER, decide)


@get("/test-runs/{run_id:str}/cards/{card_id:str}/steps/{step_id:str}", operation=Operation("Read a step", Role.VIEWER, Step))
async def get_step(request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str) -> Response[bytes]:
    params = {"card_id": card_id_of(card_id), "step_id": step_id_of(step_id)}
    return await exchange.read(request, documents.STEP_DETAIL, params, target(run_id))


@patch(
    "/test-runs/{run_id:str}/cards/{card_id:str}/steps/{step_id:str}",
    operation=Operation("Record an outcome, or change a step", Role.OPERATOR, Step, body=UpdateStep, description=WHO_MAY),
)
async def update_step(request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str) -> Response[bytes]:
    body, card, step = exchange.body(request), card_id_of(card_id), step_id_of(step_id)

    async def decide(work: Work) -> Query:
        wanted = bodies.check(UpdateStep, body)
        await steps.change(work, card, step, outcome_of(wanted), given(wanted.title), given(wanted.description), given(wanted.order))
        return detail(work, card, step)

    defines = bool(DEFINITION_MEMBERS & body.keys())
    least = Role.ENGINEER if defines else Role.OPERATOR
    return await exchange.write(request, of_step(run_id, card, step, lock="order" in body, plain=not defines), least, decide)


@delete(
    "/test-runs/{run_id:str}/cards/{card_id:str}/steps/{step_id:str}",
    status_code=200,
    operation=Operation("Delete a step", Role.ENGINEER, status=204),
)
async def delete_step(request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str) -> Response[bytes]:
    card, step = card_id_of(card_id), step_id_of(step_id)

    async def decide(work: Work) -> Query:
        await steps.delete(work, card, step)
        return Query(204)

    return await exchange.write(request, of_step(run_id, card, step, lock=True), Role.ENGINEER, decide)


@post(
    "/test-runs/{run_id:str}/cards/{card_id:str}/steps/{step_id:str}/restore",
    status_code=200,
    operation=Operation("Restore a deleted step", Role.ENGINEER, Step, if_match=True),
)
async def restore_step(request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str) -> Response[bytes]:
    card, step = card_id_of(card_id), step_id_of(step_id)

    async def decide(work: Work) -> Query:
        await steps.restore(work, step, limits(exchange.settings))
        return detail(work, card, step)

    return await exchange.write(request, of_step(run_id, card, step, lock=True, deleted=True), Role.ENGINEER, decide)


def _unfit_exceptions(results: object) -> Iterator[FieldError]:
    """What the entries alone tell: each names its status, so an exception fits or not whatever the step was before."""
    for i, entry in enumerate(results if isinstance(results, list) else ()):
        match entry:
            case {"execution_status": str(status), "exception": str(note)} if note and status != ExecutionStatus.PASSED_WITH_EXCEPTION:
                yield FieldError(f"#/results/{i}/exception", "not_allowed", "goes with the status passed_with_exception only")


@post(
    "/test-runs/{run_id:str}/results",
    status_code=200,
    operation=Operation("Record many outcomes, all or none", Role.OPERATOR, Items[Step], body=RecordResults),
)
async def record_results(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    body = exchange.body(request)
    if isinstance(body.get("results"), list) and len(body["results"]) > RESULTS_MAX:
        raise ContentTooLarge(f"At most {RESULTS_MAX} results fit into one request; this has {len(body['results'])}.")

    async def decide(work: Work) -> Query:
        wanted = bodies.check(RecordResults, body, _unfit_exceptions(body.get("results")))
        await steps.record_all(work, [Result(r.test_step_id, outcome_of(r)) for r in wanted.results])
        return Query(200, documents.STEPS_AS_SENT, {"run_id": work.root_id, "step_ids": [r.test_step_id for r in wanted.results]})

    return await exchange.write(request, target(run_id), Role.OPERATOR, decide)


HANDLERS = [create_step, get_step, update_step, delete_step, restore_step, record_results]
