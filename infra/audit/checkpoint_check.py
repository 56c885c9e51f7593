"""Checkpoints against the chain, and their copies against one another: database, data directory, S3."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from psycopg import Connection

from infra.audit import checkpoints, journal, keys
from infra.audit.findings import Findings
from infra.audit.statements import Checkpoint, PublicKey, is_signed, key_id_of
from infra.settings import Settings

_CHAIN = "SELECT seq, encode(chain_hash, 'hex') FROM ledger WHERE seq = ANY(%s)"
AT_ONCE = 10_000


def check(conn: Connection[Any], settings: Settings, after: int, upto: int, findings: Findings) -> int:
    """Checks the checkpoints above `after`; returns the last position that a good one signs."""
    listed = known_keys(conn, settings, findings)
    in_database = checkpoints.since(conn, after + 1)
    in_file = _file(settings, after, findings)
    every = {(each.seq, each.signature): each for each in [*in_database, *in_file]}
    if in_file:
        compare_copies(in_database, in_file, "data directory", findings)
    row = conn.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()
    good = verify(conn, sorted(every.values(), key=lambda c: c.seq), listed, row[0] if row else 0, findings)
    signed = max((seq for seq in good if seq <= upto), default=0)
    if signed < upto:
        findings.note(f"Positions {max(signed, after) + 1} to {upto} are chained, but no checkpoint signs them yet.")
    return signed


def known_keys(conn: Connection[Any], settings: Settings, findings: Findings) -> dict[str, PublicKey]:
    """The keys that the ledger may be signed by. The data directory's list is believed where it and the database differ."""
    in_database = keys.known(conn)
    try:
        in_file = journal.read(keys.public_file(settings), PublicKey)
    except journal.Unreadable as error:
        findings.add(None, "key", str(error))
        in_file = None
    if in_file is not None:
        _compare_keys(in_database, in_file, findings)
    trusted = in_database if in_file is None else in_file
    listed = {each.key_id: each for each in trusted}
    for each in trusted:
        by = listed.get(each.signed_by)
        if key_id_of(bytes.fromhex(each.public_key)) != each.key_id or by is None or not is_signed(each, by.public_key):
            findings.add(None, "key", f"The key {each.key_id} is not vouched for by the signature it carries.")
        elif each.signed_by == each.key_id and each is not trusted[0]:
            findings.add(None, "key", f"The key {each.key_id} vouches for itself, but is not the ledger's first.")
    return listed


def _compare_keys(in_database: list[PublicKey], in_file: list[PublicKey], findings: Findings) -> None:
    differing = {each.key_id for each in set(in_database) ^ set(in_file)}
    for key_id in sorted(differing):
        findings.add(None, "key", f"The key {key_id} is not the same in the database and in the data directory.")


def _file(settings: Settings, after: int, findings: Findings) -> list[Checkpoint]:
    try:
        found = journal.read(checkpoints.file_of(settings), Checkpoint)
    except journal.Unreadable as error:
        findings.add(None, "checkpoint", str(error))
        return []
    if found is None:
        findings.note("This host's data directory has no copy of the checkpoints to compare with.")
    return [each for each in found or () if each.seq > after]


def verify(conn: Connection[Any], every: list[Checkpoint], listed: Mapping[str, PublicKey], head: int, findings: Findings) -> set[int]:
    """Signature and chain hash of each; the positions of those that hold."""
    good = set()
    for first in range(0, len(every), AT_ONCE):
        page = every[first : first + AT_ONCE]
        chain = dict(conn.execute(_CHAIN, ([each.seq for each in page],)).fetchall())
        for each in page:
            if (problem := _problem(each, listed, chain, head)) is None:
                good.add(each.seq)
            else:
                findings.add(each.seq, *problem)
    return good


def _problem(each: Checkpoint, listed: Mapping[str, PublicKey], chain: Mapping[int, str], head: int) -> tuple[str, str] | None:
    key = listed.get(each.key_id)
    if key is None:
        return "checkpoint", f"The checkpoint is signed by key {each.key_id}, which nobody knows."
    if not is_signed(each, key.public_key):
        return "checkpoint", f"The checkpoint's signature by key {each.key_id} does not hold."
    if each.seq > head:
        cause = "its end was cut off, or an old backup was restored"
        return "truncated", f"The ledger ends at position {head}, but a checkpoint of {each.seq} was signed at {each.at}: {cause}."
    if chain.get(each.seq) != each.chain_hash:
        return "chain_rewritten", f"The chain hash is not the one that was signed at {each.at} by key {each.key_id}."
    return None


def compare_copies(in_database: Iterable[Checkpoint], copies: Iterable[Checkpoint], place: str, findings: Findings) -> None:
    """Copies are made in order, so only the newest may be missing there."""
    ours, theirs = ({each.seq: each for each in side} for side in (in_database, copies))
    last = max(theirs, default=0)
    for seq in sorted(ours.keys() | theirs.keys()):
        if seq not in ours:
            findings.add(seq, "checkpoint", f"The database lacks a checkpoint that the {place} has.")
        elif seq not in theirs and seq < last:
            findings.add(seq, "checkpoint", f"The {place} lacks a checkpoint that the database has.")
        elif seq in theirs and ours[seq] != theirs[seq]:
            findings.add(seq, "checkpoint", f"The checkpoint in the database differs from the one in the {place}.")


def compare_store(others: Mapping[str, bytes], names: set[str], findings: Findings) -> list[Checkpoint]:
    """`others`: what S3 has and the database (`names`) has not or has differently; returns the checkpoints among it."""
    found = []
    for name, content in sorted(others.items()):
        seq = int(stem) if (stem := name.rsplit("/", 1)[1].removesuffix(".json")).isdigit() else None
        verb = "differs from the one in the database" if name in names else "is not in the database"
        findings.add(seq, "checkpoint", f"{name} in S3 {verb}.")
        try:
            found.append(msgspec.json.decode(content, type=Checkpoint))
        except msgspec.DecodeError:
            continue
    return found
