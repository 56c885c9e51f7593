"""Path, query and header parameters of the API document."""

import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.openapi.examples import EXAMPLES
from api.openapi.operation import CONDITIONED, Operation

Schema = dict[str, Any]

RUN = r"^([tT][rR]-[0-9]{1,18}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$"

PATH_TYPES: dict[str, Any] = {
    "run_id": Annotated[
        str,
        Meta(
            description="UUID of the test run, or its number such as `TR-0042` (letter case and leading zeros free).",
            pattern=RUN,
            examples=["TR-0042", "c9d0e1f2-a3b4-5678-cdef-789012345678"],
        ),
    ],
    "card_id": Annotated[UUID, Meta(description="The card, one of this run.")],
    "step_id": Annotated[UUID, Meta(description="The step, one of this card, or of any card of the run where none is named.")],
    "observation_id": Annotated[UUID, Meta(description="The observation, one of this step.")],
    "file_id": Annotated[UUID, Meta(description="The data file, one of this run.")],
    "report_id": Annotated[UUID, Meta(description="The report, one of this run.")],
    "job_run_id": Annotated[UUID, Meta(description="The job run, as the report names it.")],
    "system_id": Annotated[UUID, Meta(description="The system.")],
    "asset_id": Annotated[UUID, Meta(description="The asset.")],
    "issue_id": Annotated[UUID, Meta(description="The issue.")],
    "template_id": Annotated[UUID, Meta(description="The card template.")],
    "token_id": Annotated[UUID, Meta(description="The token, by its id; never its text.")],
    "actor_id": Annotated[UUID, Meta(description="The person, as `/admin/users` lists them.")],
    "name": Annotated[str, Meta(description="The follower, as `/admin/projections` lists them.", examples=["report relay"])],
    "slug": Annotated[str, Meta(description="The last part of a problem's `type`.", examples=["closed"])],
    "file": Annotated[str, Meta(description="A file of the page.", examples=["docs.js"])],
}


def _header(name: str, description: str, **schema: Any) -> Schema:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"} | schema}


HEADERS = {
    "RequestId": _header(
        "X-Request-Id",
        "An id for this request, of 1 to 128 letters, digits and `.`, `_`, `-`; it comes back and stands in events and logs. "
        "Any other is replaced by a UUID.",
        examples=["nightly-42"],
    ),
    "IdempotencyKey": _header(
        "Idempotency-Key",
        "Makes the request safe to repeat: the same key with the same request gives the first answer again.",
        minLength=1,
        maxLength=255,
        pattern="^[ -~]+$",
        examples=["0197a3c0-7d5e-7c3e-9d0a-2f6f6f0c1a55"],
    ),
    "IfMatch": _header(
        "If-Match",
        "The `ETag` of an earlier answer, or `*`: change nothing (412) that has changed since.",
        anyOf=[{"const": "*"}, {"pattern": r'^(W/)?"[!#-~]*"$'}],
        examples=['"3-17-9f86d081884c"', "*"],
    ),
    "IfNoneMatch": _header("If-None-Match", "The `ETag` of an earlier answer: 304 if it still stands.", examples=['"3-17-9f86d081884c"']),
}


def parameters(path: str, method: str, operation: Operation) -> list[Schema]:
    """Every parameter of one route."""
    headers = ["RequestId"]
    if method != "GET" and operation.least is not None:
        headers.append("IdempotencyKey")
    if method in CONDITIONED or operation.compares(method):
        headers.append("IfMatch")
    if method == "GET" and operation.tagged:
        headers.append("IfNoneMatch")
    return [
        *(_parameter(name, "path", PATH_TYPES[name], required=True) for name in re.findall(r"{(\w+)}", path)),
        *(_parameter(name, "query", kind, required=name in operation.needed) for name, kind in operation.query.items()),
        *({"$ref": f"#/components/parameters/{name}"} for name in headers),
    ]


def _parameter(name: str, where: str, kind: Any, *, required: bool) -> Schema:
    schema = msgspec.json.schema(kind)
    if definitions := schema.pop("$defs", None):  # an enum, named apart
        (definition,) = definitions.values()
        schema = definition | {name: value for name, value in schema.items() if name == "description"}
    schema.pop("title", None)
    if "enum" in schema:
        schema = {"type": "string", **schema}
    return {"name": name, "in": where, "required": required, "description": schema.pop("description"), "schema": schema}


def body(operation: Operation, method: str, reference: Schema) -> Schema:
    """The request body of one route; one without required members may be left out."""
    media: Schema = {"schema": reference, "example": EXAMPLES[operation.body.__name__]}
    kinds = ["application/json", "application/merge-patch+json"] if method == "PATCH" else ["application/json"]
    required = any(field.required for field in msgspec.structs.fields(operation.body))
    return {"required": required, "content": dict.fromkeys(kinds, media)}
