"""The access log as auditors read it."""

from typing import Any

from projections.documents import email
from projections.listing import paged

ERASED = "erased-user-"

_SHOWN = f"""json_build_object('entry_id', t.entry_id, 'recorded_at', stamp(t.at), 'status', t.status, 'reason', t.reason,
    'method', t.method, 'path', t.path, 'actor', CASE WHEN t.actor_id IS NOT NULL THEN {email("t.actor_id")} END, 'role', t.role,
    'token_id', t.token_id, 'request_id', t.request_id, 'client', t.client)"""


def page(actor: str | None, status: int | None) -> tuple[str, dict[str, Any]]:
    """A query of a page, for `listing.params` as well; `actor` as shown."""
    clauses, params = ["true"], dict[str, Any]()
    if actor is not None:
        by_name = f"t.actor_id IS NOT NULL AND {email('t.actor_id')} = %(actor)s"
        clauses.append(by_name if actor.startswith(ERASED) else "t.actor_id = (SELECT actor_id FROM users WHERE email = %(actor)s)")
        params["actor"] = actor
    if status is not None:
        clauses.append("t.status = %(status)s")
        params["status"] = status
    return paged(_SHOWN, "access_log t", "t.entry_id", " AND ".join(clauses)), params
