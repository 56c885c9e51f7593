"""Atlas: verification of the ledger."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import msgspec
from litestar import Response, get
from msgspec import Meta

from api import recording
from api.exchange import Exchange, Req
from api.openapi.envelopes import Stamp
from api.openapi.operation import Operation
from api.parameters import Query
from domain.refusals import Forbidden
from domain.tokens import Role, at_least
from infra.audit import verification
from infra.audit.verification import Range, Report

POSITIONS_MAX = 500_000  # a few seconds of work; `runledger verify` takes the whole ledger
POSITION_MAX = 10**15
DAMAGE = "Damage is an answer, `ok: false`, and no error. At most 500,000 positions a request; `to_position` tells how far it went."

QUERY = {
    "from": Annotated[int, Meta(ge=1, le=POSITION_MAX, description="The first position.", extra_json_schema={"default": 1})],
    "to": Annotated[int, Meta(ge=1, le=POSITION_MAX, description="The last position; as far as one request goes unless told.")],
}


class Damage(msgspec.Struct):
    """Where something was changed; `position` is null where it has none."""

    position: int | None
    kind: str
    detail: str


class Verification(msgspec.Struct):
    """What was recomputed. Both positions are included; an empty ledger gives 1 and 0."""

    ok: bool
    from_position: int
    to_position: int
    events: int
    head_hash: Annotated[str, Meta(description="Of the chain at `to_position`, hexadecimal.")]
    signed_position: Annotated[int, Meta(description="The last position that a signature covers.")]
    checked_at: Stamp
    problem_count: int
    problems: Annotated[list[Damage], Meta(description="The first of them.")]
    notes: list[str]


one_at_a_time = ThreadPoolExecutor(1, thread_name_prefix="verification")  # hashing must not hold up other requests


def require(request: Req, exchange: Exchange, least: Role) -> None:
    role = exchange.actor(request).role
    if not at_least(role, least):
        raise Forbidden(f"This needs the role {least}; the token has {role}.")


@get(
    "/audit/verify",
    operation=Operation("Recompute the hash chain", Role.AUDITOR, Verification, query=QUERY, kept=False, description=DAMAGE),
)
async def verify_ledger(request: Req, exchange: Exchange) -> Response[bytes]:
    """Without `to`, as far as one request goes: `to_position` tells how far that was."""
    require(request, exchange, Role.AUDITOR)
    query = Query(request.scope["query_string"])
    first, last = query.integer("from", 1, 1, POSITION_MAX), query.integer("to", 0, 1, POSITION_MAX) or None
    if last is not None and last < first:
        query.wrong("to", "out_of_range", "must not be before from")
    elif last is not None and last - first >= POSITIONS_MAX:
        query.wrong("to", "limit_exceeded", f"takes at most {POSITIONS_MAX} positions in one request")
    query.done()
    recording.privileged(request.scope, "verification")
    wanted = Range(first - 1, last, POSITIONS_MAX)
    begun = await asyncio.get_running_loop().run_in_executor(one_at_a_time, verification.verify, exchange.settings, wanted)
    return Response(msgspec.json.encode(_shown(begun.report())), media_type="application/json")


def _shown(report: Report) -> dict[str, object]:
    return {**msgspec.structs.asdict(report), "checked_at": report.checked_at.replace(tzinfo=None).isoformat(timespec="microseconds")}


HANDLERS = [verify_ledger]
