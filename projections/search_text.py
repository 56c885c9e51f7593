"""How well a text answers in words: the weight of each word of the query, and the SQL that gives a component its share of the query."""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from projections.search_query import Term
from projections.word_counts import Count, Counts

IN_BODY, BEGINS = 0.8, 0.6  # what a word in the body, not the title, counts; and one that merely begins so
INHERITED, CARDS_MAX = 0.4, 20  # what a word of the card's title counts for its steps; cards that hand theirs down

# Of a card, a step, an observation, and of a report on one.
CARD = "CASE d.kind WHEN 'observation' THEN (SELECT s.card_id FROM steps s WHERE s.step_id = d.step_id) ELSE d.card_id END"
COMPONENT = "coalesce(CASE d.kind WHEN 'observation' THEN d.step_id END, d.document_id)"
LEXEME = re.compile(r"'(?:[^']|'')*'(?::\*)?")


class Weighed(NamedTuple):
    """A term as PostgreSQL's queries, how many documents have it, and its weight: its idf's share of the query's.

    `whole` and `begun` are the same where words that merely begin so do not count.
    """

    whole: str
    begun: str
    documents: int
    weight: float


class Words(NamedTuple):
    """The terms of a query that can be found, and those of which one must be there; none: all must."""

    terms: tuple[Weighed, ...]
    telling: tuple[Weighed, ...]


NOTHING = Words((), ())


async def weighed(conn: AsyncConnection[Any], counts: Counts, *lists: Sequence[Term]) -> list[Words]:
    """For each list. A word that stands nowhere becomes those that are one slip away; one that search cannot use is left out."""
    opened = {term._replace(open=False): term for each in lists for term in each if term.open}
    pairs = [[(term, opened.get(term, term)) for term in each] for each in lists]
    total, most, found = await counts.of(conn, dict.fromkeys(counted for each in pairs for _, counted in each))
    return [_words([_form(term, found[counted], most) for term, counted in each if found[counted].usable], total, most) for each in pairs]


def _words(found: list[tuple[str, str, int]], total: int, most: int) -> Words:
    """Words that PostgreSQL takes for one become one term, with the weight of both."""
    idfs = [math.log1p(total / max(documents, 1)) for *_, documents in found]
    sum_of_all = sum(idfs) or 1.0
    terms = dict[str, Weighed]()
    for (whole, begun, documents), idf in zip(found, idfs, strict=True):
        known = terms.get(whole)
        terms[whole] = Weighed(whole, begun, documents, idf / sum_of_all + (known.weight if known else 0.0))
    return Words(tuple(terms.values()), tuple(w for w in terms.values() if w.documents <= most))


def _form(term: Term, count: Count, most: int) -> tuple[str, str, int]:
    if count.likely:
        return count.likely, count.likely, count.meant
    part = term.exact and count.wholes == 0  # of an identifier: it finds all that begin so
    if not term.open or (not part and max(count.wholes, count.begins) > most):  # its beginning would find too much
        return count.whole, count.whole, count.wholes
    return count.whole, count.begun, max(count.wholes, count.begins)


class Side(NamedTuple):
    """SQL for one side of a query, its words or those with synonyms: the columns that hold values; each term's value and the name of
    its weight; and whether a row has enough of what is needed.
    """

    columns: dict[str, str]
    terms: list[tuple[str, str]]
    found: str

    def summed(self, of: str) -> str:
        """Weighted: the share of the query."""
        return "(" + (" + ".join(f"{of.format(value)} * %({weight})s::float8" for value, weight in self.terms) or "0") + ")::float8"


def side(mark: str, own: int, others_mark: str = "", others: int = 0) -> Side:
    """Of `own` terms, and as many `others` that have their values from another side. `mark` begins every name.

    What differs between queries stands in parameters: PostgreSQL takes milliseconds to plan a statement that it has not seen.
    """
    columns = {f"{mark}{n}": _value(f"{mark}{n}") for n in range(own)}
    seen = [(f"{others_mark}{n}", f"{mark}_{others_mark}{n}") for n in range(others)]
    terms = [(f"CASE WHEN {value} >= {IN_BODY} THEN {value} ELSE 0 END", weight) for value, weight in seen]
    terms += [(name, name) for name in columns]
    there = " + ".join(f"({value} > %({weight}_least)s::float8)::int" for value, weight in terms) or "0"
    return Side(columns, terms, f"({there} >= %({mark}_need)s::int)")


def given(words: Words, mark: str, params: dict[str, Any], others: Words = NOTHING, others_mark: str = "") -> int:
    """Adds the parameters of a side; how many terms are its own. A term of `others` that is none of `words` weighs nothing.

    `least` is what a value needs to be more than, `need` how many have to.
    """
    needed = words.telling or words.terms
    params[f"{mark}_need"] = 1 if words.telling else max(len(needed), 1)
    here = {term.whole: term for term in words.terms}
    for n, other in enumerate(others.terms):
        term = here.pop(other.whole, None)
        params |= {f"{mark}_{others_mark}{n}": term.weight if term else 0.0, f"{mark}_{others_mark}{n}_least": 0 if term in needed else 1}
    for n, term in enumerate(here.values()):
        name = f"{mark}{n}"
        params |= {f"{name}_{m}": form for m, form in enumerate((term.whole, _titled(term.whole), term.begun, _titled(term.begun)))}
        params |= {name: term.weight, f"{name}_least": 0 if term in needed else 1, f"{name}_closed": term.begun == term.whole}
    return len(here)


def query(words: Words) -> str:
    """For the documents where the words are that one needs."""
    return (" | " if words.telling else " & ").join(f"({term.begun})" for term in words.telling or words.terms)


def matched(sides: Sequence[Side], where: str, found: str) -> str:
    """The documents that the words or those with synonyms find, as `matched`, read once for both, over SQL's `where`.

    Each has a value for each term.
    """
    return f"matched AS MATERIALIZED (SELECT {columns(sides)} FROM search_documents d {where} AND d.words @@ {found})"


def columns(sides: Sequence[Side]) -> str:
    return f"d.document_id, d.run_id, d.kind, {CARD} AS card_id, {COMPONENT} AS component_id{_values(sides)}"


def _values(sides: Sequence[Side]) -> str:
    """The columns that hold the values of terms, of a document d."""
    return "".join(f", {value} AS {name}" for side in sides for name, value in side.columns.items())


def asked(sides: Sequence[Side], where: str) -> str:
    """The runs of what was matched that are asked for, as `asked`, with the most of the query that a document of each has."""
    return f"asked AS MATERIALIZED ({shares(sides, 'matched', f'JOIN runs t ON t.run_id = m.run_id WHERE {where}')})"


def shares(sides: Sequence[Side], documents: str, joined: str) -> str:
    """Runs with their share and their time; `joined` makes `t` of m."""
    best = ", ".join(side.summed("{}") for side in sides)
    return f"""SELECT m.run_id, m.share, t.created_at
        FROM (SELECT run_id, max(greatest({best})) AS share FROM {documents} GROUP BY run_id OFFSET 0) m {joined}"""


_BEST = "(SELECT run_id FROM asked ORDER BY share DESC, created_at DESC, run_id LIMIT %(kept)s::bigint)"


def kept(others: str) -> str:
    """What was matched in the %(kept)s best of the asked runs, and in those of `others`, as `kept`."""
    return f"kept AS MATERIALIZED (SELECT * FROM matched WHERE run_id IN ({_BEST}{others}))"


def asked_and_kept(sides: Sequence[Side], where: str, found: str, runs: str, others: str) -> list[str]:
    """`asked` and `kept` without `matched`: of words in tens of thousands of documents, to read those of the best runs again costs less
    than to keep a row of each.
    """
    values = f"(SELECT d.run_id{_values(sides)} FROM search_documents d {where} AND d.words @@ {found} OFFSET 0) d"
    return [
        f"asked AS MATERIALIZED ({shares(sides, values, f'JOIN runs t ON t.run_id = m.run_id WHERE {runs}')})",
        f"looked AS MATERIALIZED (SELECT DISTINCT run_id FROM ({_BEST}{others}) l)",
        f"kept AS MATERIALIZED ({of_looked(sides, where, found)})",
    ]


def of_looked(sides: Sequence[Side], where: str, found: str) -> str:
    """What was found in the runs of `looked`, run by run."""
    read = "d.document_id, d.run_id, d.kind, d.card_id, d.step_id, d.deleted, d.words"
    return f"""SELECT {columns(sides)} FROM looked l,
          LATERAL (SELECT {read} FROM search_documents d WHERE d.run_id = l.run_id OFFSET 0) d {where} AND d.words @@ {found}"""


def components(terms: Side, where: str | None) -> str:
    """The components of `kept` that the words find with the share of the query that each has, from 0 to 1, as `worded`.

    A component takes the best of its documents for each term. `where`: what the steps of cards must be too, beside not deleted.
    """
    there = terms.summed(f"least(max({{}}) / {BEGINS}, 1)")
    columns = "".join(f", {name}" for name in terms.columns)
    down = "".join(f", {INHERITED} * {name}" for name in terms.columns)
    steps = "WHERE NOT x.deleted" if where is None else f"JOIN search_documents d ON d.document_id = x.step_id {where}"
    return f"""handed AS (SELECT x.step_id AS document_id, x.run_id, x.step_id AS component_id{down}
        FROM (SELECT document_id AS parent_id{columns} FROM kept WHERE {terms.found} AND kind = 'card'
          ORDER BY {terms.summed("{}")} DESC, document_id LIMIT {CARDS_MAX}) p JOIN steps x ON x.card_id = p.parent_id {steps}),
      worded AS MATERIALIZED (SELECT component_id, run_id, {terms.summed("max({})")} AS share, {there} AS there,
        (array_agg(document_id ORDER BY {terms.summed("{}")} DESC, document_id))[1] AS document_id
        FROM (SELECT document_id, run_id, component_id{columns} FROM kept WHERE {terms.found} UNION ALL SELECT * FROM handed) h
        GROUP BY component_id, run_id)"""


def akin(terms: Side) -> str:
    """The same for words with their synonyms, as `akin`, without what cards hand down."""
    return f"""akin AS MATERIALIZED (SELECT component_id, run_id, min(kind) AS kind, (array_agg(card_id))[1] AS card_id,
        {terms.summed("max({})")} AS share, (array_agg(document_id ORDER BY {terms.summed("{}")} DESC, document_id))[1] AS document_id
        FROM kept WHERE {terms.found} GROUP BY component_id, run_id)"""


def _titled(query: str) -> str:
    return LEXEME.sub(lambda m: m[0] + ("A" if m[0].endswith("*") else ":A"), query)


def _value(name: str) -> str:
    """From 0, where the document has nothing of the term, to 1, where its title has it."""
    whole, titled, begun, begun_titled = (f"d.words @@ %({name}_{n})s::tsquery" for n in range(4))
    return f"""CASE WHEN NOT {begun} THEN 0 WHEN {titled} THEN 1::float8 WHEN %({name}_closed)s::bool OR {whole} THEN {IN_BODY}
      WHEN {begun_titled} THEN {BEGINS} ELSE {BEGINS * IN_BODY} END"""
