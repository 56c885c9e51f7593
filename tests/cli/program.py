"""The real `runledger` as a process of its own, as a person or a script starts it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

RUNLEDGER = Path(sys.executable).parent / "runledger"
WAIT_S_MAX = 60
COMPILED = Path(tempfile.gettempdir()) / f"runledger-tests-{os.getuid()}"  # without compiled modules a process starts three times slower


def environment(directory: Path, **more: str) -> dict[str, str]:
    """Nothing of the developer's own settings; PORT 0 takes any free port."""
    left_out = ("RUNLEDGER_", "NO_COLOR", "FORCE_COLOR", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"RUNLEDGER_DATA_DIR": str(directory), "PORT": "0", "PYTHONPYCACHEPREFIX": str(COMPILED)} | more


def runledger(directory: Path, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RUNLEDGER, *args],
        env=environment(directory, **more),
        cwd=directory.parent,
        capture_output=True,
        text=True,
        timeout=WAIT_S_MAX,
        check=False,
    )


class Serving:
    """`runledger serve --json` on a directory; `said` is what it told on its first line of stdout."""

    started: ClassVar[list["Serving"]] = []

    def __init__(self, directory: Path, **more: str) -> None:
        self.directory = directory
        self.process = subprocess.Popen(
            [RUNLEDGER, "serve", "--json"],
            env=environment(directory, **more),
            cwd=directory.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        Serving.started.append(self)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.said: dict[str, Any] = json.loads(line) if line else {}
        if not line:
            raise AssertionError(self.process.communicate()[1])

    @property
    def url(self) -> str:
        return str(self.said["url"])

    def end(self, farewell: signal.Signals) -> tuple[int, str]:
        """Exit code and stderr after a signal."""
        self.process.send_signal(farewell)
        _, errors = self.process.communicate(timeout=WAIT_S_MAX)
        return self.process.returncode, errors

    def run(self, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same host and directory."""
        return runledger(self.directory, *args, **more)


def servers_of(directory: Path) -> set[str]:
    """Names of living processes that were started for the directory or work in it."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes().decode(errors="replace") + " " + str((entry / "cwd").readlink())
            if str(directory) in told:
                found.add((entry / "comm").read_text().strip())
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it ended meanwhile, or is somebody else's
            continue
    return found


def none_left(directory: Path) -> bool:
    """Whether every server of the directory ends within WAIT_S_MAX."""
    end = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < end:
        if not servers_of(directory):
            return True
        time.sleep(0.05)
    return False
