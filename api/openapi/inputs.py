"""Path, query and header parameters of the API document."""

import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.openapi.operation import Operation

Schema = dict[str, Any]

PATH_TYPES: dict[str, Any] = {
    "run_id": Annotated[str, Meta(description="UUID of the test run, or its number such as `TR-0042`.")],
    "slug": Annotated[str, Meta(description="The last part of a problem's `type`.")],
    "file": Annotated[str, Meta(description="A file of the page.")],
}


def _header(name: str, description: str, **schema: Any) -> Schema:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"} | schema}


HEADERS = {
    "RequestId": _header("X-Request-Id", "An id for this request; it comes back and stands in events and logs. Others are replaced."),
    "IdempotencyKey": _header(
        "Idempotency-Key",
        "Makes the request safe to repeat: the same key with the same request gives the first answer again.",
        minLength=1,
        maxLength=255,
        pattern="^[ -~]+$",
    ),
    "IfMatch": _header(
        "If-Match",
        "The `ETag` of an earlier answer, or `*`: change nothing (412) that has changed since.",
        pattern=r'^(\*|(W/)?"[!#-~]*")$',
    ),
    "IfNoneMatch": _header("If-None-Match", "The `ETag` of an earlier answer: 304 if it still stands."),
}


def parameters(path: str, method: str, operation: Operation) -> list[Schema]:
    """Every parameter of one route."""
    headers = ["RequestId"]
    if method != "GET" and operation.least is not None:
        headers.append("IdempotencyKey")
    if operation.compares(method):
        headers.append("IfMatch")
    if method == "GET" and operation.tagged:
        headers.append("IfNoneMatch")
    return [
        *(_parameter(name, "path", PATH_TYPES.get(name, UUID)) for name in re.findall(r"{(\w+)}", path)),
        *(_parameter(name, "query", kind) for name, kind in operation.query.items()),
        *({"$ref": f"#/components/parameters/{name}"} for name in headers),
    ]


def _parameter(name: str, where: str, kind: Any) -> Schema:
    schema = msgspec.json.schema(kind)
    if definitions := schema.pop("$defs", None):  # an enum, named apart
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    described = {"description": schema.pop("description")} if "description" in schema else {}
    return {"name": name, "in": where, "required": where == "path", "schema": schema, **described}


def body(operation: Operation, method: str, reference: Schema) -> Schema:
    """The request body of one route; one without required members may be left out."""
    media: Schema = {"schema": reference}
    if example := getattr(operation.body, "EXAMPLE", None):
        media["example"] = msgspec.json.decode(example)
    kinds = ["application/json", "application/merge-patch+json"] if method == "PATCH" else ["application/json"]
    required = any(field.required for field in msgspec.structs.fields(operation.body))
    return {"required": required, "content": dict.fromkeys(kinds, media)}
