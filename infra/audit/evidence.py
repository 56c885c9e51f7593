"""What the log holds about one record, and the chain from each of its events to a signed checkpoint."""

import base64
import hashlib
import io
import json
import zipfile
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from infra.audit import checkpoints, keys
from infra.audit.statements import Checkpoint, stamp

_EVENTS = """SELECT l.seq, coalesce(b.chain_hash, decode(repeat('00', 32), 'hex')), l.event_hash, l.chain_hash,
    e.xid::text::bigint, e.notification_id, e.originator_id, e.originator_version, e.root_id, e.root_version, e.kind, e.topic,
    e.schema_number, e.recorded_at, e.state, e.metadata
  FROM events e LEFT JOIN ledger l USING (originator_id, originator_version) LEFT JOIN ledger b ON b.seq = l.seq - 1
  WHERE e.root_id = %s ORDER BY e.root_version"""

_COLUMNS = (
    "xid", "notification_id", "originator_id", "originator_version", "root_id", "root_version", "kind", "topic", "schema_number",
)  # fmt: skip
_SEGMENT = "SELECT encode(event_hash, 'hex') FROM ledger WHERE seq >= %s AND seq <= %s ORDER BY seq"

FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the same content makes the same archive


class NotCovered(Exception):
    """The newest events of the record have no position, or no checkpoint signs it yet."""


def of_record(conn: Connection[Any], root_id: UUID) -> dict[str, bytes]:
    """Files: every event with all that is hashed, the chain, its checkpoints, the public keys. Raises `NotCovered`."""
    rows = conn.execute(_EVENTS, (root_id,), binary=True).fetchall()
    if any(row[0] is None for row in rows):
        raise NotCovered("The newest events have no position yet; the sequencer gives them one, normally within 100 ms.")
    signed = checkpoints.since(conn, rows[0][0])
    if not signed or signed[-1].seq < rows[-1][0]:
        raise NotCovered("No signed checkpoint covers the newest events yet.")
    used, segments = _segments(conn, rows, signed)
    links = [{"position": seq, "before": before.hex(), "event_hash": e.hex(), "chain_hash": c.hex()} for seq, before, e, c, *_ in rows]
    return {
        "events.ndjson": b"".join(_event(row) for row in rows),
        "chain.json": lines({"events": links, "segments": segments}),
        "checkpoints.json": lines(used),
        "public-keys.json": lines(keys.known(conn)),
    }


def _event(row: Any) -> bytes:
    seq, _, event_hash, _, *columns, recorded_at, state, metadata = row
    values = {
        "position": seq,
        "event_hash": event_hash.hex(),
        **dict(zip(_COLUMNS, columns, strict=True)),
        "recorded_at": stamp(recorded_at),
    }
    readable = {"state": state.decode(errors="replace"), "metadata": metadata.decode(errors="replace")}
    exact = {"state_base64": base64.b64encode(state).decode(), "metadata_base64": base64.b64encode(metadata).decode()}
    return msgspec.json.encode({**values, **readable, **exact}) + b"\n"


def _segments(conn: Connection[Any], rows: list[Any], signed: list[Checkpoint]) -> tuple[list[Checkpoint], list[dict[str, Any]]]:
    """For every checkpoint that is the next one after some event: the event hashes from the first such event up to it."""
    at = [each.seq for each in signed]
    first_of: dict[int, Any] = {}
    for row in rows:
        first_of.setdefault(bisect_left(at, row[0]), row)
    segments = []
    for place, row in first_of.items():
        hashes = [found for (found,) in conn.execute(_SEGMENT, (row[0], at[place]))]
        segments.append({"checkpoint": at[place], "first": row[0], "before": row[1].hex(), "event_hashes": hashes})
    return [signed[place] for place in first_of], segments


def lines(value: Any) -> bytes:
    """JSON that a person can read."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def archive(name: str, root_id: UUID, files: dict[str, bytes], signer: keys.Signer | None) -> bytes:
    """A ZIP of the files with a manifest, signed where this host has the key, and a verifier that needs only Python."""
    files = files | {"verify.py": Path(__file__).with_name("standalone.py").read_bytes(), "README.txt": ABOUT.encode()}
    digests = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
    listing = "".join(f"{digest}  {file}\n" for file, digest in sorted(digests.items()))
    manifest = {
        "run": name,
        "run_id": str(root_id),
        "files": digests,
        "digest": hashlib.sha256(listing.encode()).hexdigest(),
        "key_id": signer.key_id if signer else None,
        "signature": signer.sign_bytes(f"runledger evidence\n{root_id}\n{listing}".encode()) if signer else None,
    }
    files["manifest.json"] = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    return _zip(sorted(files.items()))


def _zip(files: Iterable[tuple[str, bytes]]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name, content in files:
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            target.writestr(entry, content)
    return made.getvalue()


ABOUT = """Evidence of a test run, exported from Runledger.

To check it you need Python 3.8 or later on any machine, no network and nothing installed:

    python3 verify.py

It says GOOD (exit 0), or NOT GOOD and what is wrong in which file (exit 3). To be sure who signed, ask the operator for the id
of the signing key by another way than this archive, and run `python3 verify.py --key-id ID`.

events.ndjson     every event of the run in order, one a line: who recorded what when. state and metadata are shown as text;
                  state_base64 and metadata_base64 are the exact stored bytes that the hashes cover
run.json          the run as it stood at the export, for people. Names and e-mails in it are of that day and are not hashed;
                  titles, descriptions, outcomes and what is deleted are compared with the events
files.json        the data files registered with the run and their SHA-256
chain.json        for each event its position in the ledger, the chain hash before and after it; and the hashes of the events from
                  there to the next signed checkpoint. Of other runs it holds hashes only
checkpoints.json  the signed checkpoints that are reached
public-keys.json  the public keys (Ed25519) of the ledger, each signed by the one before it
manifest.json     the SHA-256 of every file; signed, if the exporting host held the key
verify.py         the verifier. It is short: read it

How the hashes are made: an event's hash is the SHA-256 of a header line (a JSON array of its columns and the length of its state),
the state and the metadata. The chain hash of a position is the SHA-256 of the chain hash before it followed by the event's hash;
before position 1 stand 32 zero bytes. A checkpoint signs position, chain hash and time.

What it shows: nothing in these events was changed, left out, added or put in another order since they were recorded.
What it cannot show: that nothing was recorded after the last event in it, and that what people recorded is true.
"""
