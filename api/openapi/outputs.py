"""Responses of the API document: the success of each route, and the problems of each surface."""

from typing import Any

import msgspec

from api import problems
from api.openapi.envelopes import OF_SURFACE
from api.openapi.operation import JSON, Operation

Schema = dict[str, Any]


def _header(description: str, *, required: bool = False, kind: str = "string") -> Schema:
    return {"description": description, "required": required, "schema": {"type": kind}}


HEADERS = {
    "RequestId": _header("The request id that was sent, or a new UUID.", required=True),
    "RateLimit": _header("Requests that the token may send at once; with the next two while limiting is on.", kind="integer"),
    "RateRemaining": _header("How many of them are left. Where no token was found, all are.", kind="integer"),
    "RateReset": _header("Seconds until all may be sent again.", kind="integer"),
    "CommandId": _header("Found again in the history of every event that the request made.", required=True),
    "Replayed": _header("`true`: the answer to an earlier request with the same idempotency key."),
    "ETag": _header('`"<own version>-<wide version>-<digest of the body>"`'),
    "RunVersion": _header("Version of the run that is shown: the number of its events.", kind="integer"),
    "Redacted": _header("`true`: something that was deleted since is left out."),
    "Location": _header("Path of what was created.", required=True),
    "Link": _header('The next page, `rel="next"`, if there is one.'),
    "TotalCount": _header("Matches in all pages.", required=True, kind="integer"),
    "RetryAfter": _header("Seconds to wait.", required=True, kind="integer"),
    "Allow": _header("The methods that this address takes.", required=True),
    "Authenticate": _header("`Bearer`", required=True),
}
NAMES = {
    "RequestId": "X-Request-Id",
    "RateLimit": "X-RateLimit-Limit",
    "RateRemaining": "X-RateLimit-Remaining",
    "RateReset": "X-RateLimit-Reset",
    "CommandId": "X-Command-Id",
    "Replayed": "Idempotency-Replayed",
    "RunVersion": "X-Run-Version",
    "Redacted": "X-History-Redacted",
}
NAMES |= {"TotalCount": "X-Total-Count", "RetryAfter": "Retry-After", "Authenticate": "WWW-Authenticate"}
ALWAYS = ["RequestId", "RateLimit", "RateRemaining", "RateReset"]
DONE = {200: "Done.", 201: "Created.", 202: "Accepted.", 204: "Done; there is nothing to show."}
OF_PROBLEM = {401: ["Authenticate"], 405: ["Allow"], 412: ["ETag"], 429: ["RetryAfter"], 503: ["RetryAfter"]}


def responses(path: str, method: str, operation: Operation, answer: Schema | None) -> dict[str, Schema]:
    """Every response of one route by status."""
    surface = problems.surface_of(path)
    found = {}
    for status in operation.statuses(method):
        if status == operation.status:
            found[str(status)] = _success(path, method, operation, answer)
        elif status == 304:
            found["304"] = {"description": "What the caller has is still current.", "headers": _headers([*ALWAYS, "ETag"])}
        else:
            found[str(status)] = {"$ref": f"#/components/responses/{surface}-{status}"}
    return found


def _success(path: str, method: str, operation: Operation, answer: Schema | None) -> Schema:
    names = [*ALWAYS]
    if method != "GET" and operation.least is not None:
        names += ["CommandId", "Replayed"]
    if operation.status == 201 and operation.tagged:
        names.append("Location")
    if operation.tagged:
        names.append("ETag")
    if "{run_id}" in path and answer is not None:
        names += ["RunVersion", "Redacted"] if method == "GET" else ["RunVersion"]
    if "cursor" in operation.query:
        names += ["Link", "TotalCount"]
    response: Schema = {"description": DONE[operation.status], "headers": _headers(names)}
    if answer is not None:
        beside = {"schema": {"type": "string"}}  # a page of what stands in JSON
        whole = _content(operation, answer)
        response["content"] = {media: beside if media != JSON and JSON in operation.media else whole for media in operation.media}
    return response


def _content(operation: Operation, answer: Schema) -> Schema:
    shown = operation.answer.__args__[0] if operation.listed else operation.answer
    text = getattr(shown, "EXAMPLE", None)
    if text is None:
        return {"schema": answer}
    example = msgspec.json.decode(text)
    return {"schema": answer, "example": {"items": [example], "count": 1} if operation.listed else example}


def _headers(names: list[str]) -> Schema:
    return {NAMES.get(name, name): {"$ref": f"#/components/headers/{name}"} for name in names}


def problem_responses(references: dict[str, Schema]) -> dict[str, Schema]:
    """The refusals of every surface by surface and status, `atlas-404`; `references` are the schemas by surface."""
    return {
        f"{surface}-{status}": _problem(surface, status, slugs, references[surface])
        for surface in OF_SURFACE
        for status, slugs in _by_status(surface).items()
    }


def _by_status(surface: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for slug in problems.PROBLEMS:
        found.setdefault(problems.status_of(slug, surface), []).append(slug)
    return found


def _problem(surface: str, status: int, slugs: list[str], reference: Schema) -> Schema:
    described = "; ".join(f"[{slug}](/problems/{slug}): {problems.PROBLEMS[slug].title}" for slug in slugs)
    examples = {
        slug: {"value": msgspec.json.decode(problems.render(PATHS[surface], "6f1c0d7e-8a51-4b0f-9a52-0c1de2f1a7b3", slug, "…")[1])}
        for slug in slugs
    }
    content = {"application/problem+json": {"schema": reference, "examples": examples}}
    return {"description": described, "headers": _headers([*ALWAYS, *OF_PROBLEM.get(status, [])]), "content": content}


PATHS = {"atlas": "/api/v1/", "testmo": "/api/v1/projects", "testably": "/v1/", "benchmarks": "/api/v5/"}
