"""The environments of the twins, apart from the product's: made from their hashed locks, kept in `.peers` until a lock changes."""

import hashlib
import subprocess
import sys
from pathlib import Path

import bootstrap

HERE = Path(__file__).parent
HOME = bootstrap.ROOT / ".peers"


def binaries(twin: str) -> Path:
    """The folder with the programs of a twin's environment."""
    home, lock = HOME / twin, HERE / f"{twin}.lock"
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    stamp = home / "stamp"
    if not stamp.exists() or stamp.read_text() != wanted:
        uv = bootstrap.get_uv()
        if uv is None:
            raise FileNotFoundError("uv could not be had; the twins' environments are made with it")
        env = bootstrap.uv_environment()
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, home], env=env, check=True)
        subprocess.run([uv, "pip", "sync", "-q", "--python", home / "bin" / "python", "--require-hashes", lock], env=env, check=True)
        stamp.write_text(wanted)
    return home / "bin"
