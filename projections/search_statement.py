"""The statement of a search: what its words, its synonyms and its meaning find, ranked by run."""

from functools import lru_cache
from typing import NamedTuple

from infra import placeholders
from projections import search_by_run, search_text
from projections.run_list import SUMMARY
from projections.search_by_run import Shape
from projections.search_documents import VISIBLE

NEAR = 60  # documents nearest in meaning that take part
AKIN = 0.7  # how much of meaning synonyms decide, vectors the rest
CARD_BY_STEP, REPORT_BY_RUN, STEP_BY_CARD, STEP_BY_REPORT = 0.5, 0.5, 0.3, 0.3  # what meaning gains by the best of what stands around
LIKENESS_SPREAD = 0.9  # the nearest is worth 1, the last that takes part 0.1
TEXT_MOST = 0.8  # how much of the score full text decides where meaning takes part too, and all is covered
COVERED_LEAST, COVERED_MOST = 0.4, 0.6  # by how much of the query its best answer holds
MATCHES_MAX = 10
BODY_CHARACTERS_MAX = 20_000

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


class Vectors(NamedTuple):
    """The documents' vectors that a question's is compared with: those of a model, of that dimension.

    `of_matched`: all documents that may be found are found by their words, and so few that an index would look for them among all others.
    """

    model: str
    dimension: int
    of_matched: bool


class Form(NamedTuple):
    """What decides the text of a statement: what a document must be, as SQL after d, which queries it must `never` answer, and what its
    run must be, over t; the order of runs; the numbers of words, and of synonyms beside them; None: without. `by_run`: one common word,
    as `search_by_run` finds it. `many`: one common word in another way.
    """

    where: str
    never: tuple[str, ...]
    runs: str
    order: str
    words: int | None
    akin: int | None
    vectors: Vectors | None
    many: bool
    by_run: Shape | None = None


# The components of the nearest; no cosine means the same for every model and query, so likeness is told between the nearest and the last.
_NEAR = f"""near AS MATERIALIZED (SELECT DISTINCT ON (component_id) component_id, document_id, run_id, kind, card_id,
        1 - {LIKENESS_SPREAD} * (distance - closest) / greatest(farthest - closest, 0.001) AS likeness
        FROM nearest, (SELECT min(distance) AS closest, max(distance) AS farthest FROM nearest) ends
        ORDER BY component_id, distance, document_id)"""


@lru_cache(placeholders.TEXTS_MAX)
def written(form: Form) -> str:
    """How many runs match, NULL where a common word cannot be found by run, and the page's results as JSON."""
    where, runs = form.where + "".join(f" AND NOT d.words @@ (SELECT {query})" for query in form.never), form.runs
    worded = None if form.words is None else search_text.side("h", form.words)
    widened = None if form.akin is None else search_text.side("s", form.akin, "h", form.words or 0)
    sides = [side for side in (worded, widened) if side is not None]
    near = "" if form.vectors is None else " UNION ALL SELECT run_id FROM near"
    steps = [] if form.vectors is None else [_nearest(form.vectors, where, runs), _NEAR]
    if sides and form.by_run is not None:
        steps += [search_by_run.matched(sides, where, runs, near, form.by_run), search_by_run.asked(sides, runs), search_text.kept(near)]
    elif sides:
        found = "%(found)s::tsquery" + "".join(f" && !!{query}" for query in form.never)  # so that the index leaves them out
        found = f"(SELECT {found})" if form.never else found
        if form.many:
            steps += search_text.asked_and_kept(sides, form.where, found, runs, near)
        else:
            steps = [search_text.matched(sides, form.where, found), *steps, search_text.asked(sides, runs), search_text.kept(near)]
    if worded is not None:
        steps.append(search_text.components(worded, None if where == VISIBLE else where))
    if widened is not None and form.vectors is not None:
        steps.append(search_text.akin(widened))
    if form.vectors is not None:
        steps.append(_SENSED.format(sensed=_NEAR_ONLY if widened is None else _BOTH_SENSES))
    by = "meaning" if worded is None else "words" if form.vectors is None else "both"
    steps.append(f"listed AS MATERIALIZED ({_LISTED[by]})")
    every = _every(by_words=bool(sides), by_meaning=form.vectors is not None)
    every = every if form.by_run is None else search_by_run.total(every)
    return "WITH " + ", ".join(steps) + ", " + _ANSWER.replace("{order}", f"ORDER BY {form.order}").replace("{every}", every)


def _every(*, by_words: bool, by_meaning: bool) -> str:
    """How many runs are found; those that meaning finds are few."""
    if not by_meaning:
        return "SELECT count(*) FROM asked"
    near = "SELECT count(DISTINCT run_id) FROM near n"
    if not by_words:
        return near
    return f"SELECT (SELECT count(*) FROM asked) + ({near} WHERE NOT EXISTS (SELECT FROM asked a WHERE a.run_id = n.run_id))"


def _nearest(vectors: Vectors, where: str, runs: str) -> str:
    """The documents nearest in meaning. The model stands in the text as it stands in its index."""
    model = vectors.model.replace("'", "''").replace("%", "%%")
    distance = f"v.embedding::halfvec({vectors.dimension}) <=> %(meaning)s::halfvec({vectors.dimension})"
    if vectors.of_matched:
        return f"""nearest AS MATERIALIZED (SELECT m.document_id, m.run_id, m.kind, m.card_id, m.component_id, {distance} AS distance
        FROM matched m JOIN runs t ON t.run_id = m.run_id AND {runs},
          LATERAL (SELECT * FROM document_vectors v WHERE v.document_id = m.document_id AND v.model = '{model}' OFFSET 0) v
        ORDER BY distance LIMIT {NEAR})"""
    return f"""nearest AS MATERIALIZED (SELECT d.document_id, d.run_id, d.kind, {search_text.CARD} AS card_id,
        {search_text.COMPONENT} AS component_id, {distance} AS distance
        FROM document_vectors v JOIN search_documents d USING (document_id) JOIN runs t ON t.run_id = d.run_id
        {where} AND {runs} AND v.model = '{model}' ORDER BY {distance} LIMIT {NEAR})"""
