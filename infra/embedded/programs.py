"""Our own programs beside the servers, watched and started again like them."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.embedded.processes import spawn, stop
from infra.settings import Settings

LEAVE_S = 15.0  # after the grace period


class OwnProgram:
    """`command` is one of `runledger`; without a log it writes where we do."""

    def __init__(self, settings: Settings, command: list[str], log: Path | None, patience_s: float, **options: Any) -> None:
        self.command, self.log, self.patience_s, self.options = command, log, patience_s, options
        # Given by name: a directory relative to where we were called would be another one for the child.
        self.environment = os.environ | settings.addresses() | {"RUNLEDGER_DATA_DIR": str(settings.data_dir)}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command: list[str | Path] = [sys.executable, "-m", "cli.main", *self.command]
        self.process = spawn(command, self.log, signal.SIGTERM, env=self.environment, **self.options)

    def stop(self) -> None:
        stop(self.process, signal.SIGTERM, self.patience_s)


class Worker(OwnProgram):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, ["worker"], settings.data_dir / "logs" / "worker.log", settings.grace_s + LEAVE_S)


class Api(OwnProgram):
    """One of several processes that answer at the same port; `figures` is the folder where all of them count."""

    def __init__(self, settings: Settings, listener: socket.socket, figures: Path) -> None:
        super().__init__(settings, ["serve", "--listener", str(listener.fileno())], None, LEAVE_S, pass_fds=[listener.fileno()])
        self.environment |= {"PROMETHEUS_MULTIPROC_DIR": str(figures)}
