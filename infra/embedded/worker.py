"""The worker program beside the API, watched and started again like the servers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from infra.embedded.processes import spawn, stop
from infra.settings import Settings


class Worker:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command: list[str | Path] = [sys.executable, "-m", "cli.main", "worker"]
        log = self.settings.data_dir / "logs" / "worker.log"
        self.process = spawn(command, log, signal.SIGTERM, env=os.environ | self.settings.addresses())

    def stop(self) -> None:
        stop(self.process, signal.SIGTERM)
