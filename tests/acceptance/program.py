"""The real program on a free port and its own data directory: started, ended and killed as an operator or a fault would."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx

from commands import tokens
from infra.embedded.processes import free_port

ROOT = Path(__file__).parent.parent.parent
START_S_MAX = 60
END_S_MAX = 30
SERVERS = ("postgres", "valkey-server", "rclone")


class Program:
    """`settings` are further RUNLEDGER_* variables; `options` are Popen's, for another user or command."""

    def __init__(self, directory: Path, settings: dict[str, str] | None = None, command: list[str] | None = None, **options: Any) -> None:
        self.directory, self.port, self.token = directory, free_port(), tokens.fresh()
        self.command = command or [str(Path(sys.executable).with_name("runledger")), "serve"]
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNLEDGER_")}
        self.environment |= {"RUNLEDGER_DATA_DIR": str(directory), "PORT": str(self.port), "RUNLEDGER_ADMIN_TOKEN": self.token}
        self.environment |= {"RUNLEDGER_RATE_CAPACITY": "0"}
        self.environment |= settings or {}
        self.options = {"cwd": ROOT, **options}
        self.output = directory.parent / f"{directory.name}.output"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.end()

    def launch(self) -> Self:
        """Starts without waiting."""
        assert self.process is None or self.process.poll() is not None, "it runs already"
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self.options,
            )
        return self

    def start(self) -> Self:
        """Starts and waits until it is ready."""
        self.launch()
        end = time.monotonic() + START_S_MAX
        while not self.is_ready():
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)
        return self

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def end(self, farewell: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end and gives its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(farewell)
        return self.process.wait(END_S_MAX)

    def end_by_itself(self) -> int:
        """Waits for a program that cannot serve."""
        assert self.process is not None
        return self.process.wait(START_S_MAX)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def addresses(self) -> dict[str, str]:
        """What the data directory's file `env` says."""
        lines = (line.partition("=") for line in (self.directory / "env").read_text().splitlines())
        return {name: shlex.split(value)[0] for name, _, value in lines}

    def servers(self) -> dict[str, int]:
        """The process ids of its embedded servers, by name."""
        return {name: pid for pid, parent, name in processes() if parent == self.pid and name in SERVERS}


def processes() -> list[tuple[int, int, str]]:
    """Every process of the machine that is no zombie: id, parent's id, name."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            _, _, rest = (folder / "stat").read_text().partition("(")
        except OSError:
            continue
        name, _, facts = rest.rpartition(") ")
        state, parent = facts.split()[:2]
        if state != "Z":
            found.append((int(folder.name), int(parent), name))
    return found


def alive(pid: int) -> bool:
    return any(pid == found for found, _, _ in processes())
