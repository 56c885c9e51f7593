"""What is signed: checkpoints of the chain and the keys that sign them, each as one text that anyone can rebuild."""

import hashlib
from datetime import UTC, datetime

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY_ID_DIGITS = 16


class Checkpoint(msgspec.Struct, frozen=True):
    """The chain hash at a position, and when it stood there; hashes and signature are hexadecimal."""

    seq: int
    chain_hash: str
    at: str
    key_id: str
    signature: str = ""

    def text(self) -> bytes:
        return f"runledger checkpoint\n{self.seq}\n{self.chain_hash}\n{self.at}\n{self.key_id}\n".encode()


class PublicKey(msgspec.Struct, frozen=True):
    """A key (hexadecimal) and the signature of the key before it; the first one signs itself."""

    key_id: str
    public_key: str
    at: str
    signed_by: str
    signature: str = ""

    def text(self) -> bytes:
        return f"runledger key\n{self.key_id}\n{self.public_key}\n{self.at}\n{self.signed_by}\n".encode()


def key_id_of(public_key: bytes) -> str:
    """The first 16 hexadecimal digits of the public key's SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:KEY_ID_DIGITS]


def is_signed(statement: Checkpoint | PublicKey, public_key: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(statement.signature), statement.text())
    except (InvalidSignature, ValueError):
        return False
    return True


def stamp(moment: datetime) -> str:
    """`2026-04-13T11:00:00.000000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
