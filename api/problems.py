"""Every refusal as application/problem+json (RFC 9457), in the form of the surface that the path belongs to."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from domain.refusals import FieldError, PreconditionFailed, RateLimited, Refusal

logger = logging.getLogger("runledger.api")


class Problem(NamedTuple):
    status: int
    title: str


PROBLEMS = {
    "malformed-request": Problem(400, "Malformed request"),
    "unauthenticated": Problem(401, "Authentication required"),
    "forbidden": Problem(403, "Role too low"),
    "not-found": Problem(404, "Not found"),
    "method-not-allowed": Problem(405, "Method not allowed"),
    "closed": Problem(409, "Closed for changes"),
    "state-conflict": Problem(409, "State does not allow this"),
    "not-configured": Problem(409, "Not configured"),
    "request-in-progress": Problem(409, "Request in progress"),
    "precondition-failed": Problem(412, "Precondition failed"),
    "content-too-large": Problem(413, "Content too large"),
    "unsupported-media-type": Problem(415, "Unsupported media type"),
    "validation-failed": Problem(422, "Request not valid"),
    "unknown-reference": Problem(422, "Unknown reference"),
    "file-not-usable": Problem(422, "File not usable"),
    "idempotency-key-reused": Problem(422, "Idempotency key reused"),
    "precondition-required": Problem(428, "Precondition required"),
    "rate-limited": Problem(429, "Too many requests"),
    "internal": Problem(500, "Internal error"),
    "unavailable": Problem(503, "Temporarily unavailable"),
    "storage-unavailable": Problem(503, "Temporarily unavailable"),
}

RETRY_AFTER_S = {"request-in-progress": 1, "unavailable": 2, "storage-unavailable": 5}


def surface_of(path: str) -> str:
    """The surface of a request, decided by its path alone."""
    if path.startswith(("/api/v1/projects", "/api/v1/automation")):
        return "testmo"
    if path.startswith(("/v1/", "/functions/v1/")):
        return "testably"
    return "benchmarks" if path.startswith("/api/v5/") else "atlas"


def status_of(slug: str, surface: str) -> int:
    """The status of a problem; clients of Testmo know 422 where others have 409."""
    return 422 if surface == "testmo" and slug in ("closed", "state-conflict") else PROBLEMS[slug].status


def render(path: str, request_id: str, slug: str, detail: str, errors: tuple[FieldError, ...] = ()) -> tuple[int, bytes]:
    """The status and body of a problem."""
    surface = surface_of(path)
    status = status_of(slug, surface)
    body: dict[str, Any] = {
        "type": f"/problems/{slug}",
        "title": PROBLEMS[slug].title,
        "status": status,
        "detail": detail,
        "instance": request_id,
    }
    if surface == "testmo":
        named: dict[str, list[str]] = {}
        for error in errors:
            field = error.pointer.removeprefix("#/").replace("/", ".")
            named.setdefault(field, []).append(error.message)
        body |= {"message": detail, "errors": named}
    elif surface == "testably":
        body |= {"error": PROBLEMS[slug].title, "message": detail, "errors": errors}
    else:
        body["errors"] = errors
    return status, msgspec.json.encode(body)


def headers_of(slug: str, error: Exception | None = None) -> dict[str, str]:
    headers = {"cache-control": "private, no-cache"}
    if slug == "unauthenticated":
        headers["www-authenticate"] = "Bearer"
    if slug in RETRY_AFTER_S:
        headers["retry-after"] = str(RETRY_AFTER_S[slug])
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(error.wait_s)
    if isinstance(error, PreconditionFailed) and error.etag:
        headers["etag"] = error.etag
    return headers


async def send(scope: Any, reply: Callable[[Any], Awaitable[None]], slug: str, detail: str, *more: tuple[bytes, bytes]) -> None:
    """Answers a problem outside the framework."""
    status, body = render(scope["path"], scope["state"]["request_id"], slug, detail)
    headers = [(name.encode(), value.encode()) for name, value in headers_of(slug).items()]
    headers += [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), *more]
    await reply({"type": "http.response.start", "status": status, "headers": headers})
    await reply({"type": "http.response.body", "body": body})


def on_refusal(request: Request[Any, Any, Any], refusal: Refusal) -> Response[bytes]:
    request.scope["state"]["refusal"] = refusal  # a denial is put on record before the answer goes out
    return _response(request, refusal.slug, refusal.detail, refusal.errors, refusal)


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses."""
    if error.status_code == 404:
        return _response(request, "not-found", "There is nothing at this address.")
    if error.status_code == 400:
        return _response(request, "malformed-request", "The request could not be read.")
    if error.status_code == 413:
        return _response(request, "content-too-large", "The body is larger than this address takes.")
    return on_crash(request, error)


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    said = {"method": request.method, "route": _route(request), "request_id": _request_id(request)}
    logger.error("request failed", exc_info=error, extra={"said": said})
    return _response(request, "internal", "Something went wrong here. The request id helps to find out what.")


def on_database_down(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    logger.warning("database not reachable: %s", type(error).__name__)
    return _response(request, "unavailable", "The database is not reachable right now. Nothing was recorded; try again.")


def on_disk_full(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    logger.error("the database's disk is full: %s", error)
    return _response(request, "unavailable", "The database's disk is full: it can be read, not written. Nothing was recorded.")


def _response(
    request: Request[Any, Any, Any], slug: str, detail: str, errors: tuple[FieldError, ...] = (), error: Exception | None = None
) -> Response[bytes]:
    status, body = render(request.scope["path"], _request_id(request), slug, detail, errors)
    return Response(body, status_code=status, media_type="application/problem+json", headers=headers_of(slug, error))


def _request_id(request: Request[Any, Any, Any]) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))


def _route(request: Request[Any, Any, Any]) -> str:
    return str(request.scope.get("path_template", ""))
