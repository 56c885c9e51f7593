"""Medians, percentiles and the table that is printed."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.load import Load

COLUMNS = ("row", "ours", "floor", "ratio", "p50 ms", "p95 ms", "p99 ms", "goal")


class Figures(NamedTuple):
    """One line of the table; `floor` None where nothing is compared."""

    row: str
    unit: str
    ours: float
    floor: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    goal: str

    def cells(self) -> tuple[str, ...]:
        floor = "" if self.floor is None else f"{self.floor:,.0f}"
        ratio = "" if self.floor is None else f"{self.ours / self.floor:.2f}"
        ours = f"{self.ours:,.0f}" if self.ours >= 10 else f"{self.ours:.2f}"
        stamps = ("" if ms is None else f"{ms:.1f}" for ms in (self.p50_ms, self.p95_ms, self.p99_ms))
        return self.row, f"{ours} {self.unit}", floor, ratio, *stamps, self.goal


def of(row: str, goal: str, ours: Sequence[Load], floors: Sequence[Load] = (), *, unit: str = "/s", each: int = 1) -> Figures:
    """Medians over the rounds; `each` is how much one request does."""
    quantiles = [statistics.quantiles(load.latencies, n=100) for load in ours]
    p50, p95, p99 = (1000 * statistics.median(q[place] for q in quantiles) for place in (49, 94, 98))
    floor = statistics.median(f.rate for f in floors) if floors else None
    return Figures(row, unit, each * statistics.median(load.rate for load in ours), floor, p50, p95, p99, goal)


def table(lines: Sequence[Figures]) -> None:
    made = Table(*COLUMNS)
    for line in lines:
        made.add_row(*line.cells())
    Console(width=None if Console().is_terminal else 160).print(made)
