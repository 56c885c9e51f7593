"""The embedded servers' passwords, keys and ports: made at the first start, kept in one private file."""

import logging
import os
import secrets
from pathlib import Path

import msgspec

from infra.embedded.processes import CannotStart, free_port, port_becomes_free

logger = logging.getLogger("runledger.embedded")


class Credentials(msgspec.Struct):
    owner_password: str
    app_password: str
    valkey_password: str
    s3_access_key: str
    s3_secret_key: str
    valkey_port: int
    s3_port: int


def kept(path: Path) -> Credentials:
    """The file's credentials, new ones where there is none; a port that another program took meanwhile is replaced."""
    found = _read(path) if path.exists() else _make()
    for name in ("valkey_port", "s3_port"):
        if not port_becomes_free(getattr(found, name)):
            logger.warning("port %s is used by another program; taking another one", getattr(found, name))
            setattr(found, name, free_port())
    write_private(path, msgspec.json.encode(found).decode())
    return found


def _read(path: Path) -> Credentials:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except msgspec.DecodeError:
        raise CannotStart(f"{path} is damaged. Put it back from a backup of the data directory.") from None


def _make() -> Credentials:
    return Credentials(
        owner_password=secrets.token_hex(24),
        app_password=secrets.token_hex(24),
        valkey_password=secrets.token_hex(24),
        s3_access_key=secrets.token_hex(10),
        s3_secret_key=secrets.token_hex(20),
        valkey_port=free_port(),
        s3_port=free_port(),
    )


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, also over a power cut, and readable by us only from its first byte."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    with fresh.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
