"""Robust measures of scatter: what a channel does when nothing happens."""

import numpy as np

from workers.analysis.series import Floats

NORMAL = 1.4826  # makes the median absolute deviation of normal values their standard deviation (Hampel 1974)
TRIMMED = 1.52  # makes the mean of the smaller nine tenths of absolute normal deviations their standard deviation
OUT = 6.0  # scatters
STRETCH = 64  # samples that share a local scatter


def mad(values: Floats) -> float:
    """The median absolute deviation from the median, scaled to a standard deviation; 0 for no value."""
    return float(NORMAL * np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def median5(x: Floats) -> Floats:
    """The running median of five, ends repeated: removes what lasts one or two samples (Tukey 1977)."""
    a, b, c, d, e = (np.pad(x, 2, mode="edge")[i : i + len(x)] for i in range(5))
    a, b = np.minimum(a, b), np.maximum(a, b)
    d, e = np.minimum(d, e), np.maximum(d, e)
    low, high = np.maximum(a, d), np.minimum(b, e)  # of two sorted pairs the outermost values cannot be the median
    return np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), c))


def median9(x: Floats) -> Floats:
    """The running median of nine, ends repeated: removes what lasts up to four samples.

    Of three sorted triples it is the median of the highest low, the middle middle and the lowest high (Paeth 1990).
    """
    padded = np.pad(x, 4, mode="edge")
    low, middle, high = _sorted3(padded[:-2], padded[1:-1], padded[2:])
    count = len(x)
    lows, middles, highs = ([part[i : i + count] for i in (0, 3, 6)] for part in (low, middle, high))
    inner = _sorted3(middles[0], middles[1], middles[2])[1]
    return _sorted3(np.maximum.reduce(lows), inner, np.minimum.reduce(highs))[1]


def _sorted3(a: Floats, b: Floats, c: Floats) -> tuple[Floats, Floats, Floats]:
    a, b = np.minimum(a, b), np.maximum(a, b)
    b, c = np.minimum(b, c), np.maximum(b, c)
    return np.minimum(a, b), np.maximum(a, b), c


def despiked(x: Floats) -> Floats:
    """With what lasts up to four samples and stands out clearly replaced by the running median (Hampel 1974); the rest as it was."""
    smooth = median9(x)
    residual = np.abs(x - smooth)
    return np.where(residual > OUT * np.maximum(local_scatter(x - smooth), mad(x - smooth)), smooth, x)


def local_scatter(residuals: Floats) -> Floats:
    """For each sample the largest scatter of the stretches of 64 around it, so that noise may change with the operating point.

    In each stretch the median absolute deviation, or the mean of the smaller nine tenths of the deviations where that is more: a
    coarse converter repeats most values, and their median deviation is 0. Neither is moved by a fault of a few samples.
    """
    count = -(-len(residuals) // STRETCH)
    stretches = np.pad(residuals, (0, count * STRETCH - len(residuals)), mode="reflect" if len(residuals) > STRETCH else "edge")
    stretches = stretches.reshape(count, STRETCH)
    away = np.sort(np.abs(stretches - np.median(stretches, axis=1, keepdims=True)), axis=1)
    half, most = STRETCH // 2, STRETCH * 9 // 10
    own = np.maximum(NORMAL * (away[:, half - 1] + away[:, half]) / 2, TRIMMED * away[:, :most].mean(axis=1))
    around = np.maximum.reduce([own, np.append(own[1:], own[-1]), np.append(own[0], own[:-1])])
    return np.asarray(np.repeat(around, STRETCH)[: len(residuals)], dtype=np.float64)


def difference_scatter(x: Floats) -> Floats:
    """The scatter of white noise around any slow signal, from first differences (von Neumann 1941), locally."""
    return np.asarray(local_scatter(np.diff(x, append=x[-1:])) / np.sqrt(2.0), dtype=np.float64)


def quantum(values: Floats) -> float:
    """The smallest step between two different values: the resolution of a converter, or nearly 0."""
    levels = np.unique(values)
    steps = np.diff(levels)
    steps = steps[steps > 1e-9 * max(abs(levels[0]), abs(levels[-1]), 1e-300)] if len(levels) > 1 else steps
    return float(steps.min()) if len(steps) else 0.0
