"""Verification: the chain, the log beside it, the checkpoints and their copies. Damage is found and named, never repaired."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection

from infra.audit import chain_check, checkpoint_check, checkpoints, keys, log_check
from infra.audit.chain_check import Progress
from infra.audit.findings import Findings, Problem
from infra.database import blocking
from infra.settings import Settings


class Report(msgspec.Struct, frozen=True):
    """`from_position` and `to_position` are both included; an empty ledger gives 1 and 0. `signed_position`: see checkpoints."""

    ok: bool
    from_position: int
    to_position: int
    events: int
    head_hash: str
    signed_position: int
    checked_at: datetime
    problem_count: int
    problems: list[Problem]
    notes: list[str]


class Range(NamedTuple):
    """`after` is 0 for the beginning; `limit` bounds how many positions one verification walks."""

    after: int = 0
    upto: int | None = None
    limit: int | None = None


class Begun(NamedTuple):
    """What later checks add to: of S3 copies, of views."""

    findings: Findings
    walked: chain_check.Walked
    after: int
    signed: int

    def report(self) -> Report:
        found = self.findings
        return Report(
            ok=not found.count,
            from_position=self.after + 1,
            to_position=self.walked.seq,
            events=self.walked.events,
            head_hash=self.walked.chain_hash.hex(),
            signed_position=self.signed,
            checked_at=datetime.now(UTC),
            problem_count=found.count,
            problems=found.in_order(),
            notes=found.notes,
        )


def head_of(settings: Settings) -> int:
    """The last position there is."""
    with blocking(settings) as conn:
        return _last(conn)


def verify(settings: Settings, wanted: Range, progress: Progress = lambda _: None) -> Begun:
    """Verifies a range of positions; versions and head rows of everything that it touches. Blocks: call it in a thread.

    A range that reaches from the first position to the last also tells of events without a position.
    """
    findings = Findings()
    with blocking(settings) as conn:
        last = _last(conn)
        after = min(wanted.after, last)
        if after < wanted.after:
            findings.note(f"The ledger ends at position {last}.")
        upto = last if wanted.upto is None else max(min(wanted.upto, last), after)
        if wanted.limit is not None:
            upto = min(upto, after + wanted.limit)
        walked = chain_check.walk(conn, after, upto, findings, progress)
        log_check.check(conn, after, upto, findings, whole=(after, upto) == (0, last))
        signed = checkpoint_check.check(conn, settings, after, upto, findings)
    return Begun(findings, walked, after, signed)


def with_store(settings: Settings, begun: Begun, others: dict[str, bytes]) -> None:
    """Adds what the copies in S3 tell; `others` is what is there and not in the database as it is."""
    with blocking(settings) as conn:
        names = {f"checkpoints/{each.seq}.json" for each in checkpoints.since(conn, 0)}
        names |= {f"checkpoints/keys/{each.key_id}.json" for each in keys.known(conn)}
        found = checkpoint_check.compare_store(others, names, begun.findings)
        listed = checkpoint_check.known_keys(conn, settings, Findings())
        checkpoint_check.verify(conn, found, listed, _last(conn), begun.findings)


def _last(conn: Connection[Any]) -> int:
    row = conn.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()
    return int(row[0]) if row else 0
