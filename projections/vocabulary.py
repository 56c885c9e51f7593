"""The words that were ever written, for mistyped ones: kept by a follower, never removed."""

from collections.abc import Collection
from uuid import UUID

from infra.database import Connection
from projections.quantities import joined

CHARACTERS_MIN, CHARACTERS_MAX = 4, 30
LIKE_MAX = 8

# To look for words costs five times what it costs to part them, and to insert one that is there already more than to look it up.
_NOTE = f"""INSERT INTO vocabulary (word) SELECT word FROM (SELECT DISTINCT word FROM search_documents d,
    LATERAL (SELECT d.title || ' ' || d.body AS text) t,
    LATERAL regexp_split_to_table(lower(text) || ' ' || {joined("text")}, '[^[:alnum:]]+') word
    WHERE d.document_id = ANY(%s) AND word ~ '^[a-z]{{{CHARACTERS_MIN},{CHARACTERS_MAX}}}$') w
  WHERE NOT EXISTS (SELECT FROM vocabulary v WHERE v.word = w.word) ORDER BY word ON CONFLICT DO NOTHING"""


async def note(conn: Connection, document_ids: Collection[UUID]) -> None:
    """Adds the words of these documents that were never seen."""
    await conn.execute(_NOTE, (list(document_ids),))


def meant(typed: str) -> str:
    """SQL for the words one slip away from the one that the expression `typed` gives."""
    return f"""(SELECT array_agg(v.word) FROM (SELECT word FROM vocabulary WHERE slips && slips(lower({typed}))
      ORDER BY abs(length(word) - length({typed})), word LIMIT {LIKE_MAX}) v)"""
