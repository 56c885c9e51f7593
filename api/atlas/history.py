"""Atlas: the history of a run or of an entity of the catalogue, and how its events are named and shown here."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get
from msgspec import Meta

from api import pages, parameters
from api.atlas.catalogue import NOUNS, SHELVES, a, where
from api.atlas.runs import target
from api.exchange import Exchange, Req, document
from api.openapi.envelopes import Items, Stamp
from api.openapi.operation import Operation
from commands.work import Target
from domain.facts import BY_NAME, Kind
from domain.runs import number_text
from domain.tokens import Role, at_least
from projections import history, telling
from projections.history import Asked, Line
from projections.telling import Told
from projections.trail import FieldChange

PAGE, PAGE_MAX = 100, 1_000
OF_RUN = ("run", "card", "step", "observation", "file", "report")
SHOWN_AS = {"card.reordered": "card.moved", "step.reordered": "step.moved"}
TYPES = {name: [name, *(stored for stored, shown in SHOWN_AS.items() if shown == name)] for name in BY_NAME if name not in SHOWN_AS}
FIELDS = {
    "number": "test_run_id",
    "card_id": "test_card_id",
    "step_id": "test_step_id",
    "card_ids": "test_card_ids",
    "step_ids": "test_step_ids",
}


class Change(msgspec.Struct):
    field: str
    old: Any
    new: Any


class Source(msgspec.Struct):
    surface: str
    client: str


class Entry(msgspec.Struct):
    """One event. `position` and `hash` are null until the event has its place in the ledger."""

    position: int | None
    version: int
    event_id: UUID
    type: str
    recorded_at: Stamp
    actor: str
    component_type: str
    component_id: UUID
    component_title: str
    changes: list[Change]
    reason: str | None
    request_id: str
    source: Source
    hash: str | None


def entry(line: Line, told: Told) -> Entry:
    asked = msgspec.json.decode(line.metadata, type=Asked)
    return Entry(
        line.position,
        line.version,
        asked.event_id,
        SHOWN_AS.get(line.topic, line.topic),
        line.at,
        line.actor,
        line.kind,
        line.stream_id,
        told.title,
        [] if line.bare else [change(Kind(line.kind), c) for c in told.changes],
        told.reason or asked.reason,
        asked.request_id,
        Source(asked.surface, asked.client),
        line.chain,
    )


def change(kind: Kind, made: FieldChange) -> Change:
    """A change of the domain with the names and values of this surface."""
    name, old, new = made
    match kind, name:
        case Kind.RUN, "closed":
            return Change("status", *("closed" if value else "open" for value in (old, new)))
        case Kind.STEP, "status":
            return Change("execution_status", old, new)
    return Change(FIELDS.get(name, name), value_of(name, old), value_of(name, new))


def value_of(name: str, value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        case int() if name == "number":
            return number_text(value)
        case tuple() if name == "associations":
            return [{"test_card_id": a.card_id, "test_step_id": a.step_id} for a in value]
    return value


async def read(request: Req, exchange: Exchange, about: Target, components: tuple[str, ...]) -> Response[bytes]:
    """Events of what is deleted are for auditor and admin; others are told that it was deleted, and no more."""
    actor, query = exchange.actor(request), parameters.Query(request.scope["query_string"])
    everything = at_least(actor.role, Role.AUDITOR)
    async with exchange.pool.connection() as conn:
        root_id, version = await exchange.found(conn, actor, about, deleted=everything)
        await exchange.show_deleted(request, conn, root_id)
        wanted = _wanted(request, query, root_id, components, everything=everything)
        page = await history.page(conn, wanted)
        events = await telling.events_for(conn, root_id, page.lines)
    told = await asyncio.to_thread(telling.told, events, page.lines)
    items = [entry(line, told[line.version]) for line in page.lines]
    headers = {"x-total-count": str(page.total)} | ({"x-run-version": str(version)} if about.kind is Kind.RUN else {})
    if page.more:
        headers["link"] = pages.next_link(request, pages.version_cursor(request, page.lines[-1].version))
    return document(request, msgspec.json.encode({"items": items, "count": len(items)}), None, headers)


def _wanted(
    request: Req, query: parameters.Query, root_id: UUID, components: tuple[str, ...], *, everything: bool
) -> history.HistoryFilter:
    kind = query.choice("type", tuple(TYPES))
    wanted = history.HistoryFilter(
        root_id=root_id,
        everything=everything,
        limit=query.integer("limit", PAGE, 1, PAGE_MAX),
        newest_first=query.choice("order", ("asc", "desc")) == "desc",
        after=pages.after_version(request, query),
        kind=query.choice("component", components),
        component_id=query.uuid("component_id"),
        topics=TYPES.get(kind) if kind else None,
        actor=query.text("actor"),
    )
    query.done()
    return wanted


def _operation(one: str, components: tuple[str, ...]) -> Operation:
    query = {
        "component": Annotated[Literal[components], Meta(description="Only events of this kind of component.")],
        "component_id": Annotated[UUID, Meta(description="Only events of this component.")],
        "actor": Annotated[str, Meta(description="Only what this person did; as shown: an e-mail, or `erased-user-…`.")],
        "type": Annotated[Literal[tuple(sorted(TYPES))], Meta(description="Only events of this type.")],
        "order": Annotated[
            Literal["asc", "desc"], Meta(description="By version; oldest first unless told.", extra_json_schema={"default": "asc"})
        ],
        **pages.PAGING,
        "limit": Annotated[int, Meta(ge=1, le=PAGE_MAX, description="Items a page.", extra_json_schema={"default": PAGE})],
    }
    return Operation(
        f"Tell the history of {one}", Role.VIEWER, Items[Entry], query=query, noun="" if len(components) > 1 else f"{one.split(' ', 1)[1]}s"
    )


@get("/test-runs/{run_id:str}/history", name="get run history", operation=_operation("a test run", OF_RUN))
async def get_history(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    return await read(request, exchange, target(run_id), OF_RUN)


def _of_shelf(shelf: Any) -> Any:
    @get(
        f"{shelf.one}/history",
        name=f"get {NOUNS[shelf.kind]} history",
        operation=_operation(a(shelf), (shelf.kind.value,)),
    )
    async def get_entity_history(request: Req, exchange: Exchange) -> Response[bytes]:
        return await read(request, exchange, where(shelf, request), (shelf.kind.value,))

    return get_entity_history


HANDLERS = [get_history, *map(_of_shelf, SHELVES)]
