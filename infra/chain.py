"""The hash chain over the log: what is hashed, and how one hash leads to the next."""

import hashlib

GENESIS = bytes(32)

# What stands before the stored bytes in the hash: every other column of the event, as one JSON array, so that no two
# different events can give the same text. Times are microseconds since 1970.
HEADER = """concat('[', e.xid, ',', e.notification_id, ',"', e.originator_id, '",', e.originator_version, ',"', e.root_id, '",',
    e.root_version, ',', to_json(e.kind), ',', to_json(e.topic), ',', e.schema_number, ',',
    (extract(epoch FROM e.recorded_at) * 1000000)::bigint, ',', length(e.state), ']')"""


def event_hash(header: str, state: bytes, metadata: bytes) -> bytes:
    """SHA-256 of header, a line feed, the stored state and the stored metadata (the header holds the state's length)."""
    digest = hashlib.sha256(header.encode())
    digest.update(b"\n")
    digest.update(state)
    digest.update(metadata)
    return digest.digest()


def chained(before: bytes, event: bytes) -> bytes:
    """SHA-256 of the chain hash before and the event's hash; `GENESIS` stands before position 1."""
    return hashlib.sha256(before + event).digest()
