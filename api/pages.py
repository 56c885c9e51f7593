"""Lists that are paged by cursor: Link, X-Total-Count and the cursor itself."""

import base64
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response
from msgspec import Meta

from api.exchange import Exchange, Req, document
from api.parameters import Query

PAGING: dict[str, Any] = {
    "limit": Annotated[int, Meta(ge=1, le=1_000, description="Items a page.", extra_json_schema={"default": 1_000})],
    "cursor": Annotated[str, Meta(description="From the `Link` of the page before; of this list only.")],
}


def after(request: Req, query: Query) -> tuple[datetime, UUID] | None:
    """Time and id of the last row of the page before, from a cursor that this list gave out."""
    text = query.text("cursor")
    if text is None:
        return None
    try:
        at, last, _ = base64.urlsafe_b64decode(text.encode()).decode().split(" ")
        moment, row_id = datetime.fromisoformat(at), UUID(last)
        if _cursor(request, moment, row_id) == text:
            return moment, row_id
    except (ValueError, OverflowError):
        pass
    query.wrong("cursor", "invalid_value", "is not a cursor of this list")
    return None


def after_version(request: Req, query: Query) -> int | None:
    """Version of the last event of the page before, from a cursor that this list gave out."""
    text = query.text("cursor")
    if text is None:
        return None
    try:
        version = int(base64.urlsafe_b64decode(text.encode()).decode().split(" ")[0])
        if version_cursor(request, version) == text:
            return version
    except ValueError:
        pass
    query.wrong("cursor", "invalid_value", "is not a cursor of this list")
    return None


def version_cursor(request: Req, version: int) -> str:
    return base64.urlsafe_b64encode(f"{version} {request.scope['path']}".encode()).decode()


def _cursor(request: Req, at: Any, last: Any) -> str:
    return base64.urlsafe_b64encode(f"{at.astimezone(UTC).isoformat()} {last} {request.scope['path']}".encode()).decode()


async def answer(request: Req, exchange: Exchange, sql: str, params: dict[str, Any]) -> Response[bytes]:
    """Runs a page query of (JSON bytes, matches in all, created_at and id of the last row, whether more follow)."""
    async with exchange.pool.connection() as conn:
        row = await (await conn.execute(sql, params, prepare=True)).fetchone()
    body, total, at, last, more = row or (b"", 0, None, None, False)
    headers = {"x-total-count": str(total)}
    if more:
        headers["link"] = next_link(request, _cursor(request, at, last))
    return document(request, bytes(body), None, headers)


def next_link(request: Req, cursor: str) -> str:
    """The value of `Link`: this request again, from the cursor on."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f'<{request.scope["path"]}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
