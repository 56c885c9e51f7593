"""The people that are known here, as an administrator sees them."""

from projections.documents import email
from projections.listing import paged

# As shown everywhere; `email` is null once it is erased.
_SHOWN = f"json_build_object('actor_id', t.actor_id, 'actor', {email('t.actor_id')}, 'email', t.email)"
PAGE = paged(_SHOWN, "users t", "t.actor_id")
KNOWN = "SELECT true FROM users WHERE actor_id = %s"
