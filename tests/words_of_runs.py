"""What must hold of the words of runs at any moment, as SQL."""

from projections.run_words import CHANGED
from projections.search_documents import VISIBLE

STALE = f"(SELECT run_id FROM stale_runs UNION {CHANGED})"
WRONG = f"""WITH stale AS MATERIALIZED {STALE},
  told AS (SELECT d.run_id, array_agg(DISTINCT lexeme) AS words FROM search_documents d, unnest(d.words) {VISIBLE}
    GROUP BY d.run_id)
  SELECT run_id FROM told FULL JOIN run_words w USING (run_id) JOIN runs r USING (run_id)
  WHERE run_id NOT IN (SELECT run_id FROM stale) AND (w.words IS DISTINCT FROM CASE WHEN NOT r.deleted THEN array_to_tsvector(told.words) END)"""
