"""The words that were ever written, for mistyped ones: kept by a follower, never removed."""

from collections.abc import Collection
from uuid import UUID

from infra.database import Connection

CHARACTERS_MIN, CHARACTERS_MAX = 4, 30
LIKE_MAX = 8

_NOTE = f"""INSERT INTO vocabulary (word) SELECT DISTINCT m[1] FROM search_documents d,
    LATERAL regexp_matches(lower(d.title || ' ' || d.body || ' ' || joined(d.title) || ' ' || joined(d.body)),
      '(?<![[:alnum:]])([a-z]{{{CHARACTERS_MIN},{CHARACTERS_MAX}}})(?![[:alnum:]])', 'g') m
  WHERE d.document_id = ANY(%s) ORDER BY 1 ON CONFLICT DO NOTHING"""


async def note(conn: Connection, document_ids: Collection[UUID]) -> None:
    """Adds the words of these documents that were never seen."""
    await conn.execute(_NOTE, (list(document_ids),))


def meant(typed: str) -> str:
    """SQL for the words one slip away from the one that the expression `typed` gives."""
    return f"""(SELECT array_agg(v.word) FROM (SELECT word FROM vocabulary WHERE slips && slips(lower({typed}))
      ORDER BY abs(length(word) - length({typed})), word LIMIT {LIKE_MAX}) v)"""
