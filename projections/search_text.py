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
# Without OFFSET, PostgreSQL would count anew wherever a count is named.
_COUNT = "(SELECT count(*) FROM (SELECT FROM search_documents d WHERE d.words @@ {} LIMIT (SELECT most + 1 FROM size)) c)"
_COUNTS = f"""WITH size AS MATERIALIZED (
    SELECT documents, least(greatest(documents * {TELLING_SHARE}, {TELLING_MIN}), {TELLING_MAX})::bigint AS most
    FROM ({_TOTAL}) of(documents))
  SELECT size.documents, size.most, (SELECT coalesce(json_agg(json_build_array(numnode(q.whole) > 0, h.whole, b.begun,
      coalesce(m.words, '{{}}'),
      CASE WHEN m.words IS NULL THEN 0 ELSE {_COUNT.format("to_tsquery('pg_catalog.english', array_to_string(m.words, ' | '))")} END)
      ORDER BY a.n), '[]')
    FROM unnest(%(wholes)s::text[], %(begun)s::text[], %(exacts)s::boolean[], %(words)s::text[])
      WITH ORDINALITY a(whole, begun, exact, word, n),
    LATERAL (SELECT CASE WHEN a.exact THEN a.whole::tsquery ELSE to_tsquery('pg_catalog.english', a.whole) END AS whole,
      CASE WHEN a.exact THEN a.begun::tsquery ELSE to_tsquery('pg_catalog.english', a.begun) END AS begun OFFSET 0) q,
    LATERAL (SELECT {_COUNT.format("q.whole")} AS whole OFFSET 0) h,
    LATERAL (SELECT CASE WHEN a.begun = '' OR h.whole > size.most OR a.exact AND h.whole > 0 THEN 0 ELSE {_COUNT.format("q.begun")} END
      AS begun OFFSET 0) b,
    LATERAL (SELECT CASE WHEN h.whole + b.begun = 0 AND a.word ~ '^[[:alpha:]]{{{vocabulary.CHARACTERS_MIN},{vocabulary.CHARACTERS_MAX}}}$'
      THEN {vocabulary.meant("a.word")} END AS words OFFSET 0) m)::text FROM size"""


class _Count(msgspec.Struct, array_like=True):
    """Documents with the term, with words that begin so, and with what was likely meant where there is neither; none beyond what tells."""

    usable: bool
    whole: int
    begun: int
    meant: list[str]
    likely: int


class Weighed(NamedTuple):
    """A term, how many documents have it, and its weight: its idf's share of the query's."""

    term: Term
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
        "begun": [term.tsquery("*") if term.open else "" for term in terms],
        "exacts": [term.exact for term in terms],
        "words": ["" if term.exact else term.word for term in terms],
    }
    total, most, answer = await (await conn.execute(_COUNTS, params, prepare=True)).fetchone() or (0, 0, "[]")
    counts = iter(msgspec.json.decode(answer, type=list[_Count]))
    return [_words([_counted(term, count, most) for term in each if (count := next(counts)).usable], total, most) for each in lists]


def _words(found: list[tuple[Term, int]], total: int, most: int) -> Words:
    idfs = [math.log1p(total / max(documents, 1)) for _, documents in found]
    whole = sum(idfs) or 1.0
    terms = tuple(Weighed(term, documents, idf / whole) for (term, documents), idf in zip(found, idfs, strict=True))
    return Words(terms, tuple(w for w in terms if w.documents <= most))


def _counted(term: Term, count: _Count, most: int) -> tuple[Term, int]:
    if count.meant:
        return term._replace(spellings=tuple((word,) for word in count.meant), open=False), count.likely
    if term.open and (count.whole if term.exact else max(count.whole, count.begun) > most):  # its beginning would find too much
        return term._replace(open=False), count.whole
    return term, max(count.whole, count.begun)


def query(name: str, term: Term, params: dict[str, Any], labels: str = "") -> str:
    params[name] = term.tsquery(labels)
    return f"%({name})s::tsquery" if term.exact else f"to_tsquery('pg_catalog.english', %({name})s)"


def components(words: Words, where: str, params: dict[str, Any]) -> str:
    """The components that the words find with the share of the query that each has, from 0 to 1, as `worded`, over SQL's `where`.

    `hit` are documents with a value for each term; a component takes the best of its documents for each.
    """
    terms = _terms(words, "h", params)
    there = terms.summed(f"least(max({{}}) / {BEGINS}, 1)")
    down = "".join(f", {INHERITED} * {name}" for name in terms.names)
    return f"""hit AS MATERIALIZED (SELECT d.document_id, d.run_id, d.kind, {COMPONENT} AS component_id{terms.values}
        FROM search_documents d {where} AND d.words @@ ({terms.found})),
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
        FROM search_documents d {where} AND d.words @@ ({terms.found})),
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
    """`mark` begins every name. A term's parameter of its own name is its weight."""
    names = [f"{mark}{n}" for n in range(len(words.terms))]
    params |= {name: w.weight for name, w in zip(names, words.terms, strict=True)}
    values = "".join(f", {_value(name, w.term, params)} AS {name}" for name, w in zip(names, words.terms, strict=True))
    needed = [query(f"{mark}f{n}", w.term, params, "*" if w.term.open else "") for n, w in enumerate(words.telling or words.terms)]
    return _Terms(values, names, (" || " if words.telling else " && ").join(needed) or "''::tsquery")


def _value(name: str, term: Term, params: dict[str, Any]) -> str:
    """From 0, where the document has nothing of the term, to 1, where its title has it."""

    def has(form: str, labels: str = "") -> str:
        return f"d.words @@ {query(f'{name}{form}', term, params, labels)}"

    whole = f"WHEN {has('a', 'A')} THEN 1 WHEN {has('b')} THEN {IN_BODY}"
    if not term.open:
        return f"CASE {whole} ELSE 0 END"
    begins = f"WHEN {has('d', '*A')} THEN {BEGINS} ELSE {BEGINS * IN_BODY}"
    return f"CASE WHEN NOT {has('c', '*')} THEN 0 {whole} {begins} END"
