"""Reports asked for while workers and Redis are harmed at random: `make faults` takes longer, and another seed each time."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable

from infra.embedded.valkey import Valkey
from tests.faults.rig import ENDS, LEASE_S, WAIT_S_MAX, Rig, Worker, until

SEED = int(os.environ.get("FAULT_SEED", "20261"))
CAMPAIGN_S = float(os.environ.get("FAULT_S", "6"))
WORKERS = 2


async def test_under_random_harm_every_report_ends_once(rig: Rig, valkey: Valkey, tell: Callable[[str], None]) -> None:
    chance = random.Random(SEED)
    working, asked, harms = [start(rig, valkey) for _ in range(WORKERS)], list[str](), Counter[str]()
    ends_at = time.monotonic() + CAMPAIGN_S
    while time.monotonic() < ends_at:
        asked.append(rig.ask())
        if chance.random() < 0.05:
            rig.cancel_if_open(asked[-1])
        await asyncio.sleep(chance.uniform(0, 0.4))
        if chance.random() < 0.2:
            place = chance.randrange(WORKERS)
            harm = chance.choice(("kill", "end", "hang", "wipe", "restart"))
            harms[harm] += 1
            working[place] = await harmed(harm, working[place], rig, valkey)
    await until(lambda: all(any(name in ENDS for name, _ in rig.told(report)) for report in asked), WAIT_S_MAX + CAMPAIGN_S)
    ends = Counter(name for report in asked for name, _ in rig.told(report) if name in ENDS)
    tell(f"seed {SEED}: {len(asked)} reports, {dict(harms)}, {dict(ends)}")
    assert sum(ends.values()) == len(asked)


def start(rig: Rig, valkey: Valkey) -> Worker:
    return rig.worker(RUNLEDGER_REDIS_URL=valkey.url, RUNLEDGER_GRACE_S="1")


async def harmed(harm: str, worker: Worker, rig: Rig, valkey: Valkey) -> Worker:
    """The worker that is there after it."""
    match harm:
        case "kill":
            worker.kill()
        case "end":
            await worker.end()
        case "hang":
            worker.stop()
            await asyncio.sleep(2 * LEASE_S)
            worker.go_on()
            return worker
        case "wipe":
            rig.redis(valkey.url).flushall()
            return worker
        case "restart":
            valkey.stop()
            valkey.start()
            return worker
    return start(rig, valkey)
