"""The log beside its chain: nothing without a position, versions without holes, head rows that agree."""

from typing import Any

from psycopg import Connection

from infra.audit.findings import PROBLEMS_MAX, Findings

# Events that came before the end of the sequence without being in it; newer ones only wait for the sequencer.
_UNSEQUENCED = """SELECT e.topic, e.originator_id, e.originator_version FROM events e CROSS JOIN ledger_head h
  WHERE e.recorded_at < h.at AND e.recorded_at <= clock_timestamp() - interval '5 seconds'
    AND NOT EXISTS (SELECT FROM ledger l WHERE l.originator_id = e.originator_id AND l.originator_version = e.originator_version)
  ORDER BY e.recorded_at LIMIT %s"""

_WAITING = """SELECT count(*) FROM events e CROSS JOIN ledger_head h WHERE e.recorded_at >= h.at
    AND e.recorded_at <= clock_timestamp() - interval '5 seconds'
    AND NOT EXISTS (SELECT FROM ledger l WHERE l.originator_id = e.originator_id AND l.originator_version = e.originator_version)"""

# One group a stream or root: its versions must be 1..n. The position named is that of the first event after a hole.
_HOLES = """WITH bad AS (SELECT e.{id} AS id FROM events e {of} GROUP BY e.{id}
    HAVING min(e.{version}) <> 1 OR max(e.{version}) <> count(*) LIMIT %(limit)s),
  stepped AS (SELECT e.{id} AS id, e.{version} AS version, lag(e.{version}, 1, 0) OVER (PARTITION BY e.{id} ORDER BY e.{version}) AS before,
      l.seq FROM bad JOIN events e ON e.{id} = bad.id LEFT JOIN ledger l USING (originator_id, originator_version))
  SELECT DISTINCT ON (id) id, before, version, seq FROM stepped WHERE version <> before + 1 ORDER BY id, version"""

_TOUCHED = "JOIN (SELECT DISTINCT t.{id} FROM ledger l JOIN events t USING (originator_id, originator_version) {range}) s USING ({id})"
_RANGE = "WHERE l.seq > %(after)s AND l.seq <= %(upto)s"

_HEADS = """SELECT root_id, version, top, at < last FROM (SELECT root_id, max(root_version) AS top, max(recorded_at) AS last
    FROM events e {of} GROUP BY root_id) e FULL JOIN (SELECT root_id, version, at FROM roots {roots}) r USING (root_id)
  WHERE version IS DISTINCT FROM top OR at < last LIMIT %(limit)s"""

_HEAD = """SELECT h.seq, h.chain_hash = l.chain_hash, h.at >= e.recorded_at, l.seq FROM (VALUES (1)) one(n)
  LEFT JOIN ledger_head h ON true LEFT JOIN (SELECT * FROM ledger ORDER BY seq DESC LIMIT 1) l ON true
  LEFT JOIN events e USING (originator_id, originator_version)"""


def check(conn: Connection[Any], after: int, upto: int, findings: Findings, *, whole: bool) -> None:
    """`whole` looks at everything, else only at what the range of positions touches."""
    conn.execute("SET work_mem = '64MB'")
    asked = {"after": after, "upto": upto, "limit": PROBLEMS_MAX}
    _versions(conn, asked, findings, whole=whole)
    _heads(conn, asked, findings, whole=whole)
    _head(conn, findings)
    if whole:
        _unsequenced(conn, findings)


def _versions(conn: Connection[Any], asked: dict[str, int], findings: Findings, *, whole: bool) -> None:
    for noun, column, version in (("stream", "originator_id", "originator_version"), ("root", "root_id", "root_version")):
        of = "" if whole else _TOUCHED.format(id=column, range=_RANGE)
        for found, before, number, seq in conn.execute(_HOLES.format(id=column, version=version, of=of), asked):
            detail = f"The {noun} {found} goes from version {before} to {number}."
            findings.add(seq, f"{noun}_version", detail)


def _heads(conn: Connection[Any], asked: dict[str, int], findings: Findings, *, whole: bool) -> None:
    of = "" if whole else _TOUCHED.format(id="root_id", range=_RANGE)
    roots = "" if whole else of
    for root, version, top, late in conn.execute(_HEADS.format(of=of, roots=roots), asked):
        if version != top:
            detail = f"The head row of root {root} says version {version or 'nothing'}; its events end at {top or 'none'}."
            findings.add(None, "head", detail)
        elif late:
            findings.add(None, "head", f"The head row of root {root} is older than its last event.")


def _head(conn: Connection[Any], findings: Findings) -> None:
    row = conn.execute(_HEAD).fetchone()
    seq, same, in_time, last = row or (None, None, None, None)
    if seq is None or (seq, True) != (last or 0, last is None or (same and in_time is not False)):
        detail = f"The head of the ledger ({seq}) and its last row ({last or 'none'}) differ in position, hash or time."
        findings.add(last, "ledger_head", detail)


def _unsequenced(conn: Connection[Any], findings: Findings) -> None:
    for topic, stream, version in conn.execute(_UNSEQUENCED, (PROBLEMS_MAX,)):
        detail = f"An event among older ones has no position: {topic}, stream {stream}, version {version}."
        findings.add(None, "position_missing", detail)
    row = conn.execute(_WAITING).fetchone()
    if row and row[0]:
        findings.note(f"{row[0]} events wait for the sequencer; nothing after the last position is verified.")
