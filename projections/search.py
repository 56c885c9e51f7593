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

from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from infra import placeholders
from projections import run_words, search_by_run, search_statement, search_text
from projections.run_list import Runs
from projections.search_documents import VISIBLE
from projections.search_query import Term, Wanted
from projections.search_statement import Form, Vectors
from projections.word_counts import Counts

KEPT_FEW = 300  # runs that are read one by one
KEPT = 3  # times the runs up to the page's end are ranked; orders other than by relevance rank all
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
    never: tuple[str, ...] = ()
    if wanted is not None:
        where += "".join(f" AND d.words @@ (SELECT {_query(f'm{n}', term, params)})" for n, term in enumerate(wanted.must))
        never = tuple(_query(f"n{n}", term, params) for n, term in enumerate(wanted.never))
    lists = ((), ()) if wanted is None else (wanted.terms, wanted.must)
    words, must, akin = await search_text.weighed(conn, counts, *lists, () if meaning is None else meaning.akin)
    own = None if wanted is None else search_text.given(words, "h", params)
    others = search_text.given(akin, "s", params, words, "h") if akin.terms else None
    params["found"] = " | ".join(dict.fromkeys(f"({query})" for query in (search_text.query(words), search_text.query(akin)) if query))
    vectors = None
    if meaning is not None:  # a phrase that must be there and tells is one of the words that find
        vectors, params["meaning"] = Vectors(meaning.model, meaning.dimension, bool(must.telling)), meaning.vector
    common = search_by_run.one_word(words, akin) if asked.sort_by == "relevance" and params["kept"] <= KEPT_FEW else None
    form, total = Form(where, never, runs, _ORDERS[asked.sort_by], own, others, vectors, common is not None), None
    if common is not None and where == VISIBLE and not never and await run_words.usable(conn):
        total, page = await _answer(conn, form._replace(by_run=common.shape), params | common._asdict())
    if total is None:
        total, page = await _answer(conn, form, params)
    return total or 0, msgspec.json.decode(page, type=list[Result])


async def _answer(conn: AsyncConnection[Any], form: Form, params: dict[str, Any]) -> tuple[int | None, str]:
    return await (await placeholders.execute(conn, search_statement.written(form), params)).fetchone() or (0, "[]")


def _query(name: str, term: Term, params: dict[str, Any]) -> str:
    params[name] = term.tsquery()
    return f"%({name})s::tsquery" if term.exact else f"to_tsquery('pg_catalog.english', %({name})s)"


def _filter(asked: SearchFilter) -> tuple[str, str, dict[str, Any]]:
    """What a document must be, as SQL over d, and what its run, over t."""
    runs, params = asked.where()
    where = VISIBLE
    if asked.kinds:
        where += " AND d.kind = ANY(%(kinds)s)"
        params["kinds"] = [k for kind in asked.kinds for k in KINDS[kind]]
    return where, runs, params
