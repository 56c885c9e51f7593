"""Which search documents wait for a vector, whose turn they are, and the vectors that were made of them.

Every statement here is short and ends its transaction, for the sequence waits for the oldest that is open.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from infra.database import Connection
from projections.search_documents import MEANING

CHANNEL = "runledger_embedding"
CLAIM_S = 60  # then whoever claimed them is taken for dead
TEXTS_MAX = 32
CHARACTERS_MAX = 8_000  # of a claim, unless one text has more: about a second's work
PAGE_DOCUMENTS = 1_000
FIRST = UUID(int=0)


class Waiting(NamedTuple):
    """A document that is to be embedded; `text` is None where it has its vector already, or is no more."""

    document_id: UUID
    run_id: UUID | None
    text_hash: bytes | None
    text: str | None


class Embedded(msgspec.Struct, frozen=True):
    """`embedded` of `documents` have a vector of `model`, be it of an earlier text; None: no model was at work yet."""

    model: str | None
    documents: int
    embedded: int
    waiting: int


_HASH = f"sha256(convert_to({MEANING}, 'UTF8'))"
_AGAIN = """ON CONFLICT (document_id) DO UPDATE SET claim = NULL, claimed_until = '-infinity', noted_at = EXCLUDED.noted_at"""

# A document whose turn has come is noted again even if its vector is right: the text may have changed to and fro.
_NOTE = f"""INSERT INTO documents_to_embed (document_id)
  SELECT d.document_id FROM search_documents d LEFT JOIN documents_to_embed w USING (document_id)
    LEFT JOIN document_vectors v ON v.document_id = d.document_id AND v.model = (SELECT model FROM embedded_model)
  WHERE (d.document_id = ANY(%(ids)s) OR d.kind = 'observation' AND d.step_id = ANY(%(ids)s))
    AND (w.document_id IS NOT NULL OR v.text_hash IS DISTINCT FROM {_HASH})
  ORDER BY d.document_id {_AGAIN}"""

_NOTE_PAGE = f"""WITH page AS MATERIALIZED (SELECT document_id, {_HASH} AS text_hash FROM search_documents d
    WHERE document_id > %(after)s ORDER BY document_id LIMIT {PAGE_DOCUMENTS}),
  noted AS (INSERT INTO documents_to_embed (document_id)
    SELECT p.document_id FROM page p LEFT JOIN document_vectors v ON v.document_id = p.document_id AND v.model = %(model)s
    WHERE v.text_hash IS DISTINCT FROM p.text_hash ORDER BY p.document_id ON CONFLICT (document_id) DO NOTHING)
  SELECT document_id FROM page ORDER BY document_id DESC LIMIT 1"""

_CLAIM = f"""WITH free AS MATERIALIZED (SELECT document_id, noted_at FROM documents_to_embed
    WHERE claimed_until < clock_timestamp() AND EXISTS (SELECT FROM embedded_model WHERE model = %(model)s)
    ORDER BY noted_at DESC LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
  read AS MATERIALIZED (SELECT f.document_id, d.run_id, {_HASH} AS text_hash,
      CASE WHEN v.text_hash IS DISTINCT FROM {_HASH} THEN {MEANING} END AS text,
      sum(length(d.title) + length(d.body)) OVER (ORDER BY f.noted_at DESC, f.document_id) AS upto, length(d.title) + length(d.body) AS own
    FROM free f LEFT JOIN search_documents d USING (document_id)
    LEFT JOIN document_vectors v ON v.document_id = f.document_id AND v.model = %(model)s)
  UPDATE documents_to_embed w SET claim = %(claim)s, claimed_until = clock_timestamp() + make_interval(secs => {CLAIM_S})
  FROM read r WHERE w.document_id = r.document_id AND coalesce(r.upto - r.own, 0) < {CHARACTERS_MAX}
  RETURNING r.document_id, r.run_id, r.text_hash, r.text"""

_KEEP = """WITH given AS MATERIALIZED (SELECT * FROM unnest(%(ids)s::uuid[], %(runs)s::uuid[], %(hashes)s::bytea[], %(vectors)s::text[])
    AS g(document_id, run_id, text_hash, embedding)),
  mine AS MATERIALIZED (SELECT w.document_id FROM documents_to_embed w JOIN given USING (document_id)
    WHERE w.claim = %(claim)s ORDER BY w.document_id FOR UPDATE OF w),
  done AS (DELETE FROM documents_to_embed w USING mine m WHERE w.document_id = m.document_id)
  INSERT INTO document_vectors (document_id, run_id, model, text_hash, embedding)
  SELECT g.document_id, g.run_id, %(model)s, g.text_hash, g.embedding::halfvec FROM given g JOIN mine USING (document_id)
  WHERE g.embedding IS NOT NULL ON CONFLICT (document_id, model)
  DO UPDATE SET text_hash = EXCLUDED.text_hash, embedding = EXCLUDED.embedding, embedded_at = EXCLUDED.embedded_at"""

# By the primary key, so that each page goes on where the last one ended.
_FORGET_PAGE = f"""WITH page AS MATERIALIZED (SELECT document_id, model FROM document_vectors
    WHERE document_id > %(after)s ORDER BY document_id LIMIT {PAGE_DOCUMENTS}),
  gone AS (DELETE FROM document_vectors v USING page p WHERE v.document_id = p.document_id AND v.model = p.model AND v.model <> %(model)s
    AND EXISTS (SELECT FROM embedded_model WHERE model = %(model)s))
  SELECT document_id FROM page ORDER BY document_id DESC LIMIT 1"""

_WANTED = """SELECT EXISTS (SELECT FROM documents_to_embed WHERE claimed_until < clock_timestamp())
  OR EXISTS (SELECT FROM view_set v, embedded_model m WHERE v.built_at <> m.views_built_at)"""

_STANDING = """SELECT m.model, (SELECT count(*) FROM search_documents), (SELECT count(*) FROM document_vectors v WHERE v.model = m.model),
  (SELECT count(*) FROM documents_to_embed) FROM (SELECT (SELECT model FROM embedded_model) AS model) m"""


async def note(conn: Connection, document_ids: Collection[UUID]) -> None:
    """Notes those of the documents, and of the observations of steps among them, whose text is not the one that was embedded.

    Whoever listens is told when the transaction commits.
    """
    if (await conn.execute(_NOTE, {"ids": list(document_ids)})).rowcount:
        await conn.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


async def take_over(conn: Connection, model: str) -> None:
    """From now on vectors are made with this model, and whoever uses another one claims nothing and keeps nothing."""
    await conn.execute(
        "WITH taken AS (INSERT INTO embedded_model (model, views_built_at) VALUES (%s, '-infinity') ON CONFLICT (one) DO UPDATE"
        " SET model = EXCLUDED.model, views_built_at = EXCLUDED.views_built_at WHERE embedded_model.model <> EXCLUDED.model RETURNING 1)"
        " UPDATE documents_to_embed SET claim = NULL, claimed_until = '-infinity' WHERE EXISTS (SELECT FROM taken)",
        (model,),
    )


async def unseen(conn: Connection, model: str) -> datetime | None:
    """When the views were built, if their documents were not looked through since; None: they were, or another model has taken over."""
    sql = "SELECT v.built_at FROM view_set v, embedded_model m WHERE v.built_at <> m.views_built_at AND m.model = %s"
    row = await (await conn.execute(sql, (model,))).fetchone()
    return row[0] if row else None


async def note_page(conn: Connection, model: str, after: UUID) -> UUID | None:
    """Notes documents beyond `after` that lack a vector of the model; the last one looked at, None at the end."""
    row = await (await conn.execute(_NOTE_PAGE, {"model": model, "after": after})).fetchone()
    return row[0] if row else None


async def note_seen(conn: Connection, model: str, built_at: datetime) -> None:
    await conn.execute("UPDATE embedded_model SET views_built_at = %s WHERE model = %s", (built_at, model))


async def is_wanted(conn: Connection) -> bool:
    """Whether there is work that nobody is at."""
    row = await (await conn.execute(_WANTED)).fetchone()
    return bool(row and row[0])


async def claim(conn: Connection, model: str, claim_id: UUID, limit: int) -> list[Waiting]:
    """Newest first, so that what is written now is soon found even while all is embedded anew."""
    cursor = await conn.execute(_CLAIM, {"model": model, "claim": claim_id, "limit": limit})
    return [Waiting(*row) for row in await cursor.fetchall()]


async def release(conn: Connection, claim_id: UUID) -> None:
    await conn.execute("UPDATE documents_to_embed SET claim = NULL, claimed_until = '-infinity' WHERE claim = %s", (claim_id,))


async def keep(conn: Connection, model: str, claim_id: UUID, made: Sequence[tuple[Waiting, Sequence[float] | None]]) -> None:
    """The wait of these documents is over, and those with a vector have it; but for what was noted again, or claimed by another."""
    params = {
        "model": model,
        "claim": claim_id,
        "ids": [each.document_id for each, _ in made],
        "runs": [each.run_id for each, _ in made],
        "hashes": [each.text_hash for each, _ in made],
        "vectors": [None if vector is None else _written(vector) for _, vector in made],
    }
    await conn.execute(_KEEP, params)


async def forget_page(conn: Connection, model: str, after: UUID) -> UUID | None:
    """Removes vectors of other models beyond `after`; the last document looked at, None at the end."""
    row = await (await conn.execute(_FORGET_PAGE, {"model": model, "after": after})).fetchone()
    return row[0] if row else None


async def waiting(conn: Connection) -> int:
    row = await (await conn.execute("SELECT count(*) FROM documents_to_embed")).fetchone()
    return row[0] if row else 0


async def standing(conn: Connection) -> Embedded:
    return Embedded(*(await (await conn.execute(_STANDING)).fetchone() or (None, 0, 0, 0)))


def _written(vector: Sequence[float]) -> str:
    """As PostgreSQL reads it, with the digits that half precision keeps."""
    return f"[{','.join(f'{value:.5g}' for value in vector)}]"
