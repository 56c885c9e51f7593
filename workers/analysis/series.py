"""A channel in bounded memory: every row of a small file; lowest, mean and highest value of each bucket of a large one."""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.analysis.signals import Block

Floats = NDArray[np.float64]
BUCKETS_MAX = 100_000
BUCKETS_MIN = 2_000
VALUE_MAX = 1e100  # no physical quantity is larger; squares and sums of what remains are finite
CELLS_MAX = 2_000_000  # buckets by channels; each holds three numbers


class Series(NamedTuple):
    """Buckets of `rows` rows in the order of the file. `first` and `last` are the times of each bucket's first and last row.

    A value is NaN where the bucket holds none, or none below 1e100. With one row a bucket low, mean and high are the same.
    """

    first: Floats
    last: Floats
    low: Floats
    mean: Floats
    high: Floats
    rows: int

    def present(self) -> "Series":
        """Without the buckets that hold no value."""
        there = np.isfinite(self.mean)
        return Series(self.first[there], self.last[there], self.low[there], self.mean[there], self.high[there], self.rows)


class Thinning:
    """Gathers blocks into buckets; whenever there are too many, each two become one."""

    def __init__(self, channels: int) -> None:
        self._max = min(BUCKETS_MAX, max(BUCKETS_MIN, CELLS_MAX // max(channels, 1)))
        self._rows = 1
        self._count = 0
        self._rest: list[Block] = []
        self._parts: list[tuple[Floats, ...]] = []

    def take(self, block: Block) -> None:
        times, values = _joined([*self._rest, block])
        whole = len(times) // self._rows * self._rows
        self._rest = [Block(times[whole:], values[whole:])]
        self._add(times[:whole], values[:whole])
        while self._count > self._max:
            self._halve()

    def series(self) -> list[Series]:
        """One a channel. The last bucket may hold fewer rows than the others."""
        times, values = _joined(self._rest) if self._rest else (np.empty(0), np.empty((0, 0)))
        parts = [*self._parts, *([_bucket(times, values, len(times))] if len(times) else [])]
        if not parts:
            return []
        first, last, low, mean, high = (np.concatenate(column) for column in zip(*parts, strict=True))
        return [Series(first, last, low[:, i], mean[:, i], high[:, i], self._rows) for i in range(low.shape[1])]

    def _add(self, times: Floats, values: Floats) -> None:
        if len(times):
            self._parts.append(_bucket(times, values, self._rows))
            self._count += len(times) // self._rows

    def _halve(self) -> None:
        first, last, low, mean, high = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        even = len(first) // 2 * 2
        self._parts = [(first[:even:2], last[1:even:2], *_extremes(low[:even], mean[:even], high[:even], 2))]
        if even < len(first):  # the last has no partner and stays a smaller bucket
            self._parts.append((first[even:], last[even:], low[even:], mean[even:], high[even:]))
        self._count = sum(len(part[0]) for part in self._parts)
        self._rows *= 2


def _joined(blocks: list[Block]) -> tuple[Floats, Floats]:
    return np.concatenate([b.times for b in blocks]), np.concatenate([b.values for b in blocks])


def _bucket(times: Floats, values: Floats, rows: int) -> tuple[Floats, ...]:
    finite = np.where(np.abs(values) < VALUE_MAX, values, np.nan)
    if rows == 1:
        return times, times, finite, finite, finite
    return times[::rows], times[rows - 1 :: rows], *_extremes(finite, finite, finite, rows)


def _extremes(low: Floats, mean: Floats, high: Floats, rows: int) -> tuple[Floats, Floats, Floats]:
    """Lowest, mean and highest of each so many rows, NaN left out; NaN where there is nothing else."""
    shape = (len(low) // rows, rows, low.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a bucket without a value stays NaN
        lowest, middle = np.nanmin(low.reshape(shape), axis=1), np.nanmean(mean.reshape(shape), axis=1)
        return lowest, middle, np.nanmax(high.reshape(shape), axis=1)
