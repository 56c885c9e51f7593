"""Signed checkpoints of the chain: what a tamperer cannot make again without the key."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import AsyncConnection, Connection

from infra import fault_points
from infra.audit import journal, keys
from infra.audit.statements import Checkpoint, PublicKey, stamp
from infra.database import blocking
from infra.settings import Settings

_DUE = """SELECT h.seq > coalesce(c.seq, 0) AND (h.seq >= coalesce(c.seq, 0) + %s
    OR coalesce(c.at + make_interval(mins => %s) <= clock_timestamp(), true))
  FROM ledger_head h LEFT JOIN (SELECT seq, at FROM checkpoints ORDER BY seq DESC LIMIT 1) c ON true"""

_ALL = """SELECT seq, encode(chain_hash, 'hex'), at, key_id, encode(signature, 'hex') FROM checkpoints WHERE seq >= %s ORDER BY seq"""

_HEAD = "SELECT seq, encode(chain_hash, 'hex'), GREATEST(at, clock_timestamp()) FROM ledger_head"

_INSERT = """INSERT INTO checkpoints (seq, chain_hash, at, key_id, signature) VALUES (%s, decode(%s, 'hex'), %s, %s, decode(%s, 'hex'))"""


_STANDING = """SELECT h.seq - coalesce(c.seq, 0), coalesce(extract(epoch FROM clock_timestamp() - c.at), 0)::float8,
    CASE WHEN h.seq = 0 THEN 0 ELSE extract(epoch FROM clock_timestamp() - h.at) END::float8
  FROM ledger_head h LEFT JOIN (SELECT seq, at FROM checkpoints ORDER BY seq DESC LIMIT 1) c ON true"""


class Standing(NamedTuple):
    """Positions after the last signature, the age of that signature and of the chain's last event in seconds; 0 where there is none."""

    unsigned: int
    age_s: float
    chain_age_s: float


class Broken(Exception):
    """The ledger does not continue what was signed before, so nothing more is signed: run `runledger verify`."""


def file_of(settings: Settings) -> Path:
    return settings.data_dir / "checkpoints.ndjson"


def since(conn: Connection[Any], seq: int) -> list[Checkpoint]:
    """The database's checkpoints from a position on."""
    return [Checkpoint(n, chain, stamp(at), key, signature) for n, chain, at, key, signature in conn.execute(_ALL, (seq,))]


async def due(conn: AsyncConnection[Any], settings: Settings) -> bool:
    """Whether enough is new, or something is and the last checkpoint is old enough."""
    row = await (await conn.execute(_DUE, (settings.checkpoint_events, settings.checkpoint_minutes))).fetchone()
    return bool(row and row[0])


async def standing(conn: AsyncConnection[Any]) -> Standing:
    return Standing(*(await (await conn.execute(_STANDING)).fetchone() or (0, 0.0, 0.0)))


def make(settings: Settings) -> Checkpoint | None:
    """Signs the head of the chain; in the database first, then in the data directory. None when nothing is new."""
    with blocking(settings) as conn, _alone(conn, settings):
        signer = keys.provide(conn, settings)
        last = since(conn, 0)[-1:]
        made = _sign(conn, settings, signer, last[0] if last else None)
        fault_points.reach_in_thread("checkpoint.signed")
        journal.complete(file_of(settings), since(conn, _written(settings)), Checkpoint, lambda each: each.seq)
    return made


def prepare(settings: Settings) -> None:
    """Makes the key at the first start, and lets the data directory catch up with the database."""
    with blocking(settings) as conn, _alone(conn, settings):
        keys.provide(conn, settings)
        journal.complete(file_of(settings), since(conn, _written(settings)), Checkpoint, lambda each: each.seq)


def rotate_key(settings: Settings) -> PublicKey:
    """From now on a new key signs, which the present one vouches for."""
    with blocking(settings) as conn, _alone(conn, settings):
        return keys.rotate(conn, settings)


@contextmanager
def _alone(conn: Connection[Any], settings: Settings) -> Iterator[None]:
    name = f"{settings.schema} checkpoints"
    conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (name,))
    try:
        yield
    finally:
        if not conn.broken:
            conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (name,))


def _written(settings: Settings) -> int:
    present = journal.read(file_of(settings), Checkpoint)
    return max((each.seq for each in present), default=0) if present else 0


def _sign(conn: Connection[Any], settings: Settings, signer: keys.Signer, last: Checkpoint | None) -> Checkpoint | None:
    seq, chain_hash, at = conn.execute(_HEAD).fetchone() or (0, "", datetime.now(UTC))
    _require_continuity(conn, last, seq, _written(settings))
    if seq == (last.seq if last else 0):
        return None
    bare = Checkpoint(seq, chain_hash, stamp(at), signer.key_id)
    made = Checkpoint(bare.seq, bare.chain_hash, bare.at, bare.key_id, signer.sign(bare))
    conn.execute(_INSERT, (made.seq, made.chain_hash, made.at, made.key_id, made.signature))
    return made


def _require_continuity(conn: Connection[Any], last: Checkpoint | None, head: int, written: int) -> None:
    if written > head:
        raise Broken(f"The ledger ends at position {head}; a checkpoint of position {written} was signed.")
    if last is None:
        return
    row = conn.execute("SELECT encode(chain_hash, 'hex') FROM ledger WHERE seq = %s", (last.seq,)).fetchone()
    if row is None or row[0] != last.chain_hash:
        raise Broken(f"The ledger no longer has the chain hash that was signed at position {last.seq}.")
