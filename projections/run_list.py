"""The list of test runs: one page is one query over the summary rows."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from projections.documents import NUMBER, SYSTEM_NAME, email, emails
from projections.runs import STATUS_COLUMNS

_STEPS = "(" + " + ".join(f"t.{c}" for c in STATUS_COLUMNS.values()) + ")"
_DONE = "(" + " + ".join(f"t.{c}" for s, c in STATUS_COLUMNS.items() if s != "todo") + ")"
_COUNTS = ", ".join(f"'{s}', nullif(t.{c}, 0)" for s, c in STATUS_COLUMNS.items())

_ISSUE_COUNT = """(SELECT count(DISTINCT i.issue_id) FROM (
      SELECT unnest(t.issue_ids) UNION ALL
      SELECT unnest(c.issue_ids) FROM cards c WHERE c.run_id = t.run_id AND c.issue_ids <> '{}' AND NOT c.deleted UNION ALL
      SELECT unnest(s.issue_ids) FROM steps s JOIN cards c USING (card_id)
        WHERE s.run_id = t.run_id AND s.issue_ids <> '{}' AND NOT s.deleted AND NOT c.deleted) l(id)
    JOIN issues i ON i.issue_id = l.id AND NOT i.deleted)"""

SUMMARY = f"""json_build_object('uuid', t.run_id, 'test_run_id', {NUMBER},
    'title', t.title, 'system_id', t.system_id, 'system_name', {SYSTEM_NAME},
    'completion_pct', CASE {_DONE} WHEN 0 THEN '0.0'::json WHEN {_STEPS} THEN '1.0'::json ELSE to_json({_DONE}::float8 / {_STEPS}) END,
    'step_status_counts', json_strip_nulls(json_build_object({_COUNTS})), 'contributors', {emails("t.contributors")},
    'asset_names', (SELECT coalesce(json_agg(a.name ORDER BY l.n), '[]')
      FROM unnest(t.asset_ids) WITH ORDINALITY l(id, n) JOIN assets a ON a.asset_id = l.id),
    'asset_count', cardinality(t.asset_ids), 'issue_count', {_ISSUE_COUNT}, 'card_count', t.card_count,
    'file_count', t.file_count, 'report_count', t.report_count, 'created_by', {email("t.created_by")},
    'created_at', stamp(t.created_at), 'updated_at', stamp(t.updated_at),
    'status', CASE WHEN t.closed_at IS NULL THEN 'open' ELSE 'closed' END)"""


# Numbers have no holes, so all runs need not be counted one by one.
_ALL = "SELECT (SELECT value FROM counters WHERE name = 'test_run') - (SELECT count(*) FROM runs WHERE deleted)"


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """Which live runs are asked about. `scope`: the systems that the token may see (None: all)."""

    scope: list[UUID] | None = None
    system_id: UUID | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    has_reports: bool | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """A condition on `t`, a row of `runs`, and its parameters."""
        clauses, params = ["NOT t.deleted"], dict[str, Any]()
        for clause, name, value in (
            ("t.system_id = ANY(%(scope)s)", "scope", self.scope),
            ("t.system_id = %(system_id)s", "system_id", self.system_id),
            ("t.created_at >= %(created_after)s", "created_after", self.created_after),
            ("t.created_at < %(created_before)s", "created_before", self.created_before),
        ):
            if value is not None:
                clauses.append(clause)
                params[name] = value
        if self.has_reports is not None:  # as text, so that the index of runs with reports serves
            clauses.append("t.report_count > 0" if self.has_reports else "t.report_count = 0")
        return " AND ".join(clauses), params

    def total(self) -> str:
        """A query of how many there are, with the parameters of `where`."""
        where, params = self.where()
        return _ALL if not params and self.has_reports is None else f"SELECT count(*) FROM runs t WHERE {where}"


class RunFilter(Runs, frozen=True, kw_only=True):
    """A page of runs; `after` is the last row of the page before."""

    limit: int
    after: tuple[datetime, UUID] | None = None


def page(wanted: RunFilter) -> tuple[str, dict[str, Any]]:
    """A query of (JSON bytes, matches in all, created_at and id of the last row, whether more follow)."""
    where, params = wanted.where()
    params |= {"limit": wanted.limit, "probe": wanted.limit + 1}
    beyond = ""
    if wanted.after is not None:
        beyond = " AND (t.created_at < %(at)s OR (t.created_at = %(at)s AND t.run_id > %(id)s)) AND t.created_at <= %(at)s"
        params |= {"at": wanted.after[0], "id": wanted.after[1]}
    sql = f"""WITH page AS MATERIALIZED (
        SELECT t.*, row_number() OVER (ORDER BY t.created_at DESC, t.run_id) AS place FROM (
          SELECT * FROM runs t WHERE {where}{beyond} ORDER BY t.created_at DESC, t.run_id LIMIT %(probe)s) t)
      SELECT convert_to(json_build_object('items', coalesce((SELECT json_agg({SUMMARY} ORDER BY t.place) FROM page t
            WHERE t.place <= %(limit)s), '[]'), 'count', (SELECT count(*) FROM page WHERE place <= %(limit)s))::text, 'UTF8'),
        ({wanted.total()}), last.created_at, last.run_id, (SELECT count(*) FROM page) > %(limit)s
      FROM (SELECT 1) one LEFT JOIN page last ON last.place = %(limit)s"""
    return sql, params
