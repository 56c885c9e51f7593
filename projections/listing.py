"""A page of a list that an operator reads, newest first: ids sort by time, so an id alone is the place to go on from."""

from typing import Any
from uuid import UUID


def paged(item: str, source: str, key: str, where: str = "true") -> str:
    """A query of (JSON bytes, matches in all, a moment that says nothing, id of the last row, whether more follow)."""
    return f"""WITH page AS MATERIALIZED (
        SELECT {item} AS item, {key} AS id, row_number() OVER (ORDER BY {key} DESC) AS place FROM {source}
        WHERE {where} AND (%(after)s::uuid IS NULL OR {key} < %(after)s) ORDER BY {key} DESC LIMIT %(limit)s + 1)
      SELECT convert_to(json_build_object('items', coalesce((SELECT json_agg(p.item ORDER BY p.place) FROM page p
            WHERE p.place <= %(limit)s), '[]'), 'count', (SELECT count(*) FROM page WHERE place <= %(limit)s))::text, 'UTF8'),
        (SELECT count(*) FROM {source} WHERE {where}), 'epoch'::timestamptz, last.id, (SELECT count(*) FROM page) > %(limit)s
      FROM (SELECT 1) one LEFT JOIN page last ON last.place = %(limit)s"""


def params(limit: int, after: tuple[Any, UUID] | None) -> dict[str, Any]:
    return {"limit": limit, "after": None if after is None else after[1]}
