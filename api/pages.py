"""Lists that are paged by cursor: Link, X-Total-Count and the cursor itself."""

import base64
import binascii
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response

from api.exchange import Exchange, Req, document
from api.parameters import Query


def after(query: Query) -> tuple[datetime, UUID] | None:
    """Time and id of the last row of the page before."""
    text = query.text("cursor")
    if text is None:
        return None
    try:
        at, _, last = base64.urlsafe_b64decode(text.encode()).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is not None:
            return moment, UUID(last)
    except (ValueError, binascii.Error):
        pass
    query.wrong("cursor", "invalid_value", "is not a cursor of this list")
    return None


async def answer(request: Req, exchange: Exchange, sql: str, params: dict[str, Any]) -> Response[bytes]:
    """Runs a page query of (JSON bytes, matches in all, created_at and id of the last row, whether more follow)."""
    async with exchange.pool.connection() as conn:
        row = await (await conn.execute(sql, params, prepare=True)).fetchone()
    body, total, at, last, more = row or (b"", 0, None, None, False)
    headers = {"x-total-count": str(total)}
    if more:
        headers["link"] = f'<{_next(request, at, last)}>; rel="next"'
    return document(request, bytes(body), None, headers)


def _next(request: Req, at: Any, last: Any) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    cursor = base64.urlsafe_b64encode(f"{at.isoformat()} {last}".encode()).decode()
    return f"{request.scope['path']}?{urlencode([*kept, ('cursor', cursor)])}"
