"""Search: full text and meaning, weighed by how much of the query the text finds, and grouped by run.

Two statements: how common each word is, then one that finds, ranks, counts and reads.

* Words find a component that has a telling word, one that at most 5 % and 300 of the documents have, or all words where none
  tells. A step has its observations' words too, and in part those of its card's title. Words count by their rarity,
  ln(1 + N / documents that have it), Robertson and Spärck Jones's idf; in the title more, as the beginning of a longer word less. A
  word that stands nowhere is taken for those that are one slip away.
* Meaning finds the NEAR documents with the nearest vectors, and those with other names for what the query asks for (synonyms,
  weighed as words are). What it finds counts more where meaning finds what stands around it too, as Arvola, Kekäläinen and
  Junkkari's contextualization (2011) does: a card by its steps, a step by its card and the reports of its run, a report by its run.
* Where both take part, text decides the more, the more of the query's rarity its best answer holds: a query whose words are all
  there is lexical, one that shares none is semantic.

`total_count` is the number of runs that have a component so found, and is exact. A common word finds tens of thousands of documents:
what is ranked are the runs of which a document holds most of the query, the newest first where they hold as much.
"""

from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from infra import placeholders
from projections import search_text
from projections.run_list import SUMMARY, Runs
from projections.search_query import Term, Wanted
from projections.search_text import Counts

NEAR = 60  # documents nearest in meaning that take part
AKIN = 0.7  # how much of meaning synonyms decide, vectors the rest
CARD_BY_STEP, REPORT_BY_RUN, STEP_BY_CARD, STEP_BY_REPORT = 0.5, 0.5, 0.3, 0.3  # what meaning gains by the best of what stands around
LIKENESS_SPREAD = 0.9  # the nearest is worth 1, the last that takes part 0.1
TEXT_MOST = 0.8  # how much of the score full text decides where meaning takes part too, and all is covered
COVERED_LEAST, COVERED_MOST = 0.4, 0.6  # by how much of the query its best answer holds
MATCHES_MAX = 10
KEPT = 3  # times the runs up to the page's end are ranked; orders other than by relevance rank all
BODY_CHARACTERS_MAX = 20_000
KINDS = {"run": ("run",), "card": ("card",), "step": ("step", "observation"), "report": ("report",)}


class SearchFilter(Runs, frozen=True, kw_only=True):
    """`kinds` are of components; none: all."""

    kinds: tuple[str, ...] = ()
    sort_by: str = "relevance"
    limit: int = 20
    offset: int = 0


class Found(msgspec.Struct):
    """One document that matched; `document_id` is of the component, an observation's of its step."""

    component_type: str
    component_id: UUID
    title: str
    path: str
    body: str
    by_text: bool
    score: float


class Result(msgspec.Struct):
    """A run with its best matches; `score` from 0 to 1."""

    summary: msgspec.Raw
    score: float
    matches: list[Found]


class Meaning(msgspec.Struct, frozen=True):
    """The query's vector as PostgreSQL reads it, the model that made it and the documents' vectors to compare it with, and the query's
    words with synonyms.
    """

    model: str
    dimension: int
    vector: str
    akin: tuple[Term, ...] = ()


# A step's own row tells of its deletion, an observation's does not. Few cards are deleted, and they have an index of their own.
_VISIBLE = """LEFT JOIN steps s ON s.step_id = CASE d.kind WHEN 'observation' THEN d.step_id END
    WHERE NOT d.deleted AND s.deleted IS NOT TRUE AND NOT EXISTS (SELECT FROM cards c
      WHERE c.deleted AND c.card_id = CASE WHEN d.kind <> 'report' THEN coalesce(d.card_id, s.card_id) END)"""

_LISTED = {
    "words": "SELECT component_id, document_id, run_id, share AS score, true AS by_text FROM worded",
    "meaning": "SELECT component_id, document_id, run_id, score, false AS by_text FROM sensed",
    "both": f"""SELECT component_id, coalesce(w.document_id, n.document_id) AS document_id, coalesce(w.run_id, n.run_id) AS run_id,
      lead.text * coalesce(w.share, 0) + (1 - lead.text) * coalesce(n.score, 0) AS score, w.document_id IS NOT NULL AS by_text
    FROM worded w FULL JOIN sensed n USING (component_id) CROSS JOIN (SELECT {TEXT_MOST} * least(greatest(
      (coalesce(max(there), 0) - {COVERED_LEAST}) / {COVERED_MOST - COVERED_LEAST}, 0), 1) AS text FROM worded) lead""",
}

_SENSED = f"""sensed AS MATERIALIZED (SELECT component_id, document_id, run_id, (score + CASE kind
      WHEN 'run' THEN 0
      WHEN 'card' THEN {CARD_BY_STEP} * coalesce(max(score) FILTER (WHERE kind IN ('step', 'observation')) OVER card, 0)
      WHEN 'report' THEN {REPORT_BY_RUN} * coalesce(max(score) FILTER (WHERE kind <> 'report') OVER run, 0)
      ELSE {STEP_BY_CARD} * coalesce(max(score) FILTER (WHERE kind = 'card') OVER card, 0)
        + {STEP_BY_REPORT} * coalesce(max(score) FILTER (WHERE kind = 'report') OVER run, 0) END)
      / {1 + STEP_BY_CARD + STEP_BY_REPORT} AS score
    FROM {{sensed}} m WINDOW card AS (PARTITION BY card_id), run AS (PARTITION BY run_id))"""
_BOTH_SENSES = f"""(SELECT component_id, coalesce(n.document_id, a.document_id) AS document_id, coalesce(n.run_id, a.run_id) AS run_id,
      coalesce(n.kind, a.kind) AS kind, coalesce(n.card_id, a.card_id) AS card_id,
      {AKIN} * coalesce(a.share, 0) + {1 - AKIN} * coalesce(n.likeness, 0) AS score
    FROM near n FULL JOIN akin a USING (component_id))"""
_NEAR_ONLY = "(SELECT component_id, document_id, run_id, kind, card_id, likeness AS score FROM near)"

_ANSWER = f"""found AS (SELECT f.run_id, max(f.score) AS score FROM listed f GROUP BY f.run_id),
  page AS MATERIALIZED (SELECT run_id, f.score, row_number() OVER ({{order}}) AS place
    FROM found f JOIN runs t USING (run_id) {{order}} LIMIT %(limit)s OFFSET %(offset)s),
  shown AS (SELECT t.run_id, f.component_id, f.score, f.by_text, d.kind, d.body,
      CASE d.kind WHEN 'observation' THEN s.title ELSE d.title END AS title, c.title AS card, s.title AS step,
      row_number() OVER (PARTITION BY t.run_id ORDER BY f.score DESC, f.component_id) AS place
    FROM page t JOIN listed f USING (run_id) JOIN search_documents d USING (document_id) LEFT JOIN steps s ON s.step_id = d.step_id
    LEFT JOIN cards c ON c.card_id = coalesce(d.card_id, s.card_id)),
  told AS (SELECT run_id, json_agg(json_build_object('component_type', CASE kind WHEN 'observation' THEN 'step' ELSE kind END,
      'component_id', component_id, 'title', title, 'by_text', by_text, 'score', score, 'body', left(body, {BODY_CHARACTERS_MAX}),
      'path', concat_ws(' > ', CASE WHEN kind <> 'run' THEN card END, CASE WHEN kind NOT IN ('run', 'card') THEN step END,
        CASE WHEN kind IN ('run', 'report') THEN title END)) ORDER BY place) AS matches
    FROM shown WHERE place <= {MATCHES_MAX} GROUP BY run_id)
  SELECT ({{every}}),
    coalesce(json_agg(json_build_object('summary', {SUMMARY}, 'score', p.score,
    'matches', told.matches) ORDER BY p.place), '[]')::text FROM page p JOIN told USING (run_id) JOIN runs t USING (run_id)"""

_ORDERS = {
    "relevance": "f.score DESC, t.created_at DESC, t.run_id",
    "created_at": "t.created_at DESC, t.run_id",
    "updated_at": "t.updated_at DESC, t.created_at DESC, t.run_id",
}


async def search(
    conn: AsyncConnection[Any], counts: Counts, wanted: Wanted | None, meaning: Meaning | None, asked: SearchFilter
) -> tuple[int, list[Result]]:
    """How many runs match in all, and those of the page. `wanted` None: by meaning alone; `meaning` None: by words alone."""
    where, runs, params = _filter(asked)
    params |= {"limit": asked.limit, "offset": asked.offset}
    params["kept"] = KEPT * (asked.offset + asked.limit) if asked.sort_by == "relevance" else None
    if wanted is not None:
        where += "".join(f" AND d.words @@ {_query(f'm{n}', term, params)}" for n, term in enumerate(wanted.must))
        where += "".join(f" AND NOT d.words @@ {_query(f'n{n}', term, params)}" for n, term in enumerate(wanted.never))
    lists = () if wanted is None else wanted.terms, () if meaning is None else meaning.akin
    words, akin = await search_text.weighed(conn, counts, *lists)
    own = None if wanted is None else search_text.given(words, "h", params)
    others = search_text.given(akin, "s", params, words, "h") if akin.terms else None
    params["found"] = " | ".join(dict.fromkeys(f"({query})" for query in (search_text.query(words), search_text.query(akin)) if query))
    vectors = None
    if meaning is not None:
        vectors, params["meaning"] = (meaning.model, meaning.dimension), meaning.vector
    sql = _statement(where, runs, _ORDERS[asked.sort_by], own, others, vectors)
    total, page = await (await placeholders.execute(conn, sql, params)).fetchone() or (0, "[]")
    return total, msgspec.json.decode(page, type=list[Result])


@lru_cache(placeholders.TEXTS_MAX)
def _statement(where: str, runs: str, order: str, words: int | None, akin: int | None, vectors: tuple[str, int] | None) -> str:
    """For that many words, and synonyms beside them, and documents' vectors of a model and their dimension; None: without."""
    worded = None if words is None else search_text.side("h", words)
    widened = None if akin is None else search_text.side("s", akin, "h", words or 0)
    steps, every = [], "SELECT count(*) FROM asked"
    if vectors is not None:
        steps.append(_near(*vectors, f"JOIN runs t ON t.run_id = d.run_id {where} AND {runs}"))
    if sides := [side for side in (worded, widened) if side is not None]:
        steps += [search_text.matched(sides, where), search_text.runs(sides, runs)]
        steps.append(search_text.kept("" if vectors is None else " UNION ALL SELECT run_id FROM near"))
    if vectors is not None:
        unasked = "WHERE NOT EXISTS (SELECT FROM asked a WHERE a.run_id = n.run_id)" if sides else ""
        near = f"SELECT count(DISTINCT run_id) FROM near n {unasked}"
        every = f"SELECT ({every}) + ({near})" if sides else near
    if worded is not None:
        steps.append(search_text.components(worded, None if where == _VISIBLE else where))
    if vectors is not None:
        if widened is not None:
            steps.append(search_text.akin(widened))
        steps.append(_SENSED.format(sensed=_NEAR_ONLY if widened is None else _BOTH_SENSES))
    by = "meaning" if worded is None else "words" if vectors is None else "both"
    steps += [f"listed AS MATERIALIZED ({_LISTED[by]})", _ANSWER.replace("{order}", f"ORDER BY {order}").replace("{every}", every)]
    return "WITH " + ", ".join(steps)


def _query(name: str, term: Term, params: dict[str, Any]) -> str:
    """Understood once, not for each row."""
    params[name] = term.tsquery()
    return f"(SELECT %({name})s::tsquery)" if term.exact else f"(SELECT to_tsquery('pg_catalog.english', %({name})s))"


def _filter(asked: SearchFilter) -> tuple[str, str, dict[str, Any]]:
    """What a document must be, as SQL over d, and what its run, over t."""
    runs, params = asked.where()
    where = _VISIBLE
    if asked.kinds:
        where += " AND d.kind = ANY(%(kinds)s)"
        params["kinds"] = [k for kind in asked.kinds for k in KINDS[kind]]
    return where, runs, params


def _near(model: str, dimension: int, where: str) -> str:
    """The components nearest in meaning; no cosine means the same for every model and
    query, so likeness is told between the nearest and the last. The model stands in the text as it stands in its index.
    """
    kind = f"halfvec({dimension})"
    model = model.replace("'", "''").replace("%", "%%")
    return f"""nearest AS MATERIALIZED (SELECT v.document_id, d.run_id, d.kind, {search_text.CARD} AS card_id,
        {search_text.COMPONENT} AS component_id,
        v.embedding::{kind} <=> %(meaning)s::{kind} AS distance
        FROM document_vectors v JOIN search_documents d USING (document_id) {where} AND v.model = '{model}'
        ORDER BY v.embedding::{kind} <=> %(meaning)s::{kind} LIMIT {NEAR}),
      near AS MATERIALIZED (SELECT DISTINCT ON (component_id) component_id, document_id, run_id, kind, card_id,
        1 - {LIKENESS_SPREAD} * (distance - closest) / greatest(farthest - closest, 0.001) AS likeness
        FROM nearest, (SELECT min(distance) AS closest, max(distance) AS farthest FROM nearest) ends
        ORDER BY component_id, distance, document_id)"""
