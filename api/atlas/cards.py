"""Atlas: cards of a run."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post, put
from msgspec import UNSET, UnsetType

from api import bodies, parameters
from api.atlas.answers import Card, Step
from api.atlas.runs import given, limits, target
from api.atlas.words import Description, Order, Ordering, Title
from api.exchange import Exchange, Req
from api.openapi.envelopes import Items
from api.openapi.operation import Operation
from commands import cards
from commands.work import Query, Work
from domain.facts import Kind
from domain.refusals import FieldError
from domain.tokens import Role
from projections import documents


class CreateCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title | UnsetType = UNSET
    template_id: UUID | None = None
    description: Description | UnsetType = UNSET
    order: Order | None = None


class UpdateCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    order: Order | UnsetType = UNSET


def card_id_of(text: str) -> UUID:
    return parameters.path_uuid(text, "card")


def detail(work: Work, card: UUID, status: int = 200) -> Query:
    location = f"/api/v1/test-runs/{work.root_id}/cards/{card}" if status == 201 else None
    return Query(status, documents.CARD_DETAIL, {"run_id": work.root_id, "card_id": card}, location)


def _untitled(body: dict[str, Any]) -> Iterator[FieldError]:
    if "title" not in body and body.get("template_id") is None:
        yield FieldError("#/title", "required", "is required unless template_id is given")


@post("/test-runs/{run_id:str}/cards", operation=Operation("Add a card", Role.ENGINEER, Card, 201, CreateCard))
async def create_card(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    body = exchange.body(request)

    async def decide(work: Work) -> Query:
        wanted = bodies.check(CreateCard, body, _untitled(body))
        card = await cards.add(
            work, given(wanted.title), wanted.template_id, given(wanted.description), wanted.order, limits(exchange.settings)
        )
        return detail(work, card, 201)

    return await exchange.write(request, target(run_id, lock=True), Role.ENGINEER, decide)


@get("/test-runs/{run_id:str}/cards/{card_id:str}", operation=Operation("Read a card", Role.VIEWER, Card))
async def get_card(request: Req, exchange: Exchange, run_id: str, card_id: str) -> Response[bytes]:
    return await exchange.read(request, documents.CARD_DETAIL, {"card_id": card_id_of(card_id)}, target(run_id))


@patch("/test-runs/{run_id:str}/cards/{card_id:str}", operation=Operation("Change a card", Role.ENGINEER, Card, body=UpdateCard))
async def update_card(request: Req, exchange: Exchange, run_id: str, card_id: str) -> Response[bytes]:
    body, card = exchange.body(request), card_id_of(card_id)

    async def decide(work: Work) -> Query:
        wanted = bodies.check(UpdateCard, body)
        await cards.edit(work, card, given(wanted.title), given(wanted.description), given(wanted.order))
        return detail(work, card)

    where = target(run_id, below=((Kind.CARD, card),), lock="order" in body)
    return await exchange.write(request, where, Role.ENGINEER, decide)


@delete(
    "/test-runs/{run_id:str}/cards/{card_id:str}",
    status_code=200,
    operation=Operation("Delete a card with its steps", Role.ENGINEER, status=204),
)
async def delete_card(request: Req, exchange: Exchange, run_id: str, card_id: str) -> Response[bytes]:
    card = card_id_of(card_id)

    async def decide(work: Work) -> Query:
        await cards.delete(work, card)
        return Query(204)

    return await exchange.write(request, target(run_id, below=((Kind.CARD, card),), lock=True), Role.ENGINEER, decide)


@post(
    "/test-runs/{run_id:str}/cards/{card_id:str}/restore",
    status_code=200,
    operation=Operation("Restore a deleted card", Role.ENGINEER, Card, if_match=True),
)
async def restore_card(request: Req, exchange: Exchange, run_id: str, card_id: str) -> Response[bytes]:
    card = card_id_of(card_id)

    async def decide(work: Work) -> Query:
        await cards.restore(work, card, limits(exchange.settings))
        return detail(work, card)

    return await exchange.write(request, target(run_id, below=((Kind.CARD, card),), lock=True, deleted=True), Role.ENGINEER, decide)


@put(
    "/test-runs/{run_id:str}/cards/{card_id:str}/steps/order",
    operation=Operation("Put the steps in order", Role.ENGINEER, Items[Step], body=Ordering, if_match=False),
)
async def order_steps(request: Req, exchange: Exchange, run_id: str, card_id: str) -> Response[bytes]:
    body, card = exchange.body(request), card_id_of(card_id)

    async def decide(work: Work) -> Query:
        await cards.reorder_steps(work, card, bodies.check(Ordering, body).ids)
        return Query(200, documents.STEPS_IN_ORDER, {"run_id": work.root_id, "card_id": card})

    return await exchange.write(request, target(run_id, below=((Kind.CARD, card),), lock=True), Role.ENGINEER, decide)


HANDLERS = [create_card, get_card, update_card, delete_card, restore_card, order_steps]
