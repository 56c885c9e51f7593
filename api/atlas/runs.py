"""Atlas: test runs."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post, put
from msgspec import UNSET, Meta, UnsetType

from api import bodies, pages, parameters
from api.atlas import past_states, words
from api.atlas.answers import Card, Run, RunSummary
from api.atlas.words import Description, Ordering, Reason, Title
from api.exchange import Exchange, Req
from api.openapi.envelopes import Items
from api.openapi.operation import Operation
from commands import runs
from commands.cards import Limits
from commands.work import Query, Target, Work
from domain.facts import Kind
from domain.tokens import Role
from infra.settings import Settings
from projections import documents, run_list

PAGE_MAX = 1_000
PAST_QUERY = {
    "version": Annotated[int, Meta(ge=1, description="As it was after this many events.")],
    "as_of": Annotated[
        datetime, Meta(extra_json_schema=bodies.A_TIME, description=f"As it was at this time; not together with `version`. {words.ISO}")
    ],
}
LIST_QUERY = {
    "system_id": words.OfSystem,
    "created_after": words.After,
    "created_before": words.Before,
    "has_reports": words.HasReports,
    **pages.PAGING,
}


class CreateRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title
    system_id: UUID
    description: Description = ""
    asset_ids: Annotated[list[UUID], Meta(max_length=200)] = []
    issue_ids: Annotated[list[UUID], Meta(max_length=200)] = []
    template_ids: Annotated[list[UUID], Meta(max_length=50)] = []


class UpdateRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    asset_ids: Annotated[list[UUID], Meta(max_length=200)] | UnsetType = UNSET


class CloseRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason | UnsetType = UNSET


class ReopenRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Reason


def target(run_id: str, **more: Any) -> Target:
    return Target(Kind.RUN, parameters.run_reference(run_id), **more)


def limits(settings: Settings) -> Limits:
    return Limits(settings.cards_per_run_max, settings.steps_per_card_max, settings.steps_per_run_max)


def given(value: Any) -> Any:
    """None for a member that was not sent."""
    return None if value is UNSET else value


def detail(work: Work, status: int = 200, location: str | None = None) -> Query:
    return Query(status, documents.RUN_DETAIL, {"run_id": work.root_id}, location)


@post("/test-runs", operation=Operation("Create a test run", Role.ENGINEER, Run, 201, CreateRun))
async def create_run(request: Req, exchange: Exchange) -> Response[bytes]:
    body = exchange.body(request)

    async def decide(work: Work) -> Query:
        wanted = bodies.check(CreateRun, body)
        run_id = await runs.create(work, runs.NewRun(**msgspec.structs.asdict(wanted)), limits(exchange.settings))
        return detail(work, 201, f"/api/v1/test-runs/{run_id}")

    return await exchange.write(request, None, Role.ENGINEER, decide)


@get("/test-runs", operation=Operation("List test runs, newest first", Role.VIEWER, Items[RunSummary], query=LIST_QUERY))
async def list_runs(request: Req, exchange: Exchange) -> Response[bytes]:
    actor = exchange.actor(request)
    query = parameters.Query(request.scope["query_string"])
    wanted = run_list.RunFilter(
        limit=query.integer("limit", PAGE_MAX, 1, PAGE_MAX),
        scope=None if actor.system_ids is None else list(actor.system_ids),
        system_id=query.uuid("system_id"),
        created_after=query.stamp("created_after"),
        created_before=query.stamp("created_before"),
        has_reports=query.boolean("has_reports"),
        after=pages.after(request, query),
    )
    query.done()
    sql, params = run_list.page(wanted)
    return await pages.answer(request, exchange, sql, params)


@get("/test-runs/{run_id:str}", operation=Operation("Read a test run, as it is or was", Role.VIEWER, Run, query=PAST_QUERY))
async def get_run(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    if past_states.asked_for(request):
        return await past_states.read(request, exchange, target(run_id))
    return await exchange.read(request, documents.RUN_DETAIL, {}, target(run_id))


@patch("/test-runs/{run_id:str}", operation=Operation("Change a test run", Role.ENGINEER, Run, body=UpdateRun))
async def update_run(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    body = exchange.body(request)

    async def decide(work: Work) -> Query:
        wanted = bodies.check(UpdateRun, body)
        await runs.edit(work, given(wanted.title), given(wanted.description), given(wanted.asset_ids))
        return detail(work)

    return await exchange.write(request, target(run_id, with_root=True), Role.ENGINEER, decide)


@delete(
    "/test-runs/{run_id:str}", status_code=200, operation=Operation("Delete a test run with everything in it", Role.ENGINEER, status=204)
)
async def delete_run(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    async def decide(work: Work) -> Query:
        await runs.delete(work)
        return Query(204)

    return await exchange.write(request, target(run_id, with_root=True), Role.ENGINEER, decide)


@post(
    "/test-runs/{run_id:str}/close",
    status_code=200,
    operation=Operation("Close a test run for changes", Role.ENGINEER, Run, body=CloseRun, if_match=True),
)
async def close_run(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    body = exchange.body(request)

    async def decide(work: Work) -> Query:
        await runs.close(work, given(bodies.check(CloseRun, body).reason))
        return detail(work)

    return await exchange.write(request, target(run_id, with_root=True), Role.ENGINEER, decide)


@post(
    "/test-runs/{run_id:str}/reopen",
    status_code=200,
    operation=Operation("Reopen a closed test run", Role.ENGINEER, Run, body=ReopenRun, if_match=True),
)
async def reopen_run(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    body = exchange.body(request)

    async def decide(work: Work) -> Query:
        await runs.reopen(work, bodies.check(ReopenRun, body).reason)
        return detail(work)

    return await exchange.write(request, target(run_id, with_root=True), Role.ENGINEER, decide)


@post(
    "/test-runs/{run_id:str}/restore", status_code=200, operation=Operation("Restore a deleted test run", Role.ENGINEER, Run, if_match=True)
)
async def restore_run(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    async def decide(work: Work) -> Query:
        await runs.restore(work)
        return detail(work)

    return await exchange.write(request, target(run_id, with_root=True, deleted=True), Role.ENGINEER, decide)


@put(
    "/test-runs/{run_id:str}/cards/order",
    operation=Operation("Put the cards in order", Role.ENGINEER, Items[Card], body=Ordering, if_match=False),
)
async def order_cards(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    body = exchange.body(request)

    async def decide(work: Work) -> Query:
        await runs.reorder_cards(work, bodies.check(Ordering, body).ids)
        return Query(200, documents.CARDS_IN_ORDER, {"run_id": work.root_id})

    return await exchange.write(request, target(run_id, lock=True, with_root=True), Role.ENGINEER, decide)


HANDLERS = [create_run, list_runs, get_run, update_run, delete_run, close_run, reopen_run, restore_run, order_cards]
