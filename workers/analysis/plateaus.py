"""Runs of equal values of one channel, found row by row in bounded memory: what stuck and clipped signals are told by."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.analysis.series import Floats

LONGEST_MAX = 32
AT_RAIL_MAX = 4_096
NEIGHBOURS = 3  # runs on either side that tell how fast the signal changes there
LEVELS = 4  # outermost values whose rows are counted


class Runs(NamedTuple):
    """One row a run, in the order of the file: value, samples, row of the first, times of first and last."""

    value: Floats
    length: Floats
    row: Floats
    first: Floats
    last: Floats

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Runs":
        return Runs(*(part[chosen] for part in self))


def joined(parts: list[Runs]) -> Runs:
    return Runs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


NONE = Runs(*(np.empty(0) for _ in range(5)))


class Rail:
    """The outermost value at one end: its runs, and how many rows the next values have."""

    def __init__(self, sign: float) -> None:
        self.sign = sign
        self.runs = NONE
        self.levels: Floats = np.empty(0)
        self.rows: Floats = np.empty(0)

    def take(self, runs: Runs) -> None:
        values = runs.value * self.sign
        if len(self.levels) == LEVELS and not np.any(values >= self.levels[-1]):
            return
        outer = np.flatnonzero(values >= _outermost(values))
        levels, places = np.unique(np.concatenate([self.levels, values[outer]]), return_inverse=True)
        rows = np.bincount(places, np.concatenate([self.rows, runs.length[outer]])).astype(np.float64)
        if not len(self.levels) or levels[-1] > self.levels[0]:
            self.runs = NONE
        self.levels, self.rows = levels[::-1][:LEVELS], rows[::-1][:LEVELS]
        self.runs = joined([self.runs, runs.where(outer[values[outer] == self.levels[0]])])
        if len(self.runs.value) > AT_RAIL_MAX:
            self.runs = self.runs.where(np.sort(np.argsort(-self.runs.length, kind="stable")[: AT_RAIL_MAX // 2]))


class Plateaus:
    """Takes a channel's values in the order of the file. A value that is not finite ends a run."""

    def __init__(self) -> None:
        self.rows = 0
        self.count = 0
        self.turns = 0
        self.moves = 0
        self.top, self.bottom = Rail(1.0), Rail(-1.0)
        self.longest = NONE
        self.beside = np.empty(0)
        self._open = NONE
        self._tail = NONE
        self._recent: Floats = np.empty(0)
        self._ranked = 0  # of the tail, from its beginning
        self._row = 0

    def take(self, times: Floats, values: Floats) -> None:
        if not len(values):
            return
        starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
        ends = np.append(starts[1:], len(values))
        runs = Runs(values[starts], (ends - starts).astype(float), (starts + self._row).astype(np.float64), times[starts], times[ends - 1])
        self._row += len(values)
        if len(self._open.value) and self._open.value[0] == runs.value[0]:
            runs.length[0] += self._open.length[0]
            runs.row[0], runs.first[0] = self._open.row[0], self._open.first[0]
        else:
            runs = joined([self._open, runs])
        self._open = runs.where(np.array([len(runs.value) - 1]))
        self._close(runs.where(np.arange(len(runs.value) - 1)))

    def finish(self) -> "Plateaus":
        self._close(self._open)
        self._rank(self._tail, last=True)
        self._open = self._tail = NONE
        return self

    def _close(self, runs: Runs) -> None:
        runs = runs.where(np.isfinite(runs.value))
        if not len(runs.value):
            return
        self.rows += int(runs.length.sum())
        self.count += len(runs.value)
        levels = np.concatenate([self._recent, runs.value])
        signs, self._recent = np.sign(np.diff(levels)), levels[-2:]
        self.turns += int(np.count_nonzero(signs[1:] * signs[:-1] < 0))
        self.moves += max(len(signs) - 1, 0)
        self.top.take(runs)
        self.bottom.take(runs)
        self._rank(joined([self._tail, runs]), last=False)

    def _rank(self, runs: Runs, *, last: bool) -> None:
        """Keeps the longest runs with the lengths beside them; a run waits in the tail until those after it are known."""
        count = len(runs.value)
        ready = count if last else count - NEIGHBOURS
        done = self._ranked
        if ready > done:
            total = np.concatenate((np.zeros(NEIGHBOURS + 1), np.cumsum(runs.length), np.full(NEIGHBOURS, runs.length.sum())))
            around = total[1 + 2 * NEIGHBOURS :] - total[:count]
            mine = np.arange(done, ready)
            mine = mine[np.argsort(-runs.length[mine], kind="stable")[:LONGEST_MAX]]
            longest = joined([self.longest, runs.where(mine)])
            beside = np.concatenate([self.beside, around[mine] - runs.length[mine]])
            order = np.argsort(-longest.length, kind="stable")[:LONGEST_MAX]
            self.longest, self.beside = longest.where(order), beside[order]
        start = max(count - 2 * NEIGHBOURS, 0)
        self._tail, self._ranked = runs.where(np.arange(start, count)), max(ready, done) - start


def _outermost(values: Floats) -> float:
    """The fourth highest of the different values."""
    for _ in range(LEVELS - 1):
        below = values[values < values.max()]
        values = below if len(below) else values
    return float(values.max())
