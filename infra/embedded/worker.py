"""The worker program beside the API, watched and started again like the servers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from infra.embedded.processes import spawn, stop
from infra.settings import Settings

LEAVE_S = 15.0  # after the grace period


class Worker:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command: list[str | Path] = [sys.executable, "-m", "cli.main", "worker"]
        directory = self.settings.data_dir
        # Given by name: a directory relative to where the API was called would be another one for the worker.
        environment = os.environ | self.settings.addresses() | {"RUNLEDGER_DATA_DIR": str(directory)}
        self.process = spawn(command, directory / "logs" / "worker.log", signal.SIGTERM, env=environment)

    def stop(self) -> None:
        stop(self.process, signal.SIGTERM, self.settings.grace_s + LEAVE_S)
