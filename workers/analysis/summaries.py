"""Count, extremes, mean and standard deviation of every channel, until the statistics with quantiles take their place."""

import numpy as np

from workers.analysis.findings import ChannelSummary
from workers.analysis.scene import finite
from workers.analysis.signals import Block, Channel


class Statistics:
    """One pass; moments are merged block by block (Chan, Golub and LeVeque 1979)."""

    def __init__(self, channels: tuple[Channel, ...]) -> None:
        count = len(channels)
        self.channels = channels
        self.rows = 0
        self.count, self.mean, self.squares = np.zeros(count), np.zeros(count), np.zeros(count)
        self.low, self.high = np.full(count, np.inf), np.full(count, -np.inf)

    @np.errstate(over="ignore", invalid="ignore")  # what is too large for a sum is told as none
    def take(self, block: Block) -> None:
        there = np.isfinite(block.values)
        values = np.where(there, block.values, 0.0)
        count = there.sum(axis=0).astype(np.float64)
        mean = values.sum(axis=0) / np.maximum(count, 1)
        squares = (np.where(there, block.values - mean, 0.0) ** 2).sum(axis=0)
        total = np.maximum(self.count + count, 1)
        self.squares += squares + (mean - self.mean) ** 2 * self.count * count / total
        self.mean += (mean - self.mean) * count / total
        self.count += count
        self.rows += len(values)
        if len(values):
            self.low = np.minimum(self.low, np.where(there, block.values, np.inf).min(axis=0))
            self.high = np.maximum(self.high, np.where(there, block.values, -np.inf).max(axis=0))

    def summaries(self) -> tuple[ChannelSummary, ...]:
        return tuple(self._summary(i, channel) for i, channel in enumerate(self.channels))

    def _summary(self, i: int, channel: Channel) -> ChannelSummary:
        count = int(self.count[i])
        empty = ChannelSummary(name=channel.name, unit=channel.unit, count=0, missing=self.rows, gaps=0)
        if not count:
            return empty
        return ChannelSummary(
            name=channel.name,
            unit=channel.unit,
            count=count,
            missing=self.rows - count,
            gaps=0,
            minimum=finite(self.low[i]),
            mean=finite(self.mean[i]),
            maximum=finite(self.high[i]),
            std=finite(np.sqrt(self.squares[i] / count)),
        )
