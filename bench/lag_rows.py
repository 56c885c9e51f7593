"""The row of lag: how soon an event has its position, and how soon the relay has passed it."""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from statistics import median

import psycopg

from bench import figures
from bench.figures import Figures
from bench.ledger_maker import Size
from bench.load import drive_apart
from bench.pace import QUICK, ROUNDS, say
from bench.requests import outcomes
from bench.world import World
from infra import sequence

RATE = 500.0
LOAD_S = 2.0 if QUICK else 8.0
AFTER_S = 2.0
LOOK_S = 0.002

_RECORDED = """SELECT l.seq, extract(epoch FROM e.recorded_at)::float8 FROM ledger l
  JOIN events e USING (originator_id, originator_version) WHERE l.seq > %s ORDER BY l.seq"""

Heard = list[tuple[int, float]]  # a position, and when everything up to it was there


def lag(world: World) -> list[Figures]:
    """From the recorded time of an event to its position being told, and to the relay's bookmark past it, at 500 writes/s (open loop)."""
    requests = list(outcomes(world, world.make(Size(50, 10, 20, outcomes=1))))
    told, passed, rates = [], [], []
    for n in range(ROUNDS):
        say(f"round {n + 1}")
        first = world.settle()
        heads, marks, rate = _while_writing(world, requests)
        with psycopg.connect(world.owner_url, options=world.search_path) as conn:
            recorded = conn.execute(_RECORDED, (first,)).fetchall()
        told.append(_waits(recorded, heads))
        passed.append(_waits(recorded, marks))
        rates.append(rate)
    load = f"open loop at {RATE:,.0f}/s, {median(rates):,.0f}/s reached"
    return [
        figures.waits(f"event to its position, {load}", "p99 < 100 ms", told),
        figures.waits(f"event to behind the relay, {load}", "p99 < 100 ms", passed),
    ]


def _while_writing(world: World, requests: list[bytes]) -> tuple[Heard, Heard, float]:
    heads: Heard = []
    marks: Heard = []
    done = threading.Event()
    watching = [threading.Thread(target=_watch, args=(world, watch, seen, done)) for watch, seen in ((_heads, heads), (_marks, marks))]
    for thread in watching:
        thread.start()
    try:
        rate = drive_apart(world.port, requests, 8, LOAD_S, RATE).rate
        time.sleep(AFTER_S)
    finally:
        done.set()
        for thread in watching:
            thread.join()
    return heads, marks, rate


Watch = Callable[[psycopg.Connection, Heard, threading.Event], None]


def _watch(world: World, watch: Watch, seen: Heard, done: threading.Event) -> None:
    with psycopg.connect(world.owner_url, options=world.search_path, autocommit=True) as conn:
        watch(conn, seen, done)


def _heads(conn: psycopg.Connection, seen: Heard, done: threading.Event) -> None:
    conn.execute(f"LISTEN {sequence.CHANNEL}")
    while not done.is_set():
        seen += [(int(told.payload), time.time()) for told in conn.notifies(timeout=0.1, stop_after=1)]


def _marks(conn: psycopg.Connection, seen: Heard, done: threading.Event) -> None:
    """A look every LOOK_S, which counts as lag."""
    while not done.is_set():
        row = conn.execute("SELECT seq FROM followers WHERE name = 'report relay'").fetchone() or (0,)
        if not seen or row[0] > seen[-1][0]:
            seen.append((row[0], time.time()))
        time.sleep(LOOK_S)


def _waits(recorded: list[tuple[int, float]], heard: Heard) -> list[float]:
    """Milliseconds for each event; one that nothing was heard of ends the benchmark."""
    heads = [head for head, _ in heard]
    if not recorded or recorded[-1][0] > heads[-1]:
        raise RuntimeError("events were not followed to the end")
    return [1000 * (heard[bisect_left(heads, seq)][1] - at) for seq, at in recorded]
