"""Lines of the table: medians, percentiles, and what every repetition gave."""

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from bench import goals
from bench.load import Load

COLUMNS = ("row", "ours", "floor or peer", "ratio", "p50 / p95 / p99 ms", "goal", "holds")
Percentiles = tuple[float, float, float]
_SAID = {None: "", True: "yes", False: "**no**"}


class Figures(NamedTuple):
    """One line of the table; `floor` None where nothing is compared. `repetitions`: each round's figures, ours and the floor's."""

    row: str
    unit: str
    ours: float
    floor: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    goal: str
    repetitions: tuple[dict[str, Any], ...] = ()

    @property
    def holds(self) -> bool | None:
        return goals.holds(self.goal, self)

    def cells(self) -> tuple[str, ...]:
        floor = "" if self.floor is None else _number(self.floor)
        ratio = "" if not self.floor else f"{self.ours / self.floor:.2f}"
        stamps = [ms for ms in (self.p50_ms, self.p95_ms, self.p99_ms) if ms is not None]
        latencies = " / ".join(f"{ms:.0f}" if ms >= 10 else f"{ms:.1f}" for ms in stamps)
        gap = "" if self.unit.startswith("/") else " "
        return self.row, f"{_number(self.ours)}{gap}{self.unit}".strip(), floor, ratio, latencies, self.goal, _SAID[self.holds]


def of(row: str, goal: str, ours: Sequence[Load], floors: Sequence[Load] = (), *, unit: str = "/s", each: int = 1) -> Figures:
    """Medians over the rounds; `each` is how much one request does."""
    cuts = [percentiles(load.latencies) for load in ours]
    rounds = [{"ours": each * load.rate, "p50_ms": c[0], "p95_ms": c[1], "p99_ms": c[2]} for load, c in zip(ours, cuts, strict=True)]
    for of_floor, load in zip(rounds, floors, strict=False):
        of_floor["floor"] = load.rate
    floor = statistics.median(f.rate for f in floors) if floors else None
    return Figures(row, unit, each * statistics.median(load.rate for load in ours), floor, *_middle(cuts), goal, tuple(rounds))


def median(row: str, unit: str, goal: str, ours: Sequence[float], floors: Sequence[float] = ()) -> Figures:
    """The median of figures that were measured one by one, beside that of their floors."""
    rounds = tuple({"ours": figure} for figure in ours)
    for of_floor, figure in zip(rounds, floors, strict=False):
        of_floor["floor"] = figure
    floor = statistics.median(floors) if floors else None
    return Figures(row, unit, statistics.median(ours), floor, None, None, None, goal, rounds)


def waits(row: str, goal: str, rounds: Sequence[Sequence[float]]) -> Figures:
    """Waits in milliseconds, some in each round: the medians of the rounds' percentiles; the figure itself is the p50."""
    cuts = [percentiles([ms / 1000 for ms in waited]) for waited in rounds]
    middle = _middle(cuts)
    kept = tuple({"ours": c[0], "p50_ms": c[0], "p95_ms": c[1], "p99_ms": c[2]} for c in cuts)
    return Figures(row, "ms", middle[0], None, *middle, goal, kept)


def percentiles(seconds: Sequence[float]) -> Percentiles:
    """p50, p95 and p99 in milliseconds."""
    cut = statistics.quantiles(seconds, n=100)
    return 1000 * cut[49], 1000 * cut[94], 1000 * cut[98]


def _middle(cuts: Sequence[Percentiles]) -> Percentiles:
    p50, p95, p99 = zip(*cuts, strict=True)
    return statistics.median(p50), statistics.median(p95), statistics.median(p99)


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 10 or figure == 0 else f"{figure:.2f}"
