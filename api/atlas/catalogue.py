"""Atlas: systems, assets, issues and card templates; four shelves with the same five doors."""

from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Response, delete, get, patch, post, put
from msgspec import UNSET, Meta

from api import pages, parameters
from api.atlas import catalogue_bodies as wire
from api.atlas import words
from api.atlas.catalogue_answers import Asset, CardTemplate, Issue, System
from api.exchange import Exchange, Req
from api.openapi.envelopes import Items
from api.openapi.operation import Operation
from commands import catalogue
from commands.work import Query, Target, Work
from domain.assets import AssetCreated, AssetEdited
from domain.card_templates import CardTemplateCreated, CardTemplateEdited
from domain.events import Event
from domain.facts import Kind
from domain.issues import IssueCreated, IssueEdited, IssueStatus, Priority
from domain.refusals import Forbidden
from domain.systems import SystemCreated, SystemEdited
from domain.tokens import Role
from projections import card_templates
from projections import catalogue_documents as documents

PAGE_MAX = 1_000
NOUNS = {Kind.SYSTEM: "system", Kind.ASSET: "asset", Kind.ISSUE: "issue", Kind.CARD_TEMPLATE: "card template"}


FILTERS = {
    "search": Annotated[str, Meta(description="Only what holds this text in its name or title; letter case is free.")],
    "system_id": words.OfSystem,
    "is_deleted": Annotated[bool, Meta(description="True: only deleted ones, which takes an engineer or auditor.")],
    "status": Annotated[IssueStatus, Meta(description="Only issues with this status.")],
    "priority": Annotated[Priority, Meta(description="Only issues with this priority.")],
    "tag": Annotated[str, Meta(description="Only issues with this tag, letter by letter.")],
}


class Shelf(NamedTuple):
    """What differs between the four: path, wire structs and the facts they become."""

    kind: Kind
    path: str
    create: type[msgspec.Struct]
    update: type[msgspec.Struct]
    created: type[Event]
    edited: type[Event]
    answer: type[msgspec.Struct]
    filters: tuple[str, ...]

    @property
    def param(self) -> str:
        return "template_id" if self.kind is Kind.CARD_TEMPLATE else f"{self.kind.value}_id"

    def operation(self, summary: str, least: Role, answer: Any = None, status: int = 200, **more: Any) -> Operation:
        return Operation(summary, least, answer, status, noun=f"{NOUNS[self.kind]}s", **more)

    @property
    def one(self) -> str:
        return f"{self.path}/{{{self.param}:str}}"


SHELVES = (
    Shelf(Kind.SYSTEM, "/systems", wire.WriteSystem, wire.WriteSystem, SystemCreated, SystemEdited, System, ("search", "is_deleted")),
    Shelf(Kind.ASSET, "/assets", wire.CreateAsset, wire.UpdateAsset, AssetCreated, AssetEdited, Asset, ("system_id", "search")),
    Shelf(
        Kind.ISSUE,
        "/issues",
        wire.CreateIssue,
        wire.UpdateIssue,
        IssueCreated,
        IssueEdited,
        Issue,
        ("status", "priority", "tag", "system_id", "search"),
    ),
    Shelf(
        Kind.CARD_TEMPLATE,
        "/card-templates",
        wire.CreateTemplate,
        wire.UpdateTemplate,
        CardTemplateCreated,
        CardTemplateEdited,
        CardTemplate,
        ("system_id", "search"),
    ),
)


def fact_of(kind: type[Event], sent: msgspec.Struct) -> Event:
    """The fact with the members that the caller sent, in the domain's own types."""
    members = {f: v for f in sent.__struct_fields__ if (v := getattr(sent, f)) is not UNSET}
    return msgspec.convert(members, kind, from_attributes=True)


def where(shelf: Shelf, request: Req, *, deleted: bool = False) -> Target:
    entity_id = request.path_params[shelf.param]
    return Target(shelf.kind, parameters.path_uuid(entity_id, NOUNS[shelf.kind]), with_root=True, deleted=deleted)


def shown(shelf: Shelf, work: Work, status: int = 200) -> Query:
    location = f"/api/v1{shelf.path}/{work.root_id}" if status == 201 else None
    return Query(status, documents.one(shelf.kind), {"root_id": work.root_id}, location)


def a(shelf: Shelf) -> str:
    noun = NOUNS[shelf.kind]
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _listing(shelf: Shelf) -> Operation:
    query = {name: FILTERS[name] for name in shelf.filters} | pages.PAGING
    return Operation(f"List {NOUNS[shelf.kind]}s, newest first", Role.VIEWER, Items[shelf.answer], query=query)  # type: ignore[name-defined]


def handlers_of(shelf: Shelf) -> list[Any]:
    """The handlers of one shelf."""

    @post(
        shelf.path,
        name=f"create {NOUNS[shelf.kind]}",
        operation=shelf.operation(f"Create {a(shelf)}", Role.ENGINEER, shelf.answer, 201, body=shelf.create),
    )
    async def create(request: Req, exchange: Exchange) -> Response[bytes]:
        body = exchange.body(request)

        async def decide(work: Work) -> Query:
            catalogue.permit(work, shelf.kind)
            wanted = wire.check(shelf.create, body, exchange.settings)
            await catalogue.create(work, shelf.kind, fact_of(shelf.created, wanted), system_given="system_id" in body)
            return shown(shelf, work, 201)

        return await exchange.write(request, None, Role.ENGINEER, decide)

    @get(shelf.path, name=f"list {NOUNS[shelf.kind]}s", operation=_listing(shelf))
    async def list_(request: Req, exchange: Exchange) -> Response[bytes]:
        return await _list(shelf, request, exchange)

    return [create, list_, *_of_one(shelf), _updater(shelf)]


def _of_one(shelf: Shelf) -> list[Any]:
    @get(
        shelf.one,
        name=f"get {NOUNS[shelf.kind]}",
        operation=shelf.operation(f"Read {a(shelf)}", Role.VIEWER, shelf.answer),
    )
    async def get_one(request: Req, exchange: Exchange) -> Response[bytes]:
        target = where(shelf, request)
        return await exchange.read(request, documents.one(shelf.kind, live=True), {"root_id": target.ref}, target)

    @delete(
        shelf.one,
        name=f"delete {NOUNS[shelf.kind]}",
        status_code=200,
        operation=shelf.operation(f"Delete {a(shelf)}", Role.ENGINEER, status=204),
    )
    async def delete_one(request: Req, exchange: Exchange) -> Response[bytes]:
        async def decide(work: Work) -> Query:
            catalogue.permit(work, shelf.kind)
            await catalogue.delete(work, shelf.kind)
            return Query(204)

        return await exchange.write(request, where(shelf, request), Role.ENGINEER, decide)

    @post(
        f"{shelf.one}/restore",
        name=f"restore {NOUNS[shelf.kind]}",
        status_code=200,
        operation=Operation(f"Restore a deleted {NOUNS[shelf.kind]}", Role.ENGINEER, shelf.answer, if_match=True),
    )
    async def restore(request: Req, exchange: Exchange) -> Response[bytes]:
        async def decide(work: Work) -> Query:
            catalogue.permit(work, shelf.kind)
            await catalogue.restore(work, shelf.kind)
            return shown(shelf, work)

        return await exchange.write(request, where(shelf, request, deleted=True), Role.ENGINEER, decide)

    return [_get_template if shelf.kind is Kind.CARD_TEMPLATE else get_one, delete_one, restore]


@get(
    "/card-templates/{template_id:str}",
    name="get card template",
    operation=Operation(
        "Read a card template",
        Role.VIEWER,
        CardTemplate,
        query={"version": Annotated[int, Meta(ge=1, description="The newest unless told.")]},
        noun="card templates",
    ),
)
async def _get_template(request: Req, exchange: Exchange) -> Response[bytes]:
    """The newest version, or the one that `?version=` names."""
    target = where(SHELVES[-1], request)
    query = parameters.Query(request.scope["query_string"])
    if query.text("version") is None:
        return await exchange.read(request, documents.one(target.kind, live=True), {"root_id": target.ref}, target)
    async with exchange.pool.connection() as conn:
        template_id = await exchange.visible(conn, exchange.actor(request), target)
        versions = await card_templates.versions(conn, template_id)
    wanted = query.integer("version", 1, 1, len(versions))
    query.done()
    return await exchange.read(request, card_templates.OF_VERSION, card_templates.params(template_id, versions[wanted - 1]), target)


def _updater(shelf: Shelf) -> Any:
    """Systems are replaced whole by PUT, the others changed in part by PATCH."""

    async def update(request: Req, exchange: Exchange) -> Response[bytes]:
        body = exchange.body(request)

        async def decide(work: Work) -> Query:
            catalogue.permit(work, shelf.kind)
            wanted = wire.check(shelf.update, body, exchange.settings)
            await catalogue.edit(work, shelf.kind, fact_of(shelf.edited, wanted))
            return shown(shelf, work)

        return await exchange.write(request, where(shelf, request), Role.ENGINEER, decide)

    verb = put if shelf.kind is Kind.SYSTEM else patch
    operation = shelf.operation(f"Change {a(shelf)}", Role.ENGINEER, shelf.answer, body=shelf.update)
    return verb(shelf.one, name=f"update {NOUNS[shelf.kind]}", operation=operation)(update)


async def _list(shelf: Shelf, request: Req, exchange: Exchange) -> Response[bytes]:
    actor = exchange.actor(request)
    query = parameters.Query(request.scope["query_string"])
    limit, after, filters = query.integer("limit", PAGE_MAX, 1, PAGE_MAX), pages.after(request, query), _filters(shelf, query)
    if filters.get("is_deleted") and actor.role in (Role.VIEWER, Role.OPERATOR):
        raise Forbidden("Listing deleted systems needs the role engineer or auditor.")
    query.done()
    scope = None if actor.system_ids is None else list(actor.system_ids)
    sql, params = documents.page(shelf.kind, limit, scope, filters, after)
    return await pages.answer(request, exchange, sql, params)


def _filters(shelf: Shelf, query: parameters.Query) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name in shelf.filters:
        if name == "system_id":
            given[name] = query.uuid(name)
        elif name == "is_deleted":
            given[name] = query.boolean(name)
        elif name in wire.CHOICES:
            given[name] = query.choice(name, wire.CHOICES[name])
        else:
            given[name] = query.text(name)
    return {name: value for name, value in given.items() if value is not None}


HANDLERS = [handler for shelf in SHELVES for handler in handlers_of(shelf)]
