"""The key that signs checkpoints: made at first start in the data directory, changed by a statement of the key before it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from psycopg import Connection

from infra.audit import journal
from infra.audit.statements import Checkpoint, PublicKey, key_id_of, stamp
from infra.settings import Settings

_ALL = "SELECT key_id, encode(public_key, 'hex'), at, signed_by, encode(signature, 'hex') FROM signing_keys ORDER BY at, key_id"
_INSERT = """INSERT INTO signing_keys (key_id, public_key, at, signed_by, signature)
  VALUES (%s, decode(%s, 'hex'), %s, %s, decode(%s, 'hex')) ON CONFLICT DO NOTHING"""


class NoKey(Exception):
    """The ledger's checkpoints are signed by a key that this host does not have."""


class Signer:
    """A private key with its id."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public_key)

    def sign(self, statement: Checkpoint | PublicKey) -> str:
        return self.sign_bytes(statement.text())

    def sign_bytes(self, text: bytes) -> str:
        return self._private.sign(text).hex()

    def describe(self, at: str, by: "Signer") -> PublicKey:
        """The public key as a statement of `by`."""
        bare = PublicKey(self.key_id, self.public_key.hex(), at, by.key_id)
        return msgspec.structs.replace(bare, signature=by.sign(bare))

    def pem(self) -> bytes:
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def folder(settings: Settings) -> Path:
    return settings.data_dir / "keys"


def public_file(settings: Settings) -> Path:
    return folder(settings) / "public.ndjson"


def present(settings: Settings) -> Signer | None:
    """The key of this host, or None where none was made."""
    try:
        return _read(folder(settings) / "signing.pem")
    except FileNotFoundError:
        return None


def known(conn: Connection[Any]) -> list[PublicKey]:
    """The ledger's public keys, oldest first."""
    return [PublicKey(key_id, public, stamp(at), by, signature) for key_id, public, at, by, signature in conn.execute(_ALL)]


def provide(conn: Connection[Any], settings: Settings) -> Signer:
    """The key of this host; the ledger's first one is made here. Call it under the checkpoint lock.

    NoKey where the newest key of the ledger is another host's: take its `keys` directory over.
    """
    listed = known(conn)
    _finish_rotation(settings, listed)
    signer = present(settings)
    if signer is None and not listed:
        signer = Signer(Ed25519PrivateKey.generate())
        _write(folder(settings) / "signing.pem", signer.pem())
    if signer is None or (listed and listed[-1].key_id != signer.key_id):
        raise NoKey(f"This ledger's checkpoints are signed by key {listed[-1].key_id}, which is not in {folder(settings)}.")
    if not listed:
        listed = [signer.describe(stamp(datetime.now(UTC)), signer)]
        _record(conn, listed[0])
    journal.complete(public_file(settings), listed, PublicKey, lambda key: key.key_id)
    return signer


def rotate(conn: Connection[Any], settings: Settings) -> PublicKey:
    """A new key that the present one vouches for; the present private key is destroyed. Call it under the checkpoint lock."""
    before = provide(conn, settings)
    after = Signer(Ed25519PrivateKey.generate())
    statement = after.describe(stamp(datetime.now(UTC)), before)
    coming = folder(settings) / "coming.pem"
    _write(coming, after.pem())
    with conn.transaction():
        _record(conn, statement)
    coming.replace(folder(settings) / "signing.pem")
    journal.complete(public_file(settings), known(conn), PublicKey, lambda key: key.key_id)
    return statement


def _finish_rotation(settings: Settings, listed: list[PublicKey]) -> None:
    """A rotation that was cut off after the ledger had the new key."""
    coming = folder(settings) / "coming.pem"
    if coming.exists() and listed and _read(coming).key_id == listed[-1].key_id:
        coming.replace(folder(settings) / "signing.pem")


def _record(conn: Connection[Any], key: PublicKey) -> None:
    conn.execute(_INSERT, (key.key_id, key.public_key, key.at, key.signed_by, key.signature))


def _read(path: Path) -> Signer:
    private = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise NoKey(f"{path} holds no Ed25519 key.")
    return Signer(private)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and readable by us only from its first byte."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    journal.sync(fresh)
    fresh.replace(path)
    journal.sync(path.parent)
