"""What the values of each channel are like: counts, moments and quantiles, in one pass and bounded memory."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.analysis.findings import ChannelSummary
from workers.analysis.quantiles import Quantiles, kept_for
from workers.analysis.signals import Block, Channel

Floats = NDArray[np.float64]
SHARES = (0.01, 0.05, 0.5, 0.95, 0.99)
GAP_STEPS = 5.0  # an interval longer than so many usual ones is a gap
LONGEST_MAX = 65_536  # intervals kept to tell gaps; a file with more gaps is said to have so many


class Statistics:
    """Values that are not finite are missing. The same blocks give the same summaries."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = channels
        self._rows = 0
        self._moments = Moments(len(channels))
        self._quantiles = [Quantiles(kept_for(len(channels))) for _ in channels]
        self._intervals = Intervals()

    def take(self, block: Block) -> None:
        self._rows += len(block.times)
        self._intervals.take(block.times)
        columns = np.ascontiguousarray(block.values.T)
        finite = np.isfinite(columns)
        self._moments.take(columns, finite)
        for quantiles, column, known in zip(self._quantiles, columns, finite, strict=True):
            quantiles.take(column if known.all() else column[known])

    def summaries(self) -> tuple[ChannelSummary, ...]:
        gaps = self._intervals.gaps()
        return tuple(self._summary(i, channel, gaps) for i, channel in enumerate(self._channels))

    def _summary(self, i: int, channel: Channel, gaps: int) -> ChannelSummary:
        moments, count = self._moments, int(self._moments.count[i])
        told = self._quantiles[i].at(SHARES) if count else []
        return ChannelSummary(
            name=channel.name,
            unit=channel.unit,
            count=count,
            missing=self._rows - count,
            gaps=gaps,
            minimum=float(moments.minimum[i]) if count else None,
            mean=_told(moments.mean[i]) if count else None,
            maximum=float(moments.maximum[i]) if count else None,
            std=_told(np.sqrt(moments.squares[i] / (count - 1))) if count > 1 else None,
            quantiles={f"{share:g}": value for share, value in zip(SHARES, told, strict=False)},
        )


class Moments:
    """Count, mean and sum of squared deviations of each channel, merged block by block (Chan, Golub, LeVeque 1979, eq. 2.1)."""

    def __init__(self, channels: int) -> None:
        self.count = np.zeros(channels)
        self.mean = np.zeros(channels)
        self.squares = np.zeros(channels)
        self.minimum = np.full(channels, np.inf)
        self.maximum = np.full(channels, -np.inf)

    def take(self, columns: Floats, finite: NDArray[np.bool_]) -> None:
        """`columns` is channels by rows."""
        count = finite.sum(axis=1).astype(np.float64)
        some = np.maximum(count, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):  # the sum of huge numbers is told as none
            mean = np.where(finite, columns, 0.0).sum(axis=1) / some
            squares = (np.where(finite, columns - mean[:, None], 0.0) ** 2).sum(axis=1)
            total = self.count + count
            apart = mean - self.mean
            share = count / np.maximum(total, 1.0)
            self.squares += np.where(count > 0, squares + apart**2 * self.count * share, 0.0)
            self.mean += np.where(count > 0, apart * share, 0.0)
        self.count = total
        if columns.shape[1]:
            self.minimum = np.minimum(self.minimum, np.where(finite, columns, np.inf).min(axis=1))
            self.maximum = np.maximum(self.maximum, np.where(finite, columns, -np.inf).max(axis=1))


class Intervals:
    """The time from row to row: how long it usually is, and how often it is much longer."""

    def __init__(self) -> None:
        self._last = np.nan
        self._usual = Quantiles()
        self._longest: Floats = np.empty(0)

    def take(self, times: Floats) -> None:
        known = times[np.isfinite(times)]
        if not len(known):
            return
        with np.errstate(over="ignore"):
            steps = np.diff(known, prepend=self._last)
        steps = steps[(steps > 0) & np.isfinite(steps)]  # before the first is none
        self._last = float(known[-1])
        self._usual.take(steps)
        self._longest = np.concatenate([self._longest, steps])
        if len(self._longest) > LONGEST_MAX:
            self._longest = np.partition(self._longest, -LONGEST_MAX)[-LONGEST_MAX:]

    def gaps(self) -> int:
        if not len(self._longest):
            return 0
        usual = self._usual.at([0.5])[0]
        return int((self._longest > GAP_STEPS * usual).sum())


def _told(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
