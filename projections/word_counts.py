"""How common the words of a query are: in how many search documents each is, as far as that tells."""

import time
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec
from psycopg import AsyncConnection

from projections import vocabulary
from projections.search_query import Term

# A word tells when no more documents than this have it; more are not counted.
TELLING_SHARE, TELLING_MIN, TELLING_MAX = 0.05, 200, 300
EXACT_DOCUMENTS_MIN = 20_000  # below, PostgreSQL's estimate of their number is too coarse
REMEMBERED_S, REMEMBERED_MAX = 60, 10_000  # for how long a count is good enough, and of how many terms

_TOTAL = f"""SELECT CASE WHEN reltuples > {EXACT_DOCUMENTS_MIN} THEN reltuples::bigint ELSE (SELECT count(*) FROM search_documents) END
  FROM pg_class WHERE oid = 'search_documents'::regclass"""
# What ANALYZE found in more than twice as many documents is not counted: an index gives all of them before the first.
_COMMON = f"""SELECT array_to_tsvector(array_agg(e.word) FILTER (WHERE e.word IS NOT NULL))
  FROM size, pg_stats s, unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) e(word, share)
  WHERE (s.schemaname, s.tablename, s.attname) = (current_schema(), 'search_documents', 'words')
    AND size.documents > {EXACT_DOCUMENTS_MIN} AND e.share * size.documents > 2 * size.most"""
# Without OFFSET, PostgreSQL would count anew wherever a count is named.
_COUNT = """CASE WHEN (SELECT words FROM common) @@ {0} THEN size.most + 1 ELSE
  (SELECT count(*) FROM (SELECT FROM search_documents d WHERE d.words @@ {0} LIMIT (SELECT most + 1 FROM size)) c) END"""
_COUNTS = f"""WITH size AS MATERIALIZED (
    SELECT documents, least(greatest(documents * {TELLING_SHARE}, {TELLING_MIN}), {TELLING_MAX})::bigint AS most
    FROM (SELECT coalesce(%(documents)s::bigint, ({_TOTAL}))) of(documents)),
  common AS MATERIALIZED (SELECT coalesce(%(common)s::tsvector, ({_COMMON}), '') AS words)
  SELECT size.documents, size.most, CASE WHEN %(common)s::tsvector IS NULL THEN common.words::text END,
    (SELECT coalesce(json_agg(json_build_array(numnode(q.whole) > 0, q.whole, h.whole, q.begun, b.begun,
      l.likely, CASE WHEN m.words IS NULL THEN 0 ELSE {_COUNT.format("l.likely")} END) ORDER BY a.n), '[]')
    FROM unnest(%(wholes)s::text[], %(begun)s::text[], %(exacts)s::boolean[], %(words)s::text[])
      WITH ORDINALITY a(whole, begun, exact, word, n),
    LATERAL (SELECT CASE WHEN a.exact THEN a.whole::tsquery ELSE to_tsquery('pg_catalog.english', a.whole) END AS whole,
      CASE WHEN a.exact THEN a.begun::tsquery ELSE to_tsquery('pg_catalog.english', a.begun) END AS begun OFFSET 0) q,
    LATERAL (SELECT {_COUNT.format("q.whole")} AS whole OFFSET 0) h,
    LATERAL (SELECT CASE WHEN a.begun = '' OR h.whole > size.most THEN 0 ELSE {_COUNT.format("q.begun")} END
      AS begun OFFSET 0) b,
    LATERAL (SELECT CASE WHEN h.whole + b.begun = 0 AND a.word ~ '^[[:alpha:]]{{{vocabulary.CHARACTERS_MIN},{vocabulary.CHARACTERS_MAX}}}$'
      THEN {vocabulary.meant("a.word")} END AS words OFFSET 0) m,
    LATERAL (SELECT to_tsquery('pg_catalog.english', array_to_string(m.words, ' | ')) AS likely OFFSET 0) l)::text FROM size, common"""


class Count(msgspec.Struct, array_like=True):
    """Documents with the term, with words that begin so, and with what was likely meant where there is neither; none beyond what tells."""

    usable: bool
    whole: str
    wholes: int
    begun: str
    begins: int
    likely: str | None
    meant: int


class _Size(NamedTuple):
    """Of the ledger: its documents, no more than how many have a word that tells, and the words that too many have, as a tsvector."""

    documents: int
    most: int
    common: str


class Counts:
    """How many documents have a word, remembered for a while where counting takes long: of a large ledger, and of words that stand there.

    So rarity may be that old; which word was likely meant, and what is found, never is.
    """

    def __init__(self) -> None:
        self._size: _Size | None = None  # of a large ledger only
        self._known: dict[Term, Count] = {}
        self._until = 0.0

    async def of(self, conn: AsyncConnection[Any], terms: Collection[Term]) -> tuple[int, int, dict[Term, Count]]:
        """How many documents there are, no more than how many have a word that tells, and the count of each term."""
        if time.monotonic() > self._until or len(self._known) > REMEMBERED_MAX:
            self._known.clear()
            self._size = None
            self._until = time.monotonic() + REMEMBERED_S
        size, found = self._size, {term: self._known[term] for term in terms if term in self._known}
        if missing := [term for term in terms if term not in found]:
            size, counts = await _counted(conn, size, missing)
            counted = dict(zip(missing, counts, strict=True))
            found |= counted
            if size.documents > EXACT_DOCUMENTS_MIN:
                self._size = size
                self._known |= {term: count for term, count in counted.items() if count.wholes + count.begins > 0}
        return size.documents if size else 0, size.most if size else 0, found


async def _counted(conn: AsyncConnection[Any], size: _Size | None, terms: Sequence[Term]) -> tuple[_Size, list[Count]]:
    """`size` None: it is looked up, which takes longer than to count."""
    params = {
        "wholes": [term.tsquery() for term in terms],
        "begun": [term.tsquery("*") if term.open else "" for term in terms],
        "exacts": [term.exact for term in terms],
        "words": ["" if term.exact else term.word for term in terms],
        "documents": size and size.documents,
        "common": size and size.common,
    }
    documents, most, common, answer = await (await conn.execute(_COUNTS, params, prepare=True)).fetchone() or (0, 0, "", "[]")
    return size or _Size(documents, most, common), msgspec.json.decode(answer, type=list[Count])
