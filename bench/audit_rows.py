"""Rows of the audit trail: rebuild with and without writes beside it, and verification."""

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
from msgspec.structs import replace

from bench import figures
from bench.figures import Figures
from bench.ledger_maker import Size
from bench.load import drive_apart
from bench.pace import EVENTS, ROUNDS, say
from bench.requests import outcomes
from bench.world import World
from infra import chain
from infra.audit import verification
from infra.audit.verification import Range
from projections import rebuild as rebuilding
from projections.rebuild import Rebuilt

RUN = Size(1, 10, 20, outcomes=1)
EVENTS_A_RUN = 1 + RUN.cards + 2 * RUN.cards * RUN.steps
HASHED = 100_000
VERIFIED, REBUILT = "≥ 100,000/s", "≥ 30,000/s"  # the goal of a rebuild with search documents


def rebuild(world: World) -> list[Figures]:
    """All views of the ledger from its log, search documents among them, in quiet and while a client writes, beside COPY-out."""
    say(f"making {EVENTS:,} events")
    made = world.make(RUN._replace(runs=max(1, (EVENTS - world.events()) // EVENTS_A_RUN)))
    requests = list(outcomes(world, made[:50]))
    copied: list[float] = []
    quiet: list[Rebuilt] = []
    busy: list[tuple[Rebuilt, float, float]] = []
    for n in range(ROUNDS):
        say(f"round {n + 1}: COPY-out, a rebuild in quiet, one under writes")
        copied.append(_copy_out(world))
        quiet.append(_rebuilt(world))
        busy.append(_rebuilt_while_writing(world, requests))
    done = [*quiet, *(rebuilt for rebuilt, _, _ in busy)]
    rates = [r.events / r.seconds for r in done]
    written = min(rate for _, rate, _ in busy)
    return [
        figures.median("rebuild of all views, search documents included", "/s", REBUILT, rates[:ROUNDS], copied),
        figures.median(f"the same with a client writing {written:,.0f}/s", "/s", REBUILT, rates[ROUNDS:], copied),
        figures.median("pause of appends at the swap", "ms", "< 100 ms", [r.pause_ms or 0 for r in done]),
        figures.median("rows that differed from the live views", "", "= 0", [float(sum(d.rows for d in r.differences)) for r in done]),
        figures.median("slowest of the writes meanwhile, none refused", "ms", "", [slowest for _, _, slowest in busy]),
    ]


def _rebuilt(world: World) -> Rebuilt:
    settings = replace(world.settings, owner_url=world.owner_url)
    return asyncio.run(rebuilding.run(settings, os.cpu_count() or 1, lambda *_: None))


def _rebuilt_while_writing(world: World, requests: list[bytes]) -> tuple[Rebuilt, float, float]:
    """With the writes a second, and the slowest of them in milliseconds."""
    ended = threading.Event()

    def write() -> tuple[int, float, float]:
        count, seconds, slowest = 0, 0.0, 0.0
        while not ended.is_set():
            load = drive_apart(world.port, requests, 1, 2)
            count, seconds, slowest = count + len(load.latencies), seconds + load.seconds, max(slowest, *load.latencies)
        return count, seconds, slowest

    with ThreadPoolExecutor(1) as beside:
        writing = beside.submit(write)
        try:
            done = _rebuilt(world)
        finally:
            ended.set()
        count, seconds, slowest = writing.result()
    return done, count / seconds, 1000 * slowest


def _copy_out(world: World) -> float:
    with psycopg.connect(world.owner_url) as conn:
        begun, schema = time.perf_counter(), world.settings.schema
        with conn.cursor().copy(f"COPY (SELECT * FROM {schema}.events) TO STDOUT (FORMAT BINARY)") as copy:
            while copy.read():
                pass
        taken = time.perf_counter() - begun
    return world.events() / taken


def verify(world: World) -> list[Figures]:
    """The whole ledger: every hash, the chain, versions and checkpoints, beside hashing the same bytes in memory."""
    settings = replace(world.settings, owner_url=world.owner_url)
    if world.events() < EVENTS // 2:
        world.make(RUN._replace(runs=max(1, EVENTS // EVENTS_A_RUN)))
    last = world.settle()
    ours, hashed = [], []
    for n in range(ROUNDS):
        say(f"round {n + 1}, {last:,} events")
        hashed.append(_hashing_alone(world))
        begun = time.perf_counter()
        report = verification.verify(settings, Range(0, last), lambda _: None).report()
        ours.append(last / (time.perf_counter() - begun))
        if not report.ok:
            raise RuntimeError(f"the ledger of the benchmark does not verify: {report.problems[:3]}")
    return [figures.median(f"verify, {last:,} events", "/s", VERIFIED, ours, hashed)]


def _hashing_alone(world: World) -> float:
    sql = f"SELECT {chain.HEADER}, e.state, e.metadata FROM {world.settings.schema}.events e LIMIT {HASHED}"
    with psycopg.connect(world.owner_url) as conn:
        rows = conn.execute(sql, binary=True).fetchall()
    begun, before = time.perf_counter(), chain.GENESIS
    for header, state, metadata in rows:
        before = chain.chained(before, chain.event_hash(header, state, metadata))
    return len(rows) / (time.perf_counter() - begun)
