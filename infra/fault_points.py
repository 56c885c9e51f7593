"""Named moments at which a test harms this very process: `FAULT_POINT=name:hit:deed` in its environment; nothing without it."""

import asyncio
import os
import signal
from collections import Counter

STALL_S = 3_600.0
_passed: Counter[str] = Counter()


async def reach(name: str) -> None:
    """The process is here. At the `hit`-th time (from 1) the deed is done to it: `kill`, which is the default, `stop` or `stall`."""
    if reach_in_thread(name) == "stall":
        await asyncio.sleep(STALL_S)


def reach_in_thread(name: str) -> str:
    """The same for what is no coroutine, which cannot stall; the deed that is due, or nothing."""
    wanted, hit, deed = [*os.environ.get("FAULT_POINT", "").split(":"), "", ""][:3]
    if name != wanted:
        return ""
    _passed[name] += 1
    if _passed[name] != int(hit or 1):
        return ""
    if deed != "stall":
        os.kill(os.getpid(), signal.SIGSTOP if deed == "stop" else signal.SIGKILL)
    return deed
