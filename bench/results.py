"""What was measured, kept in results.json, and the table that bench/README.md has of it."""

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from bench.figures import COLUMNS, Figures

HERE = Path(__file__).parent
RESULTS, README = HERE / "results.json", HERE / "README.md"
_TABLE = re.compile(r"(<!-- table -->\n).*?(<!-- end of the table -->)", re.DOTALL)
FLUSHES = 100


class Line(msgspec.Struct, frozen=True):
    """A line of the table with whether its goal holds (null without a goal) and all repetitions."""

    row: str
    unit: str
    ours: float
    floor: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    goal: str
    holds: bool | None
    repetitions: list[dict[str, Any]]


class Measurement(msgspec.Struct, frozen=True):
    """One row of the benchmark: when, of which commit, on what."""

    date: str
    commit: str
    machine: dict[str, Any]
    lines: list[Line]


Results = dict[str, Measurement]


def load(path: Path = RESULTS) -> Results:
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else {}


def measurement(lines: Sequence[Figures], machine: dict[str, Any]) -> Measurement:
    """As of now, of the commit that is checked out."""
    kept = [Line(**line._asdict() | {"holds": line.holds, "repetitions": list(line.repetitions)}) for line in lines]
    return Measurement(datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"), commit(), machine, kept)


def keep(results: Results, order: Sequence[str], path: Path = RESULTS, readme: Path = README) -> None:
    """Writes the file and the table, rows in the order given; rows that are no more are left out."""
    kept = {name: results[name] for name in order if name in results}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    text, made = readme.read_text(), markdown(kept)
    readme.write_text(_TABLE.sub(lambda found: found[1] + made + found[2], text))


def markdown(results: Results) -> str:
    """When and on what the rows were measured, and the table."""
    said: dict[str, list[str]] = {}
    for name, m in results.items():
        facts = ", ".join(f"{value} {key}" if key == "cores" else f"{key} {value}" for key, value in m.machine.items())
        said.setdefault(f"{m.date[:10]}, commit {m.commit}: {facts}", []).append(name)
    lines = [f"Measured {when} ({', '.join(names)}).\n" for when, names in said.items()]
    lines += [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    lines += [_line(figures(line).cells()) for m in results.values() for line in m.lines]
    return "\n".join(lines) + "\n"


def figures(line: Line) -> Figures:
    kept = msgspec.structs.asdict(line)
    kept.pop("holds")
    return Figures(**kept | {"repetitions": tuple(line.repetitions)})


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


@cache
def commit() -> str:
    """With a plus where files differed from it before the first row was written."""
    asked = ["git", "describe", "--always", "--abbrev=10", "--dirty=+", "--exclude=*"]
    done = subprocess.run(asked, cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine(owner_url: str) -> dict[str, Any]:
    """What a figure depends on. `flushes/s`: how often a page can be written and made durable, one after another."""
    processors = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text())
    with psycopg.connect(owner_url) as conn:
        server = conn.info.server_version
        fsync = (conn.execute("SHOW fsync").fetchone() or ("?",))[0]
    return {
        "cores": os.cpu_count(),
        "CPU": processors[1] if processors else platform.machine(),
        "memory": f"{int(memory[1]) / 1e6:.0f} GB" if memory else "?",
        "kernel": platform.release().split("-")[0],
        "Python": sys.version.split()[0],
        "PostgreSQL": f"{server // 10000}.{server % 10000}",
        "fsync": fsync,
        "flushes/s": round(_flushes()),
        "load before": round(os.getloadavg()[0], 1),
    }


def _flushes() -> float:
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:
        begun = time.perf_counter()
        for _ in range(FLUSHES):
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fdatasync(file.fileno())
        return FLUSHES / (time.perf_counter() - begun)
