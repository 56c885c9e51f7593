"""The OpenAPI 3.1 document of the application, made once from its routes and what they say about themselves."""

import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.openapi import inputs, links, outputs
from api.openapi.envelopes import OF_SURFACE
from api.openapi.operation import Operation

VERSION = "0.1.0"
ABOUT = """The open-source system of record for test evidence. Every change is an event; every answer is derived from events.

Every GET may also be a HEAD. OPTIONS answers 204 with `Allow`. Every answer bears `X-Content-Type-Options: nosniff` and
`Referrer-Policy: no-referrer`. Members with no value are sent as null or empty, never left out;
clients must ignore members that they do not know. A refusal is always `application/problem+json`; its `type` is the address of a page
that says what to do. What is out of a token's scope is 404, the same as what does not exist.
No text may hold NUL or a lone surrogate (400); a text is kept exactly as it was sent."""

BEARER = """An access token, `rl_…`. Beside each operation stands the least role that it takes: viewer < operator < engineer < admin;
auditor reads everything and writes nothing. A token may be limited to some systems or projects."""

Schema = dict[str, Any]
_GENERIC = re.compile(rb"Items_(\w+?)_(?=\")")

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
    schemas = {name: {"type": "string", **schema} if "enum" in schema else schema for name, schema in schemas.items()}
    reference_of = dict(zip(kinds, references, strict=True)) | PLAIN
    ids = [(s.path, _id(s.handler)) for s in spoken]
    paths: Schema = {}
    for s in spoken:
        linked = links.of(s.path, s.operation.answer, ids) if s.operation.status == 201 else {}
        paths.setdefault(s.path, {})[s.method.lower()] = _operation(s, reference_of, linked)
    document = msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Runledger",
                "version": VERSION,
                "description": ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "tags": [{"name": name, "description": about} for name, about in sorted({_tag(s): _about(s) for s in spoken}.items())],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "parameters": inputs.HEADERS,
                "headers": outputs.HEADERS,
                "responses": outputs.problem_responses({surface: reference_of[kind] for surface, kind in OF_SURFACE.items()}),
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": BEARER}},
            },
        }
    )
    return _GENERIC.sub(rb"\1List", document)


def _operation(spoken: Spoken, reference_of: dict[Any, Schema], linked: Schema) -> Schema:
    path, method, handler, operation = spoken
    made: Schema = {
        "operationId": _id(handler),
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [_tag(spoken)],
        "parameters": inputs.parameters(path, method, operation),
        "responses": outputs.responses(path, method, operation, reference_of.get(operation.answer), linked),
        "security": _security(operation),
    }
    if operation.body is not None:
        made["requestBody"] = inputs.body(operation, method, reference_of[operation.body])
    return made


def _id(handler: HTTPRouteHandler) -> str:
    return re.sub(r"\W+", "_", handler.name or handler.fn.__name__).strip("_")


def _description(operation: Operation) -> str:
    needed = "Needs no token." if operation.least is None else f"Least role: **{operation.least}**."
    return f"{needed} {operation.description}".strip()


def _security(operation: Operation) -> list[Schema]:
    """The scheme with the least role; without one a token is either not looked at or, where 401 may come, up to the deployment."""
    if operation.least is None:
        return [{}, {"bearer": []}] if 401 in operation.more else []
    return [{"bearer": [operation.least]}]


def _tag(spoken: Spoken) -> str:
    """Surface and noun, from the file that the handler lives in."""
    _, surface, noun = spoken.handler.fn.__module__.split(".")
    return f"{surface.capitalize()}: {spoken.operation.noun or noun.replace('_', ' ')}"


def _about(spoken: Spoken) -> str:
    """The first line of that file, without the surface."""
    if noun := spoken.operation.noun:
        return f"The catalogue's {noun}, and their history."
    module = spoken.handler.fn.__module__
    said = (sys.modules[module].__doc__ or "").split("\n", 1)[0].removeprefix(f"{module.split('.')[1].capitalize()}: ")
    return said[0].upper() + said[1:]
