"""Rows of the audit trail: rebuild under live writes, verification, and how soon an event has its position."""

import asyncio
import os
import time
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles

import psycopg
from msgspec.structs import replace

from bench.figures import Figures
from bench.ledger_maker import Size
from bench.load import Load, drive_apart
from bench.requests import outcomes
from bench.world import World
from infra import chain, sequence
from infra.audit import verification
from infra.audit.verification import Range
from projections import rebuild as rebuilding

EVENTS = int(os.environ.get("BENCH_EVENTS", "1000000"))
RUN = Size(1, 10, 20, outcomes=1)
EVENTS_A_RUN = 1 + RUN.cards + 2 * RUN.cards * RUN.steps
LAG_S = 8.0
ROUNDS = 3


def rebuild(world: World) -> list[Figures]:
    """All views of the ledger from its log, while one client writes all the time, beside COPY-out of the same events."""
    made = world.make(RUN._replace(runs=max(1, (EVENTS - world.events()) // EVENTS_A_RUN)))
    settings = replace(world.settings, owner_url=world.owner_url)
    floor = median(_copy_out(world) for _ in range(ROUNDS))
    with ThreadPoolExecutor(1) as beside:
        writing = beside.submit(_write_until_told, world, list(outcomes(world, made[:50])))
        done = asyncio.run(rebuilding.run(settings, os.cpu_count() or 1, lambda *_: None))
        _ENDED.append(True)
        written = writing.result()
    slowest = 1000 * max(latency for load in written for latency in load.latencies)
    differing = sum(d.rows for d in done.differences)
    rates = sum(len(load.latencies) for load in written) / sum(load.seconds for load in written)
    return [
        Figures("rebuild, events", "/s", done.events / done.seconds, floor, None, None, None, "100,000/s"),
        Figures("rows that differ from the live views", "", float(differing), None, None, None, None, "0"),
        Figures("pause of appends at the swap", "ms", done.pause_ms or 0, None, None, None, None, "< 100 ms"),
        Figures(f"slowest of the writes meanwhile ({rates:,.0f}/s, none refused)", "ms", slowest, None, None, None, None, ""),
    ]


_ENDED: list[bool] = []


def _write_until_told(world: World, requests: list[bytes]) -> list[Load]:
    """drive_apart raises for an answer that is no success: a refused request ends the benchmark."""
    _ENDED.clear()
    loads = []
    while not _ENDED:
        loads.append(drive_apart(world.port, requests, 1, 2))
    return loads


def _copy_out(world: World) -> float:
    with psycopg.connect(world.owner_url) as conn:
        begun, schema = time.perf_counter(), world.settings.schema
        with conn.cursor().copy(f"COPY (SELECT * FROM {schema}.events) TO STDOUT (FORMAT BINARY)") as copy:
            while copy.read():
                pass
        taken = time.perf_counter() - begun
        count = (conn.execute(f"SELECT count(*) FROM {schema}.events").fetchone() or (0,))[0]
    return float(count / taken)


def verify(world: World) -> list[Figures]:
    """The whole ledger: every hash, the chain, versions and checkpoints, beside hashing the same bytes in memory."""
    settings = replace(world.settings, owner_url=world.owner_url)
    last = _all_sequenced(world)
    ours, cpu = [], []
    for _ in range(ROUNDS):
        begun, used = time.perf_counter(), time.process_time()
        report = verification.verify(settings, Range(0, last), lambda _: None).report()
        ours.append(last / (time.perf_counter() - begun))
        cpu.append(1e6 * (time.process_time() - used) / last)
        if not report.ok:
            raise RuntimeError(f"the ledger of the benchmark does not verify: {report.problems[:3]}")
    name = f"verify, events ({median(cpu):.1f} us of CPU each)"
    return [Figures(name, "/s", median(ours), _hashing_alone(world), None, None, None, "100,000/s")]


def _hashing_alone(world: World) -> float:
    sql = f"SELECT {chain.HEADER}, e.state, e.metadata FROM {world.settings.schema}.events e LIMIT 100000"
    with psycopg.connect(world.owner_url) as conn:
        rows = conn.execute(sql, binary=True).fetchall()
    begun, before = time.perf_counter(), chain.GENESIS
    for header, state, metadata in rows:
        before = chain.chained(before, chain.event_hash(header, state, metadata))
    return len(rows) / (time.perf_counter() - begun)


def _all_sequenced(world: World) -> int:
    return asyncio.run(_wait_for_sequence(world))


async def _wait_for_sequence(world: World) -> int:
    async with await psycopg.AsyncConnection.connect(world.owner_url, options=world.search_path, autocommit=True) as conn:
        found = await sequence.lag(conn)
        while found.events:
            await asyncio.sleep(0.5)
            found = await sequence.lag(conn)
        return found.seq


def lag(world: World) -> list[Figures]:
    """From the recorded time of an event to the notification that tells its position, under PATCHes of 8 clients."""
    requests = list(outcomes(world, world.make(RUN._replace(runs=50))))
    _all_sequenced(world)
    with ThreadPoolExecutor(1) as beside, psycopg.connect(world.owner_url, options=world.search_path, autocommit=True) as conn:
        conn.execute(f"LISTEN {sequence.CHANNEL}")
        first = (conn.execute("SELECT seq FROM ledger_head").fetchone() or (0,))[0]
        writing = beside.submit(drive_apart, world.port, requests, 8, LAG_S)
        heard = [(int(told.payload), time.time()) for told in conn.notifies(timeout=LAG_S + 3)]
        load = writing.result()
        sql = """SELECT l.seq, extract(epoch FROM e.recorded_at)::float8 FROM ledger l
          JOIN events e USING (originator_id, originator_version) WHERE l.seq > %s ORDER BY l.seq"""
        recorded = conn.execute(sql, (first,)).fetchall()
    heads = [head for head, _ in heard]
    waits = [1000 * (heard[bisect_left(heads, seq)][1] - at) for seq, at in recorded if seq <= heads[-1]]
    cut = quantiles(waits, n=100)
    return [Figures(f"event to position at {load.rate:,.0f} writes/s", "ms", cut[49], None, cut[49], cut[94], cut[98], "p99 < 100 ms")]
