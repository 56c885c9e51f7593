"""The words of each run, those of all its search documents: in how many runs a common word is, without reading the documents.

No append keeps them; a worker does, some seconds later. What they answer is exact all the same: a run whose texts have changed since is
stale, which the log tells in the snapshot of the question, and the documents of stale runs are read instead.
"""

from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from domain.cards import CardAdded, CardDeleted, CardEdited, CardMoved, CardRestored
from domain.events import name_of
from domain.observations import ObservationDeleted, ObservationEdited, ObservationRecorded
from domain.reports import ReportCompleted, ReportRequested
from domain.runs import RunCreated, RunDeleted, RunEdited, RunRestored
from domain.steps import StepAdded, StepDeleted, StepEdited, StepMoved, StepOutcomeRecorded, StepRestored
from infra.database import Connection
from projections.search_documents import VISIBLE

RESTED_S = 10  # a run that goes on changing is looked through no more often
AT_ONCE = 4  # the sequence waits for the transaction
PAGE_RUNS = 5_000
STALE_MAX, CHANGES_MAX = 100, 500  # where more are stale, to read all documents that have the word is not much more
FIRST = UUID(int=0)

_OUTCOME = name_of(StepOutcomeRecorded)
_TOPICS = ", ".join(
    f"'{name_of(kind)}'"
    for kind in (
        RunCreated, RunEdited, RunDeleted, RunRestored, CardAdded, CardEdited, CardMoved, CardDeleted, CardRestored, StepAdded,
        StepEdited, StepMoved, StepDeleted, StepRestored, StepOutcomeRecorded, ObservationRecorded, ObservationEdited,
        ObservationDeleted, ReportRequested, ReportCompleted,
    )
)  # fmt: skip

# An id from the snapshot's end on is of the cluster that this one was restored from.
VALID = """EXISTS (SELECT FROM run_words_noted n JOIN view_set v ON v.built_at = n.views_built_at
    WHERE n.xid <= pg_snapshot_xmax(pg_current_snapshot()))"""

# Outcomes are most of a log, and hardly one in a hundred brings an exception, or takes one away. Any other order than this would read the
# whole log, which a plan does not know.
CHANGED = f"""SELECT e.root_id AS run_id
    FROM (SELECT root_id, topic, state FROM events WHERE xid >= (SELECT xid FROM run_words_noted) AND topic IN ({_TOPICS})
      ORDER BY xid, notification_id OFFSET 0) e
    LEFT JOIN LATERAL (SELECT has_exception FROM run_words w WHERE w.run_id = e.root_id OFFSET 0) w ON true
    WHERE e.topic <> '{_OUTCOME}' OR w.has_exception IS NOT FALSE OR position(convert_to('"exception":"', 'UTF8') IN e.state) > 0"""

_USABLE = f"""SELECT {VALID} AND (SELECT count(*) FROM (SELECT FROM stale_runs LIMIT {STALE_MAX + 1}) s) <= {STALE_MAX}
    AND (SELECT count(*) FROM ({CHANGED} LIMIT {CHANGES_MAX + 1}) c) <= {CHANGES_MAX}"""

_STANDING = """SELECT (SELECT count(*) FROM runs WHERE NOT deleted), (SELECT count(*) FROM run_words), (SELECT count(*) FROM stale_runs)"""
_DUE = "SELECT run_id FROM stale_runs WHERE noted_at < clock_timestamp() - make_interval(secs => %s)"
_ENDED = "SELECT FROM events e WHERE e.xid >= n.xid AND e.xid < pg_snapshot_xmin(pg_current_snapshot())"
_WORK = f"""SELECT EXISTS (SELECT FROM run_words_noted n WHERE EXISTS ({_ENDED})),
  EXISTS ({_DUE})"""
_HELD = "SELECT FROM run_words_noted FOR UPDATE SKIP LOCKED"
_NOTE = f"""WITH noted AS (INSERT INTO stale_runs (run_id) SELECT DISTINCT run_id FROM ({CHANGED}) c ORDER BY run_id
    ON CONFLICT DO NOTHING)
  UPDATE run_words_noted n SET xid = pg_snapshot_xmin(pg_current_snapshot()) WHERE EXISTS ({_ENDED})"""

# A lexeme without a position has no weight either, and stands for the title too.
_LOOK = f"""WITH taken AS MATERIALIZED ({_DUE} ORDER BY noted_at, run_id LIMIT {AT_ONCE}),
  visible AS (SELECT d.run_id, d.words FROM taken t,
    LATERAL (SELECT * FROM search_documents d WHERE d.run_id = t.run_id OFFSET 0) d {VISIBLE}),
  lexemes AS (SELECT run_id, lexeme, bool_or(weights IS NULL OR 'A' = ANY(weights)) AS titled
    FROM visible, unnest(words) GROUP BY run_id, lexeme),
  looked AS MATERIALIZED (SELECT run_id, r.created_at, coalesce(array_agg(lexeme) FILTER (WHERE titled), '{{}}') AS titles,
      array_agg(lexeme) AS words FROM lexemes JOIN runs r USING (run_id) WHERE NOT r.deleted GROUP BY run_id, r.created_at),
  kept AS (INSERT INTO run_words (run_id, created_at, has_exception, titles, words)
    SELECT l.run_id, l.created_at, EXISTS (SELECT FROM steps s WHERE s.run_id = l.run_id AND s.exception <> ''),
      array_to_tsvector(l.titles), array_to_tsvector(l.words) FROM looked l
    ON CONFLICT (run_id) DO UPDATE SET has_exception = EXCLUDED.has_exception, titles = EXCLUDED.titles, words = EXCLUDED.words),
  gone AS (DELETE FROM run_words w USING taken t WHERE w.run_id = t.run_id AND NOT EXISTS (SELECT FROM looked l WHERE l.run_id = w.run_id))
  DELETE FROM stale_runs s USING taken t WHERE s.run_id = t.run_id"""

_ADOPTED = f"SELECT v.built_at, pg_snapshot_xmin(pg_current_snapshot())::text FROM view_set v WHERE NOT {VALID}"
_NOTE_PAGE = f"""WITH page AS MATERIALIZED (SELECT run_id FROM runs WHERE run_id > %s ORDER BY run_id LIMIT {PAGE_RUNS}),
  noted AS (INSERT INTO stale_runs (run_id, noted_at) SELECT run_id, '-infinity' FROM page ON CONFLICT DO NOTHING)
  SELECT run_id FROM page ORDER BY run_id DESC LIMIT 1"""
_ADOPT = """INSERT INTO run_words_noted (xid, views_built_at) VALUES (%s::text::xid8, %s) ON CONFLICT (one)
  DO UPDATE SET xid = EXCLUDED.xid, views_built_at = EXCLUDED.views_built_at"""


async def keep_up(conn: Connection, rested_s: float = RESTED_S) -> int:
    """Notes which runs are stale, and looks through some of those that were noted `rested_s` seconds ago; how many."""
    await _adopt(conn)
    changed, due = await (await conn.execute(_WORK, (rested_s,))).fetchone() or (False, False)
    looked = 0
    for is_wanted, sql, params in ((changed, _NOTE, ()), (due, _LOOK, (rested_s,))):
        async with conn.transaction():  # one at a time, so that no run is noted in vain while another looks through it
            if is_wanted and (await conn.execute(_HELD)).rowcount:
                looked = (await conn.execute(sql, params)).rowcount
    return looked if due else 0


class Standing(msgspec.Struct, frozen=True):
    """Of that many live `runs` so many have their words told; `stale` ones, deleted ones among them, are looked through next."""

    runs: int
    told: int
    stale: int


async def standing(conn: AsyncConnection[Any]) -> Standing:
    return Standing(*(await (await conn.execute(_STANDING)).fetchone() or (0, 0, 0)))


async def stale(conn: AsyncConnection[Any]) -> int:
    """How many runs were noted and not looked through since."""
    return int((await (await conn.execute("SELECT count(*) FROM stale_runs")).fetchone() or (0,))[0])


async def usable(conn: AsyncConnection[Any]) -> bool:
    """Whether there are words of the views that are live, and few runs are stale."""
    row = await (await conn.execute(_USABLE)).fetchone()
    return bool(row and row[0])


async def _adopt(conn: Connection) -> None:
    """All runs are stale where the views are new, or the ledger was restored."""
    if (found := await (await conn.execute(_ADOPTED)).fetchone()) is None:
        return
    built_at, xid = found
    after = FIRST
    while (last := await (await conn.execute(_NOTE_PAGE, (after,))).fetchone()) is not None:
        after = last[0]
    await conn.execute(_ADOPT, (xid, built_at))
