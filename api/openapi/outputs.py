"""Responses of the API document: the success of each route, and the problems of each surface."""

from typing import Any

import msgspec

from api import problems
from api.openapi.envelopes import OF_SURFACE
from api.openapi.examples import EXAMPLES
from api.openapi.operation import JSON, Operation

Schema = dict[str, Any]


def _header(description: str, *, required: bool = False, kind: str = "string", **more: Any) -> Schema:
    return {"description": description, "required": required, "schema": {"type": kind, **more}}


HEADERS = {
    "RequestId": _header("The request id that was sent, or a new UUID.", required=True, pattern="^[A-Za-z0-9._-]{1,128}$"),
    "CacheControl": _header("`private, no-cache`, or `no-store` where the answer holds a token or opens a file.", required=True),
    "RateLimit": _header("Requests that the token may send at once; with the next two while limiting is on.", kind="integer", minimum=1),
    "RateRemaining": _header("How many of them are left. Where no token was found, all are.", kind="integer", minimum=0),
    "RateReset": _header("Seconds until all may be sent again.", kind="integer", minimum=0),
    "CommandId": _header("Stands as the command of every event that the request made.", required=True, format="uuid"),
    "Replayed": _header("The answer to an earlier request with the same idempotency key.", enum=["true"]),
    "ETag": _header('`"<own version>-<wide version>-<digest of the body>"`'),
    "RunVersion": _header("Version of the run that is shown: the number of its events.", kind="integer", minimum=1),
    "Redacted": _header("Something that was deleted since is left out.", enum=["true"]),
    "SearchMeaning": _header("No vector could be had for the question: words alone decided.", enum=["unavailable"]),
    "Location": _header("Path of what was created, or of where its progress shows.", required=True),
    "Link": _header('The next page, `rel="next"`, if there is one.'),
    "TotalCount": _header("Matches in all pages.", required=True, kind="integer", minimum=0),
    "RetryAfter": _header("Whole seconds to wait.", required=True, kind="integer", minimum=1),
    "MaybeRetryAfter": _header("Whole seconds to wait, where a request with the same idempotency key runs.", kind="integer", minimum=1),
    "Disposition": _header("A name for the file."),
    "PagePolicy": _header("A page may load only what this deployment serves."),
    "Vary": _header("`Accept` decides between page and JSON.", required=True),
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
    "SearchMeaning": "X-Search-Meaning",
    "CacheControl": "Cache-Control",
    "Disposition": "Content-Disposition",
    "PagePolicy": "Content-Security-Policy",
    "MaybeRetryAfter": "Retry-After",
}
NAMES |= {"TotalCount": "X-Total-Count", "RetryAfter": "Retry-After", "Authenticate": "WWW-Authenticate"}
ALWAYS = ["RequestId", "CacheControl", "RateLimit", "RateRemaining", "RateReset"]
DONE = {200: "Done.", 201: "Created.", 202: "Accepted.", 204: "Done; there is nothing to show."}
OF_PROBLEM = {401: ["Authenticate"], 405: ["Allow"], 409: ["MaybeRetryAfter"], 412: ["ETag"], 429: ["RetryAfter"], 503: ["RetryAfter"]}


def responses(path: str, method: str, operation: Operation, answer: Schema | None, links: Schema) -> dict[str, Schema]:
    """Every response of one route by status."""
    surface = problems.surface_of(path)
    found = {}
    for status in operation.statuses(method):
        if status == operation.status:
            found[str(status)] = _success(path, method, operation, answer) | ({"links": links} if links else {})
        elif status == 304:
            found["304"] = {
                "description": "What the caller has is still current.",
                "headers": _headers([*ALWAYS, "ETag", *_of_run(path, method)]),
            }
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
    names += _of_run(path, method)
    if "cursor" in operation.query:
        names += ["Link", "TotalCount"]
    names += operation.headers
    response: Schema = {"description": DONE[operation.status], "headers": _headers(names)}
    if answer is not None:
        beside = {"schema": {"type": "string"}}  # a page of what stands in JSON
        whole = _content(operation, answer)
        response["content"] = {media: beside if media != JSON and JSON in operation.media else whole for media in operation.media}
    return response


def _content(operation: Operation, answer: Schema) -> Schema:
    shown = operation.answer.__args__[0] if operation.listed else operation.answer
    if JSON not in operation.media or shown is dict:
        return {"schema": answer}
    example = EXAMPLES[shown.__name__]
    return {"schema": answer, "example": {"items": [example], "count": 1} if operation.listed else example}


def _of_run(path: str, method: str) -> list[str]:
    if not path.startswith(("/api/v1/test-runs", "/api/v1/job-runs")) or (method == "GET" and "{" not in path):
        return []
    return ["RunVersion", "Redacted"] if method == "GET" else ["RunVersion"]


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
