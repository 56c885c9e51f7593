"""The log against its chain: every event's hash from the stored bytes, every link, every position."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from psycopg import Connection

from infra.audit.findings import PROBLEMS_MAX, Findings
from infra.chain import GENESIS, HEADER, chained

PAGE_POSITIONS = 50_000
CHUNK_ROWS = 1_000

Progress = Callable[[int], None]

# The server puts together what is hashed. The times are in PostgreSQL's binary form, whose order as bytes is theirs. A ledger
# row that does not fit its event gets no message, so that one comparison a row is enough.
_PAGE = f"""SELECT l.seq, CASE WHEN l.notification_id = e.notification_id
      THEN convert_to({HEADER} || E'\\n', 'UTF8') || e.state || e.metadata ELSE '' END,
    l.event_hash || l.chain_hash, coalesce(timestamptz_send(e.recorded_at), '')
  FROM ledger l LEFT JOIN events e USING (originator_id, originator_version)
  WHERE l.seq > %s AND l.seq <= %s ORDER BY l.seq"""

# Pages by position are read along the indexes: no plan sorts or hashes the whole log for one of them.
_ALONG_THE_INDEX = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off"


class Walked(NamedTuple):
    """How far the chain went: events seen, the last position and its stored chain hash."""

    events: int
    seq: int
    chain_hash: bytes


def walk(conn: Connection[Any], after: int, upto: int, findings: Findings, progress: Progress) -> Walked:
    """Recomputes the chain from the position after `after` (whose stored chain hash is taken as given) to `upto`."""
    conn.execute(_ALONG_THE_INDEX)
    link = Link(conn, after, findings)
    for first in range(after, upto, PAGE_POSITIONS):
        last = min(first + PAGE_POSITIONS, upto)
        link.follow(conn.cursor().stream(_PAGE, (first, last), binary=True, size=CHUNK_ROWS))
        progress(link.seq - after)
    if link.seq < upto:
        findings.add(link.seq + 1, "position_missing", f"The ledger has no position {_span(link.seq + 1, upto)}.")
    conn.execute("RESET ALL")
    link.explain()
    return Walked(link.events, link.seq, link.before)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


class _Bad(NamedTuple):
    """A row that did not fit and the hash of its event as found; explained afterwards, when the connection is free."""

    seq: int
    digest: bytes


class Link:
    """The place that the walk has reached."""

    def __init__(self, conn: Connection[Any], after: int, findings: Findings) -> None:
        row = conn.execute("SELECT chain_hash FROM ledger WHERE seq = %s", (after,)).fetchone() if after else (GENESIS,)
        if row is None:
            findings.add(after, "position_missing", f"The ledger has no position {after}.")
        self.before: bytes = row[0] if row else GENESIS
        self._instead = self.before  # what the chain would be if the stored hash of a bad row were not believed
        self.seq, self.events = after, 0
        self._at = b""
        self._conn, self._findings = conn, findings
        self._bad: list[_Bad] = []

    def follow(self, rows: Iterator[Any]) -> None:
        sha256, seq, before, at, n = hashlib.sha256, self.seq, self.before, self._at, 0
        for position, message, link, recorded in rows:
            n += 1
            seq += 1
            digest = sha256(message).digest()
            before = sha256(before + digest).digest()
            if link != digest + before or position != seq or recorded < at:
                before = self._differs(position, seq, sha256(message).digest(), before, link, recorded < at)
                seq = position
            at = recorded or at
        self.seq, self.before, self._at = seq, before, at
        self.events += n

    def _differs(self, position: int, expected: int, digest: bytes, computed: bytes, link: bytes, backwards: bool) -> bytes:
        """Tells what is wrong; returns the chain hash from which the next row is to follow."""
        if position < expected:
            self._findings.add(position, "position_repeated", f"The ledger has position {position} more than once.")
        elif position > expected:
            self._findings.add(expected, "position_missing", f"The ledger has no position {_span(expected, position - 1)}.")
        if backwards and link[:32] == digest:
            self._findings.add(position, "time", "The event was recorded before the one at the position before it.")
        stored_event, stored_chain = link[:32], link[32:]
        follows = position != expected or stored_chain in (computed, chained(self._instead, stored_event))
        if stored_event != digest or not follows:
            self._bad.append(_Bad(position, digest)) if len(self._bad) < PROBLEMS_MAX else self._findings.more()
        self._instead = computed
        return stored_chain

    def explain(self) -> None:
        """Says of each row that did not fit whether the event, its row or the chain was changed."""
        for bad in self._bad:
            self._findings.add(bad.seq, *_reason(self._conn, bad))


_ROW = """SELECT l.event_hash, l.chain_hash, b.chain_hash, e.topic, e.originator_id, e.originator_version,
    l.notification_id, e.notification_id, l.originator_id, l.originator_version
  FROM ledger l LEFT JOIN events e USING (originator_id, originator_version) LEFT JOIN ledger b ON b.seq = l.seq - 1
  WHERE l.seq = %s"""


def _reason(conn: Connection[Any], bad: _Bad) -> tuple[str, str]:
    row = conn.execute(_ROW, (bad.seq,)).fetchone()
    if row is None:
        return "position_missing", f"Position {bad.seq} went away meanwhile."
    event, chain, before, topic, stream, version, numbered, number, wanted, wanted_version = row
    before = before or (GENESIS if bad.seq == 1 else b"")
    if topic is None:
        return "event_missing", f"The event of this position is gone: stream {wanted}, version {wanted_version}."
    named = f"{topic}, stream {stream}, version {version}"
    if numbered != number:
        return "ledger_altered", f"The ledger row no longer fits its event ({named})."
    if event != bad.digest and hashlib.sha256(before + bad.digest).digest() == chain:
        return "ledger_altered", f"The event hash in the ledger was changed ({named})."
    if event != bad.digest:
        return "event_altered", f"The stored event no longer gives the hash it was recorded with ({named})."
    return "chain_broken", f"The chain hash does not follow from the one before and the event's ({named})."
