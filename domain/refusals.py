"""The ways in which Runledger says no; every surface translates them to its own status codes and shapes."""

from uuid import UUID

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One thing wrong with a request.

    `pointer` is `#/title` (RFC 6901 fragment) for the body, else `query:limit`, `path:run_id`, `header:If-Match`.
    `code` is one of the codes of the contract: required, blank, too_long, too_short, invalid_type, invalid_format,
    invalid_value, out_of_range, unknown_field, not_allowed, not_found, duplicate, mismatch, limit_exceeded.
    """

    pointer: str
    code: str
    message: str


class Refusal(Exception):
    """A caller asked for what cannot be had; `detail` is a sentence for them, `errors` point at its causes."""

    slug = "internal"

    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class Malformed(Refusal):
    slug = "malformed-request"


class Unauthenticated(Refusal):
    """`why` is for the access log alone, and so is whose token it was, where that is certain."""

    slug = "unauthenticated"

    def __init__(self, detail: str, why: str, actor_id: UUID | None = None, token_id: UUID | None = None) -> None:
        super().__init__(detail)
        self.why, self.actor_id, self.token_id = why, actor_id, token_id


class Forbidden(Refusal):
    slug = "forbidden"


class NotFound(Refusal):
    slug = "not-found"


class Gone(NotFound):
    """It was there and is deleted. Callers are told the same as of what never was; only a replay may still be answered."""


class OutOfScope(NotFound):
    """It is there, but not for this token. Callers are told the same as of what never was; the access log knows better."""


class Closed(Refusal):
    """The run is closed: nothing in it may change."""

    slug = "closed"


class StateConflict(Refusal):
    slug = "state-conflict"


class NotConfigured(Refusal):
    slug = "not-configured"


class RequestInProgress(Refusal):
    slug = "request-in-progress"


class PreconditionFailed(Refusal):
    slug = "precondition-failed"

    def __init__(self, detail: str, etag: str | None = None) -> None:
        super().__init__(detail)
        self.etag = etag


class ContentTooLarge(Refusal):
    slug = "content-too-large"


class UnsupportedMediaType(Refusal):
    slug = "unsupported-media-type"


class Invalid(Refusal):
    """Fields of the request do not hold; `errors` names every one of them."""

    slug = "validation-failed"

    @classmethod
    def one(cls, pointer: str, code: str, message: str) -> "Invalid":
        """An `Invalid` with a single field error, whose detail names the field."""
        return cls.all((FieldError(pointer, code, message),))

    @classmethod
    def all(cls, errors: tuple[FieldError, ...]) -> "Invalid":
        """An `Invalid` whose detail tells each error in words."""
        named = [f"{e.pointer.removeprefix('#').removeprefix('/') or 'body'} {e.message}" for e in errors]
        return cls("; ".join(named[:10]) + (f"; and {len(named) - 10} more" if len(named) > 10 else ""), errors)


class UnknownReference(Refusal):
    """An id in the body does not resolve (or lies outside the caller's scope, which must look the same)."""

    slug = "unknown-reference"

    @classmethod
    def all(cls, errors: tuple[FieldError, ...]) -> "UnknownReference":
        """An `UnknownReference` whose detail tells the first errors in words."""
        return cls("; ".join(f"{e.pointer.removeprefix('#/')} {e.message}" for e in errors[:10]), errors)


class FileNotUsable(Refusal):
    slug = "file-not-usable"


class IdempotencyKeyReused(Refusal):
    slug = "idempotency-key-reused"


class PreconditionRequired(Refusal):
    slug = "precondition-required"


class RateLimited(Refusal):
    slug = "rate-limited"

    def __init__(self, detail: str, wait_s: int) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class Unavailable(Refusal):
    """Something that is needed is down, or has more to do than it can do soon; nothing was recorded."""

    slug = "unavailable"


class StorageUnavailable(Refusal):
    slug = "storage-unavailable"
