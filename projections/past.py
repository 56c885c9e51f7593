"""A run as it was: its events folded up to a version, and the rows laid over the live tables of the same names."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from domain.events import name_of
from domain.steps import StepOutcomeRecorded
from infra import replay
from infra.replay import Stored
from projections import documents, views
from projections.cards import CARDS
from projections.data_files import FILES
from projections.fold import Fold, Row
from projections.observations import OBSERVATIONS
from projections.reports import REPORTS
from projections.runs import RUNS
from projections.steps import STEPS
from projections.tables import Table

_OUTCOME = name_of(StepOutcomeRecorded)
_LAID_OVER = (RUNS, CARDS, STEPS, OBSERVATIONS, FILES, REPORTS)
_BELOW = (CARDS, STEPS, OBSERVATIONS, FILES)
_LINKED = (RUNS, CARDS, STEPS, REPORTS)
_ABOVE = {STEPS.name: (CARDS, "card_id"), OBSERVATIONS.name: (STEPS, "step_id")}

_ROWS = ", ".join(
    f"{t.name} AS MATERIALIZED (SELECT * FROM json_populate_recordset(NULL::{t.name}, %({t.name})s::json))" for t in _LAID_OVER
)

_MEMBERS = """members AS NOT MATERIALIZED (SELECT card_id AS stream_id, NOT deleted AS live FROM cards
  UNION ALL SELECT step_id, NOT deleted FROM steps)"""

# Which issues show is settled before, so the document's own condition is met by all that are still linked.
_ISSUES = "issues AS NOT MATERIALIZED (SELECT issue_id, title, status, priority, system_id, false AS deleted FROM issues)"

RUN_DETAIL = f"WITH {_ROWS}, {_MEMBERS}, {_ISSUES}, {documents.RUN_DETAIL.removeprefix('WITH ')}"

# What is not there any more, or was not yet there again at that moment; `since` tells the former.
_ISSUES_GONE = """SELECT issue_id, NOT coalesce(gone_then, false) AS since FROM (
    SELECT i.issue_id, i.deleted, (SELECT e.topic = 'issue.deleted' FROM events e WHERE e.originator_id = i.issue_id
      AND e.topic IN ('issue.deleted', 'issue.restored') AND e.recorded_at <= %(moment)s::timestamptz
      ORDER BY e.originator_version DESC LIMIT 1) AS gone_then
    FROM issues i WHERE i.issue_id = ANY(%(ids)s)) i WHERE deleted OR gone_then"""

_GONE = """SELECT card_id FROM cards WHERE run_id = %(run_id)s AND deleted UNION ALL
  SELECT step_id FROM steps WHERE run_id = %(run_id)s AND deleted UNION ALL
  SELECT observation_id FROM observations WHERE run_id = %(run_id)s AND deleted UNION ALL
  SELECT file_id FROM files WHERE run_id = %(run_id)s AND deleted"""


class Past(NamedTuple):
    """A run's rows after some of its events. `moment` is the time that is asked about, or that of the last event."""

    fold: Fold
    run: Row
    moment: datetime | str

    @property
    def issue_ids(self) -> set[UUID]:
        return {i for table in _LINKED for row in self.fold.rows[table.name].values() for i in row["issue_ids"]}


async def version_at(conn: AsyncConnection[Any], run_id: UUID, moment: datetime) -> int:
    """How many events the run had at that moment; 0 before its creation."""
    cursor = await conn.execute(
        "SELECT coalesce(max(root_version), 0) FROM events WHERE root_id = %s AND recorded_at <= %s", (run_id, moment), prepare=True
    )
    return int((await cursor.fetchone() or (0,))[0])


def fold(text: str, moment: datetime | None) -> Past:
    """The run after the events of `text` (from infra.replay): work for a thread."""
    folded = Fold(views.project_shown)
    folded.apply(needed(replay.decode(text)))
    run = next(iter(folded.rows[RUNS.name].values()))
    return Past(folded, run, moment or run["updated_at"])


def needed(events: list[Stored]) -> Iterator[Stored]:
    """The events of a run without which it would not end up as it did.

    An outcome says the whole of what it is about, so the next one of the same step makes up for it, but for a contributor that it brings.
    """
    last = {e.stream_id: e.wide for e in events if e.topic == _OUTCOME}
    actors: set[UUID] = set()
    for e in events:
        if e.topic != _OUTCOME or e.wide == last[e.stream_id] or e.actor_id not in actors:
            actors.add(e.actor_id)
            yield e


async def settle(conn: AsyncConnection[Any], past: Past, *, everything: bool) -> bool:
    """Takes out what did not show then and, unless `everything` may be seen, what is deleted since; says whether there is any."""
    issues = await _issues_gone(conn, past)
    unlink(past, [i for i, since in issues.items() if not since])
    if everything:
        return any(issues.values())
    unlinked = unlink(past, [i for i, since in issues.items() if since])
    return hide(past, await gone(conn, past.run["run_id"])) or unlinked


async def gone(conn: AsyncConnection[Any], run_id: UUID) -> set[UUID]:
    """Cards, steps, observations and files of a run that are deleted today."""
    return {row[0] for row in await (await conn.execute(_GONE, {"run_id": run_id}, prepare=True)).fetchall()}


async def _issues_gone(conn: AsyncConnection[Any], past: Past) -> dict[UUID, bool]:
    """The linked issues that do not show in that past: true for those that did, but are deleted since."""
    if not (ids := past.issue_ids):
        return {}
    cursor = await conn.execute(_ISSUES_GONE, {"ids": list(ids), "moment": past.moment}, prepare=True)
    return dict(await cursor.fetchall())


def hide(past: Past, ids: set[UUID]) -> bool:
    """Hides what is deleted since, and says whether any of it would have been seen."""
    rows = past.fold.rows
    doomed = [(table, rows[table.name][key]) for table in _BELOW for key in ids & rows[table.name].keys()]
    found = any(_seen(rows, table, row) for table, row in doomed)
    for _, row in doomed:
        row["deleted"] = True
    return found


def unlink(past: Past, issues: Iterable[UUID]) -> bool:
    """Takes issues out of every link, and says whether one of them would have been seen."""
    ids, rows, found = set(issues), past.fold.rows, False
    for table in _LINKED:
        for row in rows[table.name].values():
            if not ids.isdisjoint(row["issue_ids"]):
                found = found or _seen(rows, table, row)
                row["issue_ids"] = [i for i in row["issue_ids"] if i not in ids]
    return found


def _seen(rows: Mapping[str, Mapping[UUID, Row]], table: Table, row: Row) -> bool:
    """Whether neither the thing nor what it belongs to was deleted."""
    if row["deleted"]:
        return False
    above, column = _ABOVE.get(table.name, (None, ""))
    return above is None or _seen(rows, above, rows[above.name][row[column]])


def params(past: Past, reach: list[UUID] | None) -> dict[str, Any]:
    """The rows as parameters of RUN_DETAIL; a run that was deleted shows, for only those may ask who see it."""
    past.run["deleted"] = False
    rows = past.fold.rows
    laid = {t.name: msgspec.json.encode(list(rows[t.name].values())).decode() for t in _LAID_OVER}
    return {"run_id": past.run["run_id"], "reach": reach, **laid}
