"""Named moments at which a test harms this very process: `FAULT_POINT=name:hit:deed` in its environment; nothing without it."""

import asyncio
import os
import signal
from collections import Counter

STALL_S = 3_600.0
_passed: Counter[str] = Counter()


async def reach(name: str) -> None:
    """The process is here. At the `hit`-th time (from 1) the deed is done to it: `kill`, which is the default, `stop` or `stall`."""
    wanted, hit, deed = [*os.environ.get("FAULT_POINT", "").split(":"), "", ""][:3]
    if name != wanted:
        return
    _passed[name] += 1
    if _passed[name] != int(hit or 1):
        return
    match deed:
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "stall":
            await asyncio.sleep(STALL_S)
        case _:
            os.kill(os.getpid(), signal.SIGKILL)
