"""The evidence of a test run as one archive that can be checked without us."""

import time
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.sql import SQL

from domain.facts import Kind
from domain.refusals import NotFound, StateConflict
from domain.runs import number_text
from infra.audit import checkpoints, evidence, keys
from infra.database import blocking
from infra.settings import Settings
from projections import documents

SEQUENCER_S_MAX = 3.0

# A stream that was deleted and not restored since; only some may read about it.
HOLDS_DELETED = """SELECT EXISTS (SELECT FROM events d WHERE d.root_id = %s AND d.topic LIKE '%%.deleted' AND NOT EXISTS (
    SELECT FROM events r WHERE r.originator_id = d.originator_id AND r.originator_version > d.originator_version
      AND r.topic LIKE '%%.restored'))"""

_RUN_EVEN_DELETED = documents.RUN_DETAIL.removesuffix(" AND NOT t.deleted")


class _Shown(msgspec.Struct):
    """What is taken from the run's document into a file of its own."""

    test_data: list[Any]


def find(settings: Settings, reference: UUID | int) -> UUID:
    """The id of a run, live or deleted, by its id or number. Raises NotFound."""
    column = "root_id" if isinstance(reference, UUID) else "number"
    with blocking(settings) as conn:
        row = conn.execute(f"SELECT root_id FROM roots WHERE kind = %s AND {column} = %s", (Kind.RUN, reference)).fetchone()
    if row is None:
        raise NotFound("No such test run.")
    return UUID(str(row[0]))


def build(settings: Settings, run_id: UUID, reach: list[UUID] | None = None) -> bytes:
    """The archive, for a reader who is limited to these systems. Blocks: call it in a thread.

    Where no checkpoint covers the run yet, one is made if this host has the signing key; else StateConflict.
    """
    signer = keys.present(settings)
    with blocking(settings) as conn:
        try:
            return _build(conn, run_id, reach, signer)
        except evidence.NotCovered as refusal:
            if signer is None:
                raise StateConflict(f"{refusal} The next one comes within {settings.checkpoint_minutes} minutes.") from None
        _wait_for_positions(conn, run_id)
        try:
            checkpoints.make(settings)
            return _build(conn, run_id, reach, signer)
        except (evidence.NotCovered, checkpoints.Broken, keys.NoKey) as refusal:
            raise StateConflict(str(refusal)) from None


def _build(conn: Connection[Any], run_id: UUID, reach: list[UUID] | None, signer: keys.Signer | None) -> bytes:
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = conn.execute(_RUN_EVEN_DELETED, {"run_id": run_id, "reach": reach}).fetchone()
        number = conn.execute("SELECT number FROM roots WHERE root_id = %s", (run_id,)).fetchone()
        if row is None or number is None:
            raise StateConflict("The views do not hold this run; run `runledger verify --full`.")
        data_files = msgspec.json.decode(row[2], type=_Shown).test_data
        files = evidence.of_record(conn, run_id) | {"run.json": bytes(row[2]) + b"\n", "files.json": evidence.lines(data_files)}
    return evidence.archive(number_text(number[0]), run_id, files, signer)


def _wait_for_positions(conn: Connection[Any], run_id: UUID) -> None:
    query = SQL("""SELECT EXISTS (SELECT FROM events e WHERE e.root_id = %s AND NOT EXISTS (SELECT FROM ledger l
      WHERE (l.originator_id, l.originator_version) = (e.originator_id, e.originator_version)))""")
    end = time.monotonic() + SEQUENCER_S_MAX
    while (conn.execute(query, (run_id,)).fetchone() or (False,))[0] and time.monotonic() < end:
        time.sleep(0.05)
