"""A program of ours in a process of its own that may fail: without our secrets, with limits of time, memory and output."""

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from infra.embedded.processes import leaving_with_us

WATCH_S = 0.1
WRITTEN_BYTES_MAX = 64 * 2**20  # of each file
ADDRESSES_MB = 8_192  # beside what it may hold: libraries reserve far more than they use
SAID_CHARACTERS_MAX = 2_000
NICENESS = 10  # whoever waits for an answer goes first
_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(Path(__file__).parents[1]), "POLARS_MAX_THREADS": "2"}
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Limits(NamedTuple):
    seconds: float
    memory_mb: int


class TooMuch(Exception):
    """The program was ended at one of its limits; the text says which, after "The analysis"."""


class Broken(Exception):
    """The program ended by itself with an error; `said` is the end of what it wrote to stderr."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"ended with exit code {code}")
        self.said = said


async def run(command: Sequence[str], folder: Path, limits: Limits) -> None:
    """Runs `command` in `folder` to its end. Raises `TooMuch` or `Broken`; ends it when cancelled, and when we die."""
    with (folder / "stderr").open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            cwd=folder,
            env=_ENVIRONMENT | {"HOME": str(folder), "TMPDIR": str(folder)},
            start_new_session=True,
            preexec_fn=_confined(limits),
        )
    try:
        async with asyncio.timeout(limits.seconds):
            await _watch(process, limits.memory_mb)
    except TimeoutError:
        raise TooMuch(f"took longer than {limits.seconds:.0f} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        raise Broken(process.returncode, (folder / "stderr").read_text(errors="replace")[-SAID_CHARACTERS_MAX:])


def _confined(limits: Limits) -> Callable[[], None]:
    """What the child does before it becomes the program."""
    leave = leaving_with_us(signal.SIGKILL)
    sizes = {
        resource.RLIMIT_AS: (limits.memory_mb + ADDRESSES_MB) * 2**20,
        resource.RLIMIT_CPU: int(limits.seconds * 2) + 1,  # several threads may be at work
        resource.RLIMIT_FSIZE: WRITTEN_BYTES_MAX,
        resource.RLIMIT_CORE: 0,
    }

    def confine() -> None:
        leave()
        os.nice(NICENESS)
        for kind, most in sizes.items():
            resource.setrlimit(kind, (most, most))

    return confine


async def _watch(process: asyncio.subprocess.Process, memory_mb: int) -> None:
    """Until it has ended; looks from time to time what it holds."""
    ended = asyncio.ensure_future(process.wait())
    while not (await asyncio.wait({ended}, timeout=WATCH_S))[0]:
        if _held_mb(process.pid) > memory_mb:
            raise TooMuch(f"needed more than {memory_mb} MB of memory")


def _held_mb(pid: int) -> float:
    """Resident memory of a process; 0 where it is gone, or where the kernel does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0
    return pages * PAGE_BYTES / 2**20
