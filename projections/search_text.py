"""How well a text answers in words: how common each word of the query is, and the SQL that gives a component its share of the query."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from psycopg import AsyncConnection

from projections import vocabulary
from projections.search_query import Term

# A word tells when no more documents than this have it; more are not counted.
TELLING_SHARE, TELLING_MIN, TELLING_MAX = 0.05, 200, 1_000
EXACT_DOCUMENTS_MIN = 20_000  # below, PostgreSQL's estimate of their number is too coarse
IN_BODY, BEGINS = 0.8, 0.6  # what a word in the body, not the title, counts; and one that merely begins so
INHERITED, CARDS_MAX = 0.4, 20  # what a word of the card's title counts for its steps; cards that hand theirs down

CARD = "coalesce(d.card_id, s.card_id)"  # of a card, a step, an observation, and of a report on one
COMPONENT = "coalesce(CASE d.kind WHEN 'observation' THEN d.step_id END, d.document_id)"
_TOTAL = f"""SELECT CASE WHEN reltuples > {EXACT_DOCUMENTS_MIN} THEN reltuples::bigint ELSE (SELECT count(*) FROM search_documents) END
  FROM pg_class WHERE oid = 'search_documents'::regclass"""
# What ANALYZE found in more than twice as many documents is not counted: an index gives all of them before the first.
_COMMON = f"""SELECT coalesce(array_to_tsvector(array_agg(e.word) FILTER (WHERE e.word IS NOT NULL)), '') AS words
  FROM size, pg_stats s, unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) e(word, share)
  WHERE (s.schemaname, s.tablename, s.attname) = (current_schema(), 'search_documents', 'words')
    AND size.documents > {EXACT_DOCUMENTS_MIN} AND e.share * size.documents > 2 * size.most"""
# Without OFFSET, PostgreSQL would count anew wherever a count is named.
_COUNT = """CASE WHEN (SELECT words FROM common) @@ {0} THEN size.most + 1 ELSE
  (SELECT count(*) FROM (SELECT FROM search_documents d WHERE d.words @@ {0} LIMIT (SELECT most + 1 FROM size)) c) END"""
_COUNTS = f"""WITH size AS MATERIALIZED (
    SELECT documents, least(greatest(documents * {TELLING_SHARE}, {TELLING_MIN}), {TELLING_MAX})::bigint AS most
    FROM ({_TOTAL}) of(documents)), common AS MATERIALIZED ({_COMMON})
  SELECT size.documents, size.most, (SELECT coalesce(json_agg(json_build_array(numnode(q.forms[1]) > 0, h.whole, b.begun, q.forms,
      l.forms, CASE WHEN m.words IS NULL THEN 0 ELSE {_COUNT.format("l.forms[1]")} END) ORDER BY a.n), '[]')
    FROM unnest(%(wholes)s::text[], %(titled)s::text[], %(begun)s::text[], %(begun_titled)s::text[], %(exacts)s::boolean[],
      %(words)s::text[]) WITH ORDINALITY a(whole, titled, begun, begun_titled, exact, word, n),
    LATERAL (SELECT CASE WHEN a.exact THEN ARRAY[a.whole::tsquery, a.titled::tsquery, a.begun::tsquery, a.begun_titled::tsquery]
      ELSE ARRAY[{", ".join(f"to_tsquery('pg_catalog.english', a.{form})" for form in ("whole", "titled", "begun", "begun_titled"))}] END
      AS forms OFFSET 0) q,
    LATERAL (SELECT {_COUNT.format("q.forms[1]")} AS whole OFFSET 0) h,
    LATERAL (SELECT CASE WHEN a.begun = '' OR h.whole > size.most OR a.exact AND h.whole > 0 THEN 0 ELSE {_COUNT.format("q.forms[3]")} END
      AS begun OFFSET 0) b,
    LATERAL (SELECT CASE WHEN h.whole + b.begun = 0 AND a.word ~ '^[[:alpha:]]{{{vocabulary.CHARACTERS_MIN},{vocabulary.CHARACTERS_MAX}}}$'
      THEN {vocabulary.meant("a.word")} END AS words OFFSET 0) m,
    LATERAL (SELECT CASE WHEN m.words IS NOT NULL THEN ARRAY[to_tsquery('pg_catalog.english', array_to_string(m.words, ' | ')),
      to_tsquery('pg_catalog.english', array_to_string(m.words, ':A | ') || ':A')] END AS forms OFFSET 0) l)::text FROM size"""


class Forms(NamedTuple):
    """A term as PostgreSQL's queries: the whole words, in the title, and words that begin so; the same where none may only begin so."""

    whole: str
    titled: str
    begun: str
    begun_titled: str


class _Count(msgspec.Struct, array_like=True):
    """Documents with the term, with words that begin so, and with what was likely meant where there is neither; none beyond what tells."""

    usable: bool
    whole: int
    begun: int
    forms: Forms
    meant: tuple[str, str] | None
    likely: int


class Weighed(NamedTuple):
    """A term, how many documents have it, and its weight: its idf's share of the query's."""

    forms: Forms
    documents: int
    weight: float


class Words(NamedTuple):
    """The terms of a query that can be found, and those of which one must be there; none: all must."""

    terms: tuple[Weighed, ...]
    telling: tuple[Weighed, ...]


async def weighed(conn: AsyncConnection[Any], *lists: Sequence[Term]) -> list[Words]:
    """For each list. A word that stands nowhere becomes those that are one slip away; one that search cannot use is left out."""
    terms = [term for each in lists for term in each]
    params = {
        "wholes": [term.tsquery() for term in terms],
        "titled": [term.tsquery("A") for term in terms],
        "begun": [term.tsquery("*") if term.open else "" for term in terms],
        "begun_titled": [term.tsquery("*A") if term.open else "" for term in terms],
        "exacts": [term.exact for term in terms],
        "words": ["" if term.exact else term.word for term in terms],
    }
    total, most, answer = await (await conn.execute(_COUNTS, params, prepare=True)).fetchone() or (0, 0, "[]")
    counts = iter(msgspec.json.decode(answer, type=list[_Count]))
    return [_words([_counted(term, count, most) for term in each if (count := next(counts)).usable], total, most) for each in lists]


def _words(found: list[tuple[Forms, int]], total: int, most: int) -> Words:
    idfs = [math.log1p(total / max(documents, 1)) for _, documents in found]
    whole = sum(idfs) or 1.0
    terms = tuple(Weighed(forms, documents, idf / whole) for (forms, documents), idf in zip(found, idfs, strict=True))
    return Words(terms, tuple(w for w in terms if w.documents <= most))


def _counted(term: Term, count: _Count, most: int) -> tuple[Forms, int]:
    if count.meant:
        return Forms(*count.meant, *count.meant), count.likely
    whole, titled, *_ = count.forms
    if not term.open or (count.whole if term.exact else max(count.whole, count.begun)) > most:  # its beginning would find too much
        return Forms(whole, titled, whole, titled), count.whole
    return count.forms, max(count.whole, count.begun)


def components(words: Words, where: str, params: dict[str, Any]) -> str:
    """The components that the words find with the share of the query that each has, from 0 to 1, as `worded`, over SQL's `where`.

    `hit` are documents with a value for each term; a component takes the best of its documents for each.
    """
    terms = _terms(words, "h", params)
    there = terms.summed(f"least(max({{}}) / {BEGINS}, 1)")
    down = "".join(f", {INHERITED} * {name}" for name in terms.names)
    return f"""hit AS MATERIALIZED (SELECT d.document_id, d.run_id, d.kind, {COMPONENT} AS component_id{terms.values}
        FROM search_documents d {where} AND d.words @@ {terms.found}),
      handed AS (SELECT d.document_id, d.run_id, d.kind, d.document_id{down}
        FROM (SELECT document_id AS parent_id{"".join(f", {name}" for name in terms.names)} FROM hit
          WHERE kind = 'card' ORDER BY {terms.summed("{}")} DESC, document_id LIMIT {CARDS_MAX}) p JOIN steps x ON x.card_id = p.parent_id
        JOIN search_documents d ON d.document_id = x.step_id {where}),
      worded AS MATERIALIZED (SELECT component_id, run_id, {terms.summed("max({})")} AS share, {there} AS there,
        (array_agg(document_id ORDER BY {terms.summed("{}")} DESC, document_id))[1] AS document_id
        FROM (SELECT * FROM hit UNION ALL SELECT * FROM handed) h GROUP BY component_id, run_id)"""


def akin(words: Words, where: str, params: dict[str, Any]) -> str:
    """The same for words with their synonyms, as `akin`, without what cards hand down."""
    terms = _terms(words, "s", params)
    return f"""alike AS (SELECT d.document_id, d.run_id, d.kind, {CARD} AS card_id, {COMPONENT} AS component_id{terms.values}
        FROM search_documents d {where} AND d.words @@ {terms.found}),
      akin AS MATERIALIZED (SELECT component_id, run_id, min(kind) AS kind, (array_agg(card_id))[1] AS card_id,
        {terms.summed("max({})")} AS share, (array_agg(document_id ORDER BY {terms.summed("{}")} DESC, document_id))[1] AS document_id
        FROM alike GROUP BY component_id, run_id)"""


class _Terms(NamedTuple):
    """SQL for a document's value for each term, for their names, and for the documents that have what is needed."""

    values: str
    names: list[str]
    found: str

    def summed(self, of: str) -> str:
        """Weighted: the share of the query."""
        return "(" + (" + ".join(f"{of.format(name)} * %({name})s::float8" for name in self.names) or "0") + ")::float8"


def _terms(words: Words, mark: str, params: dict[str, Any]) -> _Terms:
    """`mark` begins every name. A term's parameter of its own name is its weight, those of its forms have a number more."""
    names = [f"{mark}{n}" for n in range(len(words.terms))]
    for name, term in zip(names, words.terms, strict=True):
        params[name] = term.weight
        params |= {f"{name}_{n}": form for n, form in enumerate(term.forms)}
    params[f"{mark}_found"] = (" | " if words.telling else " & ").join(f"({w.forms.begun})" for w in words.telling or words.terms)
    return _Terms("".join(f", {_value(name)} AS {name}" for name in names), names, f"%({mark}_found)s::tsquery")


def _value(name: str) -> str:
    """From 0, where the document has nothing of the term, to 1, where its title has it."""
    whole, titled, begun, begun_titled = (f"d.words @@ %({name}_{n})s::tsquery" for n in range(4))
    return f"""CASE WHEN NOT {begun} THEN 0 WHEN {titled} THEN 1 WHEN {whole} THEN {IN_BODY}
      WHEN {begun_titled} THEN {BEGINS} ELSE {BEGINS * IN_BODY} END"""
