"""Liveness without dependencies, readiness with them."""

from typing import Annotated

import msgspec
from litestar import Response, get
from msgspec import Meta

from api.exchange import Exchange
from api.openapi.operation import JSON, Operation
from domain.refusals import Unavailable
from infra import database, followers, sequence
from projections import views

DATABASE_S = 2.0


class Liveness(msgspec.Struct):
    """The process answers."""

    status: str


class Readiness(msgspec.Struct):
    """The database answers and holds the schema of this release."""

    status: str
    schema_version: Annotated[int, Meta(description="Of the database; the one that this release needs.")]
    sequence: Annotated[sequence.Lag, Meta(description="How far the sequencer is behind the log. It delays followers, never a request.")]
    followers: Annotated[list[followers.Standing], Meta(description="How far each is behind the sequence, and what it had to park.")]
    views_current: Annotated[bool, Meta(description="False: the views were built by another release. They serve; a rebuild is due.")]


@get("/livez", name="get livez", operation=Operation("Whether the process lives", None, Liveness))
async def livez() -> Response[bytes]:
    return Response(b'{"status":"ok"}', media_type=JSON)


@get("/readyz", name="get readyz", operation=Operation("Whether requests can be served", None, Readiness, more=(503,)))
async def readyz(exchange: Exchange) -> Response[bytes]:
    """200 when the database answers and holds the schema of this release; 503 otherwise."""
    async with exchange.pool.connection(timeout=DATABASE_S) as conn:
        version = await database.version_of(conn)
        if version is None:
            raise Unavailable("The database holds no ledger yet.")
        if version != database.newest_version():
            raise Unavailable(f"The database has schema version {version}; this release needs {database.newest_version()}.")
        current = await views.are_current(conn)
        lag, standings = await sequence.lag(conn), await followers.standings(conn)
    return Response(msgspec.json.encode(Readiness("ready", version, lag, standings, current)), media_type=JSON)


HANDLERS = [livez, readyz]
