"""`make soak MINUTES=20`: a mixed load at half of what the machine can take, and whether memory, lag and answers stay as they were.

The load is that of a campaign: outcomes, observations, runs read and listed, searches, and a report every few seconds over a file in S3.
"""

import asyncio
import itertools
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

import click
import msgspec
import psycopg

from bench.figures import percentiles
from bench.ledger_maker import Made, Size
from bench.load import Load, drive, drive_apart, request
from bench.program import Program
from bench.requests import outcomes
from bench.world import World
from infra import database, sequence, storage
from infra.settings import Settings

MINUTES = float(os.environ.get("MINUTES") or "20")
PROBE_S, STRETCH_S, REPORT_S = 8.0, 20.0, 5.0
SHARE, CLIENTS = 0.5, 32
RUNS = Size(60, 5, 20, outcomes=1)
GROWTH_MAX = 1.1  # of memory, from the second quarter of the time to the last
LAG_S_MAX = 10.0
END_S_MAX = 120.0
FILE = b"time_s,rail_V\n" + b"".join(b"%d,%d.%d\n" % (n, 12 + (n == 700), n % 7) for n in range(2_000))
QUESTIONS = (
    "undervoltage",
    "gets too hot",
    "13 V input",
    "TR-0042",
    "loose connector",
    "step 7",
    "leak at the seal",
    "motor current spike",
)

_REPORTS = "SELECT status, count(*) FROM reports GROUP BY status ORDER BY status"


class Sample(NamedTuple):
    """What the program held at a moment: seconds since the begin, MB, and how long the oldest event without a position waits."""

    at_s: float
    api_mb: float
    worker_mb: float
    lag_s: float


def mixed(world: World, made: list[Made]) -> Iterator[bytes]:
    """Twenty requests at a time: 11 outcomes, an observation, 4 runs, 2 lists, a history and a search."""
    changes = itertools.cycle(outcomes(world, made))
    steps = itertools.cycle((run.run_id, *step) for run in made for step in run.steps)
    runs, questions = itertools.cycle(made), itertools.cycle(QUESTIONS)
    for n in range(2_000):
        yield from itertools.islice(changes, 11)
        run_id, card_id, step_id = next(steps)
        text = msgspec.json.encode({"text": f"Reading {n}: rail at 12.{n % 10} V, nothing unusual"})
        yield request("POST", f"/test-runs/{run_id}/cards/{card_id}/steps/{step_id}/observations", world.token, text)
        for run in itertools.islice(runs, 4):
            yield request("GET", f"/test-runs/{run.run_id}", world.token)
        yield request("GET", "/test-runs?limit=50", world.token)
        yield request("GET", f"/test-runs?limit=20&system_id={world.systems[n % len(world.systems)]}", world.token)
        yield request("GET", f"/test-runs/{run.run_id}/history?order=desc&limit=20", world.token)
        yield request("GET", f"/test-runs/search?q={quote(next(questions))}", world.token)


class Watch(threading.Thread):
    """Samples the program and asks for reports beside the load, until told to end."""

    def __init__(self, world: World, made: list[Made]) -> None:
        super().__init__(daemon=True)
        self._world, self._made, self._ended = world, made, threading.Event()
        self.samples: list[Sample] = []
        self.asked = 0
        self.fault: Exception | None = None

    def run(self) -> None:
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - the main thread tells of it
            self.fault = error

    def end(self) -> None:
        self._ended.set()
        self.join()
        if self.fault is not None:
            raise self.fault

    def _look(self) -> None:
        begun = time.monotonic()
        while not self._ended.wait(REPORT_S):
            lag_s = asyncio.run(_lag_s(self._world))
            self.samples.append(Sample(time.monotonic() - begun, *self._world.program.memory_mb(), lag_s))
            run = self._made[self.asked % len(self._made)]
            _post(self._world, f"/test-runs/{run.run_id}/reports", {"scope": "run"})
            self.asked += 1


async def _lag_s(world: World) -> float:
    async with await database.dedicated(world.settings) as conn:
        return (await sequence.lag(conn)).seconds


def _post(world: World, path: str, body: object) -> None:
    if refused := drive(world.port, [request("POST", path, world.token, msgspec.json.encode(body))], 1, 0).refused:
        raise RuntimeError(refused[0])


def _with_files(world: World, made: list[Made]) -> None:
    """A data file for every run; the bytes are one object."""
    address = world.program.addresses
    settings = Settings(
        data_dir=world.program.directory,
        s3_endpoint=address["RUNLEDGER_S3_ENDPOINT"],
        s3_access_key=address["RUNLEDGER_S3_ACCESS_KEY"],
        s3_secret_key=address["RUNLEDGER_S3_SECRET_KEY"],
    )

    async def put() -> None:
        async with storage.client(settings, connect_s=5, read_s=10) as s3:
            await s3.put_object(Bucket="runledger", Key="soak/rail.csv", Body=FILE)

    asyncio.run(put())
    file = {"file_name": "rail.csv", "s3_url": "s3://runledger/soak/rail.csv", "file_size": len(FILE), "content_type": "text/csv"}
    for run in made:
        _post(world, f"/test-runs/{run.run_id}/data", file)


def _ended_reports(world: World) -> dict[str, int]:
    """How many reports ended how, once none is under way."""
    end = time.monotonic() + END_S_MAX
    with psycopg.connect(world.owner_url, options=world.search_path, autocommit=True) as conn:
        while True:
            told: dict[str, int] = dict(conn.execute(_REPORTS).fetchall())
            if not {"pending", "running"} & set(told) or time.monotonic() > end:
                return told
            time.sleep(1)


def judged(samples: list[Sample], reports: dict[str, int], asked: int) -> dict[str, tuple[str, bool]]:
    """What was seen of each thing that must hold, and whether it does."""
    quarter = max(len(samples) // 4, 1)
    found = {}
    for name in ("api_mb", "worker_mb"):
        before, after = (
            statistics.median(getattr(s, name) for s in part) for part in (samples[quarter : 2 * quarter] or samples, samples[-quarter:])
        )
        found[f"memory of the {name.removesuffix('_mb')}, second quarter to last"] = (
            f"{before:.0f} to {after:.0f} MB",
            after <= before * GROWTH_MAX,
        )
    lag = max(s.lag_s for s in samples)
    found["longest wait of an event for its position"] = f"{lag:.1f} s", lag < LAG_S_MAX
    found["reports, asked for and ended"] = f"{asked}, {reports}", reports == {"completed": asked}
    return found


def main() -> int:
    """Prints a line a minute and what held at the end; 1 where something did not."""
    with Program() as program:
        world = World(program)
        made = world.make(RUNS)
        _with_files(world, made)
        load = list(mixed(world, made))
        full = drive_apart(world.port, load, CLIENTS, PROBE_S).rate
        rate = SHARE * full
        click.echo(f"{full:,.0f} requests/s at most; {rate:,.0f}/s for {MINUTES:g} min, a report every {REPORT_S:g} s")
        watch = Watch(world, made)
        watch.start()
        latencies = _driven(world, load, rate, watch)
        watch.end()
        reports, events = _ended_reports(world), world.settle()
        found = judged(watch.samples, reports, watch.asked)
        cuts = " / ".join(f"{cut:.0f}" for cut in percentiles(latencies))
        click.echo(f"{len(latencies):,} requests, none refused; p50 / p95 / p99 {cuts} ms from when they were due; {events:,} events")
    for name, (seen, holds) in found.items():
        click.echo(f"{'holds' if holds else 'FAILS'}  {name}: {seen}")
    return 0 if all(holds for _, holds in found.values()) else 1


def _driven(world: World, load: list[bytes], rate: float, watch: Watch) -> list[float]:
    """The load in stretches, whose processes end so that the client's own memory does not count; a refused request ends all."""
    latencies: list[float] = []
    begun, told = time.monotonic(), 0.0
    while (now := time.monotonic() - begun) < 60 * MINUTES:
        stretch: Load = drive_apart(world.port, load, CLIENTS, min(STRETCH_S, 60 * MINUTES - now), rate)
        latencies += stretch.latencies
        if now - told >= 60 and watch.samples:
            told, last, p99 = now, watch.samples[-1], percentiles(stretch.latencies)[2]
            click.echo(f"{now / 60:5.1f} min  API {last.api_mb:.0f} MB, worker {last.worker_mb:.0f} MB, p99 {p99:.0f} ms")
        load = load[len(stretch.latencies) % len(load) :] + load[: len(stretch.latencies) % len(load)]
    return latencies


if __name__ == "__main__":
    sys.exit(main())
