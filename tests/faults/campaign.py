"""The whole program under seeded harm: `python -m tests.faults.campaign --minutes 30 [--seed N]` runs rounds and counts."""

import argparse
import asyncio
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.acceptance.journal import Journal, JournalingClient
from tests.faults import invariants, nemesis
from tests.faults.clients import Client, Ground, Object, Tally
from tests.faults.deployment import Deployment
from tests.faults.nemesis import Broken, Harm
from tests.infra import stores

CLIENTS = 4
OBJECTS = 8
CALM_S = 0.7  # between two harms, so that an answer can be told to belong to one
ROUND_HARMS = 16


class Round(NamedTuple):
    seed: int
    harms: Counter[str]
    asked: int
    acknowledged: int
    refused: int
    unknown: int
    events: int
    lost: int
    doubled: int
    divergent: int
    recovery_s: float
    slowest_s: dict[str, float]
    breaches: list[str]


def chosen(seed: int, count: int = ROUND_HARMS) -> list[Harm]:
    """What a round of this seed injects, in order."""
    return random.Random(seed).sample(nemesis.ALL, count)


async def play(seed: int, harms: Sequence[Harm], settings: dict[str, str] | None = None) -> Round:
    """One round on a deployment of its own: harm it while clients work, heal it, resolve what is unknown, check everything."""
    with TemporaryDirectory(prefix="runledger-campaign-") as name:
        Path(name).chmod(0o711)
        async with Deployment(Path(name) / "data", settings) as there:
            return await _play(there, seed, harms, Journal(Path(name) / "journal"))


async def _play(there: Deployment, seed: int, harms: Sequence[Harm], journal: Journal) -> Round:
    tally, stopping, ground = Tally(), threading.Event(), Ground(await _objects(there))
    tally.secrets = invariants.secrets(there)
    http = [JournalingClient(there.api.url, there.api.token, journal) for _ in range(CLIENTS)]
    clients = [Client(each, ground, tally, random.Random(f"{seed} {n}"), stopping) for n, each in enumerate(http)]
    for client in clients:
        client.start()
    breaches, recovery_s = list[str](), 0.0
    await there.is_ready()  # a worker that is still starting has no manners yet
    try:
        for harm in harms:
            tally.phase = f"calm before {harm.__name__}"
            await asyncio.sleep(CALM_S)
            tally.phase = harm.__name__
            try:
                await harm(there, random.Random(f"{seed} {harm.__name__}"))
            except Broken as broken:
                breaches.append(f"{harm.__name__}: {broken}")
            tally.phase = f"recovery from {harm.__name__}"
            recovery_s = max(recovery_s, await there.is_ready())
    finally:
        stopping.set()
    for client in clients:
        await asyncio.to_thread(client.join)
    breaches += [f"a client broke: {client.failure!r}" for client in clients if client.failure]
    unknown = sum(operation.keyed and not operation.is_settled for operation in journal.read())
    await asyncio.to_thread(http[0].resolve)
    await invariants.is_quiet(there)
    found = await invariants.check(there, journal)
    breaches += [*tally.unexpected, *_refusals(tally), *found.breaches]
    done = Counter(operation.is_done for operation in journal.read())
    counted = Counter(harm.__name__ for harm in harms)
    _, lost, doubled, divergent, _ = found
    return Round(
        seed, counted, tally.asked, done[True], done[False], unknown, found.events, lost, doubled, divergent, recovery_s, tally.slowest, breaches
    )  # fmt: skip


async def _objects(there: Deployment) -> list[Object]:
    made = []
    for n in range(OBJECTS):
        content = b"t,v\n" + b"".join(b"%d,%d\n" % (i, i * n) for i in range(20))
        await stores.put(there.settings, f"{n}.csv", content)
        made.append(Object(f"s3://runledger/{n}.csv", len(content)))
    return made


def _refusals(tally: Tally) -> list[str]:
    """Harms under which nobody may have been told no."""
    patient = {harm.__name__ for harm in (*nemesis.HARMLESS, *nemesis.WITHOUT_REDIS, *nemesis.WITHOUT_S3)}
    files = {harm.__name__ for harm in nemesis.WITHOUT_S3}
    return [
        f"{count} requests {about} got {status} under {phase}"
        for (phase, status, about), count in tally.refused.items()
        if phase in patient and not (about == "to register a file" and phase in files)
    ]


def table(rounds: Sequence[Round]) -> str:
    harms = sum((each.harms for each in rounds), Counter[str]())
    names = ("asked", "acknowledged", "refused", "unknown", "events", "lost", "doubled", "divergent")
    lines = [f"{name:>14}: {sum(getattr(each, name) for each in rounds):,}" for name in names]
    lines += [f"{'slowest start':>14}: {max(each.recovery_s for each in rounds):.1f} s after a harm was over"]
    lines += [f"{'breaches':>14}: {sum(len(each.breaches) for each in rounds)}"]
    lines += [f"{'harms':>14}: {harms.total()}: " + ", ".join(f"{name} {count}" for name, count in sorted(harms.items()))]
    lines += [f"{'seeds':>14}: " + " ".join(str(each.seed) for each in rounds)]
    return "\n".join(lines)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is what `make faults` reports


def main() -> int:
    asked = argparse.ArgumentParser()
    asked.add_argument("--minutes", type=float, default=2)
    asked.add_argument("--seed", type=int, default=int(time.time()))
    asked.add_argument("--harms", default="", help="names, instead of those that the seed chooses")
    options = asked.parse_args()
    ends_at, rounds = time.monotonic() + options.minutes * 60, list[Round]()
    while not rounds or time.monotonic() < ends_at:
        seed = options.seed + len(rounds)
        harms = [getattr(nemesis, name) for name in options.harms.split(",") if name] or chosen(seed)
        began = time.monotonic()
        done = asyncio.run(play(seed, harms))
        rounds.append(done)
        say(f"seed {seed}: {time.monotonic() - began:.0f} s, {done.acknowledged} acknowledged, {done.unknown} unknown resolved, "
            f"{done.events} events, {len(done.breaches)} breaches")  # fmt: skip
        for breach in done.breaches[:20]:
            say(f"  {breach[:600]}")
        slow = sorted(done.slowest_s.items(), key=lambda pair: -pair[1])[:6]
        say("  slowest answers: " + ", ".join(f"{phase} {took:.1f} s" for phase, took in slow))
    say(table(rounds))
    return int(any(each.breaches for each in rounds))


if __name__ == "__main__":
    sys.exit(main())
