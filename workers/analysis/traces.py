"""Channels thinned for drawing."""

import warnings

import numpy as np

from workers.analysis.findings import Trace
from workers.analysis.series import Floats, Series
from workers.analysis.signals import Channel

BUCKETS_MAX = 400


def trace(channel: Channel, series: Series) -> Trace:
    """The lowest and highest value in each of at most 400 stretches of equally many rows, with the time at which it begins."""
    count = min(BUCKETS_MAX, len(series.first))
    edges = np.linspace(0, len(series.first), count + 1).astype(int)[:-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # fmin of nothing but NaN is NaN
        low = np.fmin.reduceat(series.low, edges) if count else np.empty(0)
        high = np.fmax.reduceat(series.high, edges) if count else np.empty(0)
    times = np.nan_to_num(series.first[edges], nan=0.0).tolist()
    return Trace(channel=channel.name, unit=channel.unit, times=times, low=_told(low), high=_told(high))


def _told(values: Floats) -> list[float | None]:
    return [value if value == value else None for value in values.tolist()]  # noqa: PLR0124 (NaN differs from itself)
