"""Search for one common word: the runs that have it are found by their words, and documents are read of the best ones only."""

from collections.abc import Sequence
from typing import NamedTuple

from projections.run_words import CHANGED, CHANGES_MAX, VALID
from projections.search_text import BEGINS, IN_BODY, LEXEME, Side, Words, columns, of_looked, shares

LIVE = "NOT t.deleted"  # runs that are deleted have no words


class Shape(NamedTuple):
    """Of an `Asked`: whether there are words that merely begin so, and phrases."""

    beginnings: bool
    phrases: bool


class Asked(NamedTuple):
    """What one common word and its synonyms ask for, as queries: any of `begun`, of which `whole` count more, or any of `phrases`."""

    begun: str
    whole: str
    phrases: str

    @property
    def shape(self) -> Shape:
        return Shape(self.begun != self.whole, bool(self.phrases))


def one_word(words: Words, akin: Words) -> Asked | None:
    """None: they ask for more, or tell so much that their documents are few."""
    if len(words.terms) != 1 or len(akin.terms) > 1 or words.telling or akin.telling:
        return None
    others = [term.whole for term in akin.terms]
    begun, whole = (dict.fromkeys(" | ".join([own, *others]).split(" | ")) for own in (words.terms[0].begun, words.terms[0].whole))
    if any("(" in each for each in (*begun, *whole)):
        return None
    phrases = " | ".join(f"({each})" for each in begun if not LEXEME.fullmatch(each))
    return Asked(" | ".join(filter(LEXEME.fullmatch, begun)), " | ".join(filter(LEXEME.fullmatch, whole)), phrases)


def matched(sides: Sequence[Side], where: str, runs: str, others: str, shape: Shape) -> str:
    """As `search_text.matched`, but of the runs that have the word, `clean`, the documents of the %(kept)s best are read only.

    Documents with a phrase are read whatever run they are of. The queries of an `Asked` of that shape are parameters. `others`: SQL for
    further runs.
    """
    joined = "" if runs == LIVE else f"JOIN runs t ON t.run_id = w.run_id AND {runs}"
    share, more = f"WHEN {_has('titles', 'whole')} THEN 1 ELSE {IN_BODY}", ""
    if shape.beginnings:
        share = f"""WHEN {_has("titles", "whole")} THEN 1 WHEN {_has("words", "whole")} THEN {IN_BODY}
          WHEN {_has("titles", "begun")} THEN {BEGINS} ELSE {BEGINS * IN_BODY}"""
    if shape.phrases:
        more = f""" UNION ALL SELECT {columns(sides)} FROM search_documents d {where} AND d.words @@ %(phrases)s::tsquery
        AND d.run_id NOT IN (SELECT run_id FROM looked)"""
    return f"""changed AS MATERIALIZED ({CHANGED} LIMIT {CHANGES_MAX + 1}),
      stale AS MATERIALIZED (SELECT run_id FROM stale_runs UNION SELECT run_id FROM changed),
      clean AS MATERIALIZED (SELECT w.run_id, w.created_at FROM run_words w {joined}
        WHERE w.words @@ %(begun)s::tsquery AND w.run_id NOT IN (SELECT run_id FROM stale)),
      looked AS MATERIALIZED (SELECT DISTINCT run_id FROM (SELECT run_id FROM stale UNION ALL (SELECT run_id FROM clean c
        ORDER BY (CASE {share} END)::float8 DESC, created_at DESC, run_id LIMIT %(kept)s::bigint){others}) l),
      matched AS MATERIALIZED ({of_looked(sides, where, "%(found)s::tsquery")}{more})"""


def _has(column: str, query: str) -> str:
    return f"c.run_id IN (SELECT run_id FROM run_words WHERE {column} @@ %({query})s::tsquery)"


def asked(sides: Sequence[Side], runs: str) -> str:
    """As `search_text.asked`, but of the clean runs those only that were looked at: all that are among the best."""
    one_by_one = f", LATERAL (SELECT * FROM runs t WHERE t.run_id = m.run_id OFFSET 0) t WHERE {runs}"  # they are few, which no plan knows
    return f"asked AS MATERIALIZED ({shares(sides, 'matched', one_by_one)})"


def total(asked_too: str) -> str:
    """How many runs match, `asked_too` of them beside the clean ones, which are asked where they were looked at.

    NULL where the words are not those of the live views, or too much has changed: both may happen at any time.
    """
    clean = "SELECT count(*) FROM clean"
    both = "SELECT count(*) FROM asked WHERE run_id IN (SELECT run_id FROM clean)"
    return f"CASE WHEN {VALID} AND (SELECT count(*) FROM changed) <= {CHANGES_MAX} THEN ({asked_too}) + ({clean}) - ({both}) END"
