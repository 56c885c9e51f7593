"""Search: full text, likeness of titles and meaning, merged by reciprocal ranks and grouped by run.

One statement finds, ranks, counts and reads. A text is found by a word that tells (one that few documents have), or by all
words where none does. Words count by their rarity: ln(1 + N / documents that have it), Robertson and Spärck Jones's idf.
Lists are merged by w / (60 + rank) (Cormack, Clarke and Büttcher 2009); in the list of full text a document's weight is the share of
the query that it has, so that a text which merely has one common word stands below what is near in meaning.
"""

import math
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from projections.run_list import SUMMARY
from projections.search_query import Term, Wanted

NEAR = 60  # documents nearest in meaning that take part
RANK_K = 60
TELLING_SHARE, TELLING_MIN = 0.05, 200  # a word tells when no more documents than this have it
TITLE_BONUS = 0.5
TEXT_SHARE = 0.5  # how much of the score full text decides where meaning takes part too
LIKE_CHARACTERS_MIN = 4
MATCHES_MAX = 10
BODY_CHARACTERS_MAX = 20_000
KINDS = {"run": ("run",), "card": ("card",), "step": ("step", "observation"), "report": ("report",)}


class SearchFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`scope`: the systems that the token may see (None: all). `kinds` are of components."""

    kinds: tuple[str, ...] = ()
    scope: list[UUID] | None = None
    system_id: UUID | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    has_reports: bool | None = None
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
    """The query's vector, and the model that made it and the documents' vectors to compare it with."""

    model: str
    vector: list[float]


_ASKED = "CASE WHEN a.exact THEN a.text::tsquery ELSE to_tsquery('pg_catalog.english', a.text) END"
_COUNTS = f"""SELECT (SELECT CASE WHEN reltuples > 20000 THEN reltuples::bigint ELSE (SELECT count(*) FROM search_documents) END
    FROM pg_class WHERE oid = 'search_documents'::regclass),
  (SELECT coalesce(array_agg((SELECT count(*) FROM search_documents d WHERE d.words @@ {_ASKED}) ORDER BY a.n), '{{}}')
    FROM unnest(%(texts)s::text[], %(exacts)s::boolean[]) WITH ORDINALITY a(text, exact, n))"""

_VISIBLE = """JOIN runs t ON t.run_id = d.run_id AND NOT t.deleted LEFT JOIN steps s ON s.step_id = d.step_id
    LEFT JOIN cards c ON c.card_id = coalesce(d.card_id, s.card_id)
    WHERE NOT d.deleted AND (d.kind = 'report' OR (s.deleted IS NOT TRUE AND c.deleted IS NOT TRUE))"""

# A run is the best of its documents; an observation speaks for its step.
_ANSWER = f"""fused AS MATERIALIZED (
    SELECT document_id, run_id, sum(score) AS score, bool_or(by_text) AS by_text FROM listed GROUP BY document_id, run_id),
  found AS (SELECT f.run_id, max(f.score) AS score FROM fused f GROUP BY f.run_id),
  page AS MATERIALIZED (SELECT t.*, f.score, row_number() OVER ({{order}}) AS place
    FROM found f JOIN runs t USING (run_id) {{order}} LIMIT %(limit)s OFFSET %(offset)s),
  shown AS (SELECT DISTINCT ON (t.run_id, component_id) t.run_id, component_id, f.score, f.by_text, d.kind, d.body,
      CASE d.kind WHEN 'observation' THEN s.title ELSE d.title END AS title, c.title AS card, s.title AS step
    FROM page t JOIN fused f USING (run_id) JOIN search_documents d USING (document_id) LEFT JOIN steps s ON s.step_id = d.step_id
    LEFT JOIN cards c ON c.card_id = coalesce(d.card_id, s.card_id)
    CROSS JOIN LATERAL (SELECT CASE d.kind WHEN 'observation' THEN d.step_id ELSE d.document_id END AS component_id) named
    ORDER BY t.run_id, component_id, f.score DESC, f.document_id),
  best AS (SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY score DESC, component_id) AS place FROM shown),
  told AS (SELECT run_id, json_agg(json_build_object('component_type', CASE kind WHEN 'observation' THEN 'step' ELSE kind END,
      'component_id', component_id, 'title', title, 'by_text', by_text, 'score', score, 'body', left(body, {BODY_CHARACTERS_MAX}),
      'path', concat_ws(' > ', CASE WHEN kind <> 'run' THEN card END, CASE WHEN kind NOT IN ('run', 'card') THEN step END,
        CASE WHEN kind IN ('run', 'report') THEN title END)) ORDER BY place) AS matches
    FROM best WHERE place <= {MATCHES_MAX} GROUP BY run_id)
  SELECT (SELECT count(*) FROM found), coalesce(json_agg(json_build_object('summary', {SUMMARY}, 'score', t.score,
    'matches', told.matches) ORDER BY t.place), '[]')::text FROM page t JOIN told USING (run_id)"""

_ORDERS = {
    "relevance": "f.score DESC, t.created_at DESC, t.run_id",
    "created_at": "t.created_at DESC, t.run_id",
    "updated_at": "t.updated_at DESC, t.created_at DESC, t.run_id",
}


async def search(
    conn: AsyncConnection[Any], wanted: Wanted | None, meaning: Meaning | None, asked: SearchFilter
) -> tuple[int, list[Result]]:
    """How many runs match in all, and those of the page. `wanted` None: by meaning alone; `meaning` None: by words alone."""
    where, params = _filter(asked)
    params |= {"limit": asked.limit, "offset": asked.offset}
    lists = []
    both = wanted is not None and meaning is not None
    if wanted is not None:
        for n, term in enumerate(wanted.must):
            where += f" AND d.words @@ {_query(f'm{n}', term, params)}"
        for n, term in enumerate(wanted.never):
            where += f" AND NOT d.words @@ {_query(f'n{n}', term, params)}"
        text, more = _text(wanted, *await _weighed(conn, wanted.terms), where, TEXT_SHARE if both else 1.0)
        lists.append(text)
        params |= more
    if meaning is not None:
        lists.append(_near(meaning, where, 1 - TEXT_SHARE if both else 1.0))
        params["meaning"] = str(meaning.vector)
    listed = "listed (document_id, run_id, score, by_text) AS (" + " UNION ALL ".join(f"({one})" for one in lists) + ")"
    sql = f"WITH {listed}, {_ANSWER.replace('{order}', 'ORDER BY ' + _ORDERS[asked.sort_by])}"
    total, page = await (await conn.execute(sql, params)).fetchone() or (0, "[]")
    return total, msgspec.json.decode(page, type=list[Result])


async def _weighed(conn: AsyncConnection[Any], terms: tuple[Term, ...]) -> tuple[int, list[int]]:
    """How many documents there are, and how many of them have each term."""
    params = {"texts": [t.text for t in terms], "exacts": [t.exact for t in terms]}
    total, counts = await (await conn.execute(_COUNTS, params, prepare=True)).fetchone() or (0, [])
    return total, counts


def _filter(asked: SearchFilter) -> tuple[str, dict[str, Any]]:
    """What a document and its run must be, as SQL over d and t."""
    clauses, params = [_VISIBLE], dict[str, Any]()
    for clause, name, value in (
        ("d.kind = ANY(%(kinds)s)", "kinds", [k for kind in asked.kinds for k in KINDS[kind]] or None),
        ("t.system_id = ANY(%(scope)s)", "scope", asked.scope),
        ("t.system_id = %(system_id)s", "system_id", asked.system_id),
        ("t.created_at >= %(created_after)s", "created_after", asked.created_after),
        ("t.created_at < %(created_before)s", "created_before", asked.created_before),
    ):
        if value is not None:
            clauses.append(clause)
            params[name] = value
    if asked.has_reports is not None:
        clauses.append("t.report_count > 0" if asked.has_reports else "t.report_count = 0")
    return " AND ".join(clauses), params


def _text(wanted: Wanted, total: int, counts: list[int], where: str, weight: float) -> tuple[str, dict[str, Any]]:
    """The documents that the words find, ranked by the share of the query that they have."""
    params: dict[str, Any] = {}
    idfs = [math.log1p(total / count) if count else math.log1p(total) for count in counts]
    whole = sum(idfs) * (1 + TITLE_BONUS) or 1.0
    queries = [_query(f"t{n}", term, params) for n, term in enumerate(wanted.terms)]
    params |= {f"w{n}": idf / whole for n, idf in enumerate(idfs)}
    title = "ts_filter(d.words, '{a}')"
    share = " + ".join(
        f"CASE WHEN d.words @@ {q} THEN CASE WHEN {title} @@ {q} THEN {1 + TITLE_BONUS} ELSE 1 END * %(w{n})s ELSE 0 END"
        for n, q in enumerate(queries)
    )
    most = max(total * TELLING_SHARE, TELLING_MIN)
    telling = [q for q, count in zip(queries, counts, strict=True) if count <= most]
    needed = " || ".join(telling) or " && ".join(queries) or "''::tsquery"
    found = [f"SELECT d.document_id, d.run_id, {share or '0'} AS share FROM search_documents d {where} AND d.words @@ ({needed})"]
    for n, (term, count) in enumerate(zip(wanted.terms, counts, strict=True)):
        if not count and not term.exact and len(term.word) >= LIKE_CHARACTERS_MIN:
            params[f"l{n}"] = term.word
            found.append(
                f"SELECT d.document_id, d.run_id, %(w{n})s * word_similarity(%(l{n})s, d.title) FROM search_documents d {where}"
                f" AND %(l{n})s <%% d.title"
            )
    params["text_weight"] = weight * (RANK_K + 1)
    return (
        f"""SELECT document_id, run_id, %(text_weight)s::float8 * share
        / ({RANK_K} + row_number() OVER (ORDER BY share DESC, document_id)) AS score, true AS by_text
      FROM (SELECT document_id, run_id, least(sum(share), 1)::float8 AS share FROM ({" UNION ALL ".join(found)}) h GROUP BY 1, 2) h""",
        params,
    )


def _query(name: str, term: Term, params: dict[str, Any]) -> str:
    params[name] = term.text
    return f"%({name})s::tsquery" if term.exact else f"to_tsquery('pg_catalog.english', %({name})s)"


def _near(meaning: Meaning, where: str, weight: float) -> str:
    """The documents nearest in meaning. The model stands in the text as it stands in its index."""
    kind = f"halfvec({len(meaning.vector)})"
    model = meaning.model.replace("'", "''").replace("%", "%%")
    return f"""SELECT document_id, run_id, {weight * (RANK_K + 1)} / ({RANK_K} + row_number() OVER (ORDER BY distance, document_id)),
        false FROM (SELECT v.document_id, d.run_id, v.embedding::{kind} <=> %(meaning)s::{kind} AS distance
        FROM document_vectors v JOIN search_documents d USING (document_id) {where} AND v.model = '{model}'
        ORDER BY v.embedding::{kind} <=> %(meaning)s::{kind} LIMIT {NEAR}) n"""
