"""Quantiles of a stream of numbers in bounded memory, always the same for the same stream."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KEPT_MAX = 16_384
KEPT_MIN = 512
KEPT_OF_ALL = 1_048_576  # over the channels of a file


def kept_for(channels: int) -> int:
    """How many values a buffer holds, so that a table of many channels stays in bounds: a power of two."""
    share = max(1, KEPT_OF_ALL // max(1, channels))
    return min(KEPT_MAX, max(KEPT_MIN, 1 << (share.bit_length() - 1)))


class Quantiles:
    """Exact up to twice `kept` numbers; beyond, a rank is wrong by at most log2(n / kept) / (2 kept) of n (0.02 % for a million).

    Full buffers of sorted numbers of equal weight are merged in pairs and every second number is kept, the first and the second in turn
    (Munro and Paterson 1980; Manku, Rajagopalan and Lindsay 1998, where the bound is shown).
    """

    def __init__(self, kept: int = KEPT_MAX) -> None:
        self._kept = kept
        self._waiting: list[Floats] = []
        self._waits = 0
        self._levels: list[Floats | None] = []  # a number on level n stands for 2**n
        self._turns: list[int] = []

    def take(self, values: Floats) -> None:
        self._waiting.append(values)
        self._waits += len(values)
        if self._waits < 2 * self._kept:
            return
        waiting = np.concatenate(self._waiting)
        full = len(waiting) // self._kept * self._kept
        for buffer in np.sort(waiting[:full].reshape(-1, self._kept), axis=1):
            self._carry(buffer)
        self._waiting, self._waits = [waiting[full:].copy()], len(waiting) - full

    def at(self, shares: Sequence[float]) -> list[float]:
        """Between two numbers on the straight line, as numpy.quantile does. Needs a number."""
        parts = [(np.concatenate([np.empty(0), *self._waiting]), 1.0)]
        parts += [(level, 2.0**n) for n, level in enumerate(self._levels) if level is not None]
        values = np.concatenate([part for part, _ in parts])
        weights = np.concatenate([np.full(len(part), weight) for part, weight in parts])
        order = np.argsort(values, kind="stable")
        values, weights = values[order], weights[order]
        ranks = np.cumsum(weights) - weights / 2 - 0.5  # of the middle of what a number stands for; 0, 1, 2 … where all weigh 1
        wanted = np.clip(np.asarray(shares) * (weights.sum() - 1), ranks[0], ranks[-1])
        below = np.clip(np.searchsorted(ranks, wanted, "right") - 1, 0, max(len(ranks) - 2, 0))
        above = np.minimum(below + 1, len(ranks) - 1)
        way = (wanted - ranks[below]) / np.maximum(ranks[above] - ranks[below], 1.0)
        found: list[float] = (values[below] * (1 - way) + values[above] * way).tolist()  # a difference of two huge numbers may be none
        return found

    def _carry(self, buffer: Floats) -> None:
        n = 0
        while True:
            if n == len(self._levels):
                self._levels.append(None)
                self._turns.append(0)
            other = self._levels[n]
            if other is None:
                self._levels[n] = buffer
                return
            merged = np.sort(np.concatenate([other, buffer]), kind="stable")  # two runs: merged in linear time
            buffer = merged[self._turns[n] :: 2].copy()
            self._turns[n] ^= 1
            self._levels[n] = None
            n += 1
