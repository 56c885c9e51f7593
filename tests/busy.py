"""Processors that others are busy on."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def busy_processors() -> Iterator[None]:
    """Three others want each of them."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3 * (os.cpu_count() or 1))]
    try:
        time.sleep(0.5)
        yield
    finally:
        for each in others:
            each.kill()
            each.wait()


def work(seconds: float) -> None:
    """Takes a processor for so long, as far as it gets one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
