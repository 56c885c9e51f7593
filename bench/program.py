"""The real program in a process of its own, on embedded servers with fsync on and a data directory that is thrown away."""

import http.client
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from commands import tokens
from infra.embedded.processes import free_port

ROOT = Path(__file__).parent.parent
START_S_MAX = 60
DISK = "/var/tmp"  # noqa: S108 - kept on disk by convention, where /tmp may be memory and fsync free


class Program:
    """Starts on entering, with further settings from `environment`; `addresses` are those of its servers."""

    def __init__(self, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self.environment = environment
        self.directory = Path(tempfile.mkdtemp(prefix="runledger-bench-", dir=DISK))
        self.directory.chmod(0o711)  # the server runs as another user when we are root
        self.port, self.token = free_port(), tokens.fresh()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def start(self) -> float:
        """Seconds until the first 200 of /readyz."""
        env = os.environ | {"RUNLEDGER_DATA_DIR": str(self.directory), "RUNLEDGER_ADMIN_TOKEN": self.token, "PORT": str(self.port)}
        env |= self.environment
        env["RUNLEDGER_RATE_CAPACITY"] = "0"  # one token sends more than any client should
        begun = time.perf_counter()
        self.process = subprocess.Popen([sys.executable, "-m", "cli.main", "serve"], cwd=ROOT, env=env, stdin=subprocess.DEVNULL)
        while time.perf_counter() < begun + START_S_MAX:
            if self.process.poll() is not None:
                raise RuntimeError(f"the program ended with {self.process.returncode}")
            if self._ready():
                return time.perf_counter() - begun
            time.sleep(0.01)
        raise TimeoutError("the program did not become ready")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(START_S_MAX)

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def addresses(self) -> dict[str, str]:
        lines = shlex.split((self.directory / "env").read_text())
        return dict(line.split("=", 1) for line in lines)

    @property
    def app_url(self) -> str:
        return self.addresses["RUNLEDGER_DATABASE_URL"]

    @property
    def owner_url(self) -> str:
        return self.addresses["RUNLEDGER_DATABASE_OWNER_URL"]

    def memory_mb(self) -> tuple[float, float]:
        """What the API process and the worker hold now (RSS)."""
        api = self.process.pid if self.process else 0
        children = Path(f"/proc/{api}/task/{api}/children").read_text().split()
        workers = [int(pid) for pid in children if Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").endswith(b"\0worker")]
        return _rss_mb(api), sum(_rss_mb(pid) for pid in workers)

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def _rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
