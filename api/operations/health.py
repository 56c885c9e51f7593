"""Liveness without dependencies, readiness with them."""

import msgspec
from litestar import Response, get

from api.exchange import Exchange


@get("/livez")
async def livez() -> Response[bytes]:
    return Response(b'{"status":"ok"}', media_type="application/json")


@get("/readyz")
async def readyz(exchange: Exchange) -> Response[bytes]:
    """200 when the database answers and holds a schema; 503 otherwise."""
    async with exchange.pool.connection(timeout=2) as conn:
        row = await (await conn.execute("SELECT max(version) FROM migrations")).fetchone()
    return Response(msgspec.json.encode({"status": "ready", "schema_version": row[0] if row else None}), media_type="application/json")


HANDLERS = [livez, readyz]
