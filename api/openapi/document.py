"""The OpenAPI 3.1 document of the application, made once from its routes and what they say about themselves."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.openapi import inputs, outputs
from api.openapi.envelopes import OF_SURFACE
from api.openapi.operation import Operation

VERSION = "0.1.0"
ABOUT = """The open-source system of record for test evidence. Every change is an event; every answer is derived from events.

Every GET may also be a HEAD. OPTIONS answers 204 with `Allow`. Members with no value are sent as null or empty, never left out;
clients must ignore members that they do not know. A refusal is always `application/problem+json`; its `type` is the address of a page
that says what to do. What is out of a token's scope is 404, the same as what does not exist."""

Schema = dict[str, Any]

PLAIN: dict[Any, Schema] = {str: {"type": "string"}, bytes: {}, dict: {"type": "object"}}


class UndocumentedRoute(TypeError):
    """A route lacks its `operation=`."""


class Spoken(NamedTuple):
    """A route with what it says about itself."""

    path: str
    method: str
    handler: HTTPRouteHandler
    operation: Operation


def routes(app: Litestar) -> Iterator[Spoken]:
    """Every route of the application but the OPTIONS that come of themselves."""
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            for method in sorted(handler.http_methods - {"OPTIONS"}):
                operation = handler.opt.get("operation")
                if not isinstance(operation, Operation):
                    raise UndocumentedRoute(f"{method} {route.path_format}: give its decorator an operation=Operation(…)")
                yield Spoken(route.path_format, method, handler, operation)


def render(app: Litestar) -> bytes:
    """The document as JSON."""
    spoken = list(routes(app))
    wanted = {kind: None for s in spoken for kind in (s.operation.answer, s.operation.body) if kind not in (None, *PLAIN)}
    kinds = list({**wanted, **dict.fromkeys(OF_SURFACE.values())})
    references, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    reference_of = dict(zip(kinds, references, strict=True)) | PLAIN
    paths: Schema = {}
    for s in spoken:
        paths.setdefault(s.path, {})[s.method.lower()] = _operation(s, reference_of)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Runledger",
                "version": VERSION,
                "description": ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": paths,
            "components": {
                "schemas": schemas,
                "parameters": inputs.HEADERS,
                "headers": outputs.HEADERS,
                "responses": outputs.problem_responses({surface: reference_of[kind] for surface, kind in OF_SURFACE.items()}),
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "An access token, `rl_…`."}},
            },
        }
    )


def _operation(spoken: Spoken, reference_of: dict[Any, Schema]) -> Schema:
    path, method, handler, operation = spoken
    made: Schema = {
        "operationId": _id(handler),
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [_tag(handler)],
        "parameters": inputs.parameters(path, method, operation),
        "responses": outputs.responses(path, method, operation, reference_of.get(operation.answer)),
        "security": [] if operation.least is None else [{"bearer": []}],
    }
    if operation.body is not None:
        made["requestBody"] = inputs.body(operation, method, reference_of[operation.body])
    return made


def _id(handler: HTTPRouteHandler) -> str:
    return re.sub(r"\W+", "_", handler.name or handler.fn.__name__).strip("_")


def _description(operation: Operation) -> str:
    needed = "Needs no token." if operation.least is None else f"Least role: **{operation.least}**."
    return f"{needed} {operation.description}".strip()


def _tag(handler: HTTPRouteHandler) -> str:
    """Surface and noun, from the file that the handler lives in."""
    _, surface, noun = handler.fn.__module__.split(".")
    return f"{surface.capitalize()}: {noun.replace('_', ' ')}"
