"""Whether this release can read every event of the log: no unknown type, no schema number from the future, no broken bytes."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from infra import mapper
from infra.append import Origin
from infra.audit.findings import Findings, Problem
from infra.database import blocking
from infra.settings import Settings

CHUNK_ROWS = 1_000
PROGRESS_EVENTS = 20_000

_ALL = """SELECT l.seq, e.topic, e.schema_number, e.state, e.metadata, e.originator_id, e.originator_version
  FROM events e LEFT JOIN ledger l USING (originator_id, originator_version)"""

_metadata = msgspec.json.Decoder(Origin)


class Reading(msgspec.Struct, frozen=True):
    """`types` counts events by `name schema number`; a problem without a position is of an event that has none yet."""

    ok: bool
    events: int
    types: dict[str, int]
    problem_count: int
    problems: list[Problem]


def read_all(settings: Settings, progress: Callable[[int], None] = lambda _: None) -> Reading:
    """Decodes the whole log. Blocks: call it in a thread."""
    findings, types, events = Findings(), Counter[str](), 0
    with blocking(settings) as conn:
        conn.execute("SET work_mem = '64MB'")
        for row in conn.cursor().stream(_ALL, binary=True, size=CHUNK_ROWS):
            events += 1
            types[f"{row[1]} {row[2]}"] += 1
            _read(row, findings)
            if events % PROGRESS_EVENTS == 0:
                progress(events)
    progress(events)
    return Reading(not findings.count, events, dict(sorted(types.items())), findings.count, findings.in_order())


def _read(row: Any, findings: Findings) -> None:
    seq, topic, number, state, metadata, stream, version = row
    try:
        mapper.decode(topic, number, state)
        _metadata.decode(metadata)
    except mapper.UnknownEvent as error:
        findings.add(seq, "unknown", f"{error} (stream {stream}, version {version}).")
    except (msgspec.MsgspecError, ValueError) as error:
        findings.add(seq, "undecodable", f"{topic} schema {number}, stream {stream}, version {version}: {error}")
