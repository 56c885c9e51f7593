"""Statements with named placeholders, taken apart once a text: psycopg does it each time for texts beyond 4,096 bytes."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from psycopg import AsyncConnection, AsyncCursor, AsyncRawCursor

TEXTS_MAX = 1_024  # far more than commands and queries know to make
_PLACEHOLDER = re.compile(r"%(?:(?P<percent>%)|\((?P<name>\w+)\)s|)")


async def execute(conn: AsyncConnection[Any], sql: str, params: Mapping[str, Any], *, binary: bool = False) -> AsyncCursor[Any]:
    """As `conn.execute(sql, params, prepare=True, binary=binary)`, for texts of `%(name)s` that come again and again."""
    text, names = positional(sql)
    return await AsyncRawCursor(conn).execute(text, [params[name] for name in names], prepare=True, binary=binary)


@lru_cache(TEXTS_MAX)
def positional(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """The text with $1, $2 … and the names that they stand for; `%%` becomes a per cent sign, any other is a ValueError."""
    places: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        if found["percent"]:
            return "%"
        if found["name"] is None:
            raise ValueError(f"a per cent sign that is no placeholder: {sql[found.start() : found.start() + 20]!r}")
        return f"${places.setdefault(found['name'], len(places) + 1)}"

    return _PLACEHOLDER.sub(place, sql).encode(), tuple(places)
