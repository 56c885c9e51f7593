"""For each type of problem: when it happens, and what to do."""

from typing import NamedTuple


class Advice(NamedTuple):
    when: str
    do: str


ADVICE = {
    "malformed-request": Advice(
        "The request cannot be read: broken JSON, NUL or lone surrogates in a text, nesting beyond 64 levels, a query that is not UTF-8, "
        "a parameter twice, an Idempotency-Key or If-Match header that is none.",
        "Mend what the detail names. Sending the same request again gives the same answer.",
    ),
    "unauthenticated": Advice(
        "There is no bearer token, or it is unknown, expired or revoked.",
        "Send `Authorization: Bearer <token>` with a token of this deployment; ask an admin for one.",
    ),
    "forbidden": Advice(
        "The token may see this, but its role or its limits do not allow what was asked. The detail names the role needed.",
        "Use a token of that role.",
    ),
    "not-found": Advice(
        "There is nothing at this address, it was deleted, it stands below another parent, or the token's scope does not hold it. "
        "The answer is the same for all of these.",
        "Check the ids of the path and the scope of the token. A deleted thing can be restored by an engineer.",
    ),
    "method-not-allowed": Advice("The address exists, but does not take this method.", "Use one of the methods in the `Allow` header."),
    "closed": Advice(
        "The run is closed: neither it nor anything in it may change.",
        "Reopen it with a reason (role engineer), if the change is right. Reports and links to reports need no reopening.",
    ),
    "state-conflict": Advice(
        "The thing is not in a state that allows this: reopening an open run, restoring what is not deleted, cancelling a finished job. "
        "Also: an idempotency key whose stored answer is older than 7 days; the detail names its command.",
        "Read the thing again and decide anew.",
    ),
    "not-configured": Advice("The deployment lacks a setting that this needs.", "Ask whoever runs the deployment; the detail names it."),
    "request-in-progress": Advice(
        "A request with the same idempotency key is still running.", "Wait as long as `Retry-After` says and send the same request again."
    ),
    "precondition-failed": Advice(
        "The thing has changed since the tag in `If-Match` was given.",
        "Read it again, look at what changed, and send the change with the new `ETag`.",
    ),
    "content-too-large": Advice("The body, or a list in it, is larger than this address takes.", "Send it in several requests."),
    "unsupported-media-type": Advice(
        "The body is not declared as JSON.", "Send `Content-Type: application/json` (for PATCH also `application/merge-patch+json`)."
    ),
    "validation-failed": Advice(
        "The request can be read, but members or parameters of it do not hold.",
        "`errors` names every one of them by pointer, with a code for programs and a message for people.",
    ),
    "unknown-reference": Advice(
        "An id in the body does not resolve, or lies outside the token's scope.", "`errors` names each; check that they exist and are live."
    ),
    "file-not-usable": Advice(
        "The S3 address is not allowed here, the object is missing, or its size differs from the one registered.",
        "Upload the object into an allowed bucket first, then register it with its true size.",
    ),
    "idempotency-key-reused": Advice(
        "The key was used before with another request.", "Use a fresh key for every new request; keep it only to repeat the same one."
    ),
    "precondition-required": Advice(
        "This deployment asks for `If-Match` on every change, so that nobody overwrites what they have not seen.",
        "Read the thing first and send its `ETag` as `If-Match`.",
    ),
    "rate-limited": Advice(
        "The token has sent too many requests.", "Wait as long as `Retry-After` says. Bulk addresses need fewer requests."
    ),
    "internal": Advice(
        "Something is wrong in the server. A write may not have been recorded.",
        "Send the same request again with the same idempotency key. Give the request id (`instance`) to whoever runs the deployment.",
    ),
    "unavailable": Advice(
        "Something that the server needs is down, usually its database. A refused write recorded nothing.",
        "Wait as long as `Retry-After` says and send the same request again, best with an idempotency key.",
    ),
    "storage-unavailable": Advice(
        "The S3 storage does not answer. Nothing was recorded.", "Wait as long as `Retry-After` says and send the same request again."
    ),
}
