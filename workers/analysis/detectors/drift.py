"""Slow drift: a level that should hold creeps away."""

from itertools import pairwise

import numpy as np

from workers.analysis.findings import Finding, FindingKind
from workers.analysis.noise import difference_scatter, mad, median5
from workers.analysis.scene import Scene
from workers.analysis.series import Floats, Series

NAME = "drift/1"
SAMPLES_MIN = 200
SEGMENTS = 32
ONSETS = tuple(range(0, 17, 2))  # segments after which a drift may begin
EXPLAINED_MIN = 0.75  # of the variance of the segments, by one bend and one slope
TREND_MIN = 0.7  # Kendall's tau of the segments from the onset on
SCATTERS_MIN = 3.0
SMALL = 0.12  # of the level: what moves further is the course of the test (a run-up, a discharge), not drift
SCATTERS_MAX = 20.0  # of single samples, the same for a signal around zero
REST_SEGMENTS, REST_MOVE, REST_EXPLAINED = 4, 0.04, 0.97  # what lies still so long, then moves steadily, ...
SMALL_AFTER_REST = 0.5  # ... is drift even if it moves this far
LEVEL_SCATTERS = 5.0  # a median this far from zero is a level


def drift(series: Series, scene: Scene) -> list[Finding]:
    """A hinge (constant, then a straight line) fitted by least squares to medians of 32 segments, the onset by search.

    It must be monotone by Kendall's tau (Mann 1945; Kendall 1975), larger than the scatter around it, and small beside the level.
    """
    there = series.present()
    if len(there.mean) < SAMPLES_MIN:
        return []
    x = median5(there.mean)
    edges = np.linspace(0, len(x), SEGMENTS + 1).astype(int)
    levels = np.array([np.median(x[a:b]) for a, b in pairwise(edges.tolist())])
    onset, slope, explained = _hinge(levels)
    total = slope * (SEGMENTS - onset)
    line = slope * np.maximum(np.arange(len(x)) / len(x) * SEGMENTS - onset, 0)
    scatter = mad(x - line)
    if explained < EXPLAINED_MIN or abs(_tau(levels[onset:])) < TREND_MIN or abs(total) < SCATTERS_MIN * scatter:
        return []
    rested = onset >= REST_SEGMENTS and abs(levels[onset - 1] - levels[0]) <= REST_MOVE * abs(total) and explained >= REST_EXPLAINED
    if not _is_small(there.mean, total, SMALL_AFTER_REST if rested else SMALL):
        return []
    first = edges[onset]
    return [_told(there, scene, int(first), float(levels[onset]), float(levels[onset] + total))]


def _hinge(levels: Floats) -> tuple[int, float, float]:
    """Onset, slope per segment and the part of the variance explained, of the best hinge."""
    centred = levels - levels.mean()
    spread = float(centred @ centred)
    best = (0, 0.0, 0.0)
    for onset in ONSETS:
        bend = np.maximum(np.arange(len(levels)) + 0.5 - onset, 0)
        bend = bend - bend.mean()
        slope = float(bend @ centred / (bend @ bend))
        explained = slope**2 * float(bend @ bend) / spread if spread else 0.0
        best = max(best, (onset, slope, explained), key=lambda each: each[2])
    return best


def _tau(levels: Floats) -> float:
    """Kendall's rank correlation with time."""
    signs = np.sign(levels[None, :] - levels[:, None])
    upper = np.triu_indices(len(levels), 1)
    return float(signs[upper].mean())


def _is_small(x: Floats, total: float, share: float) -> bool:
    scatter = float(np.median(difference_scatter(x)))
    level = abs(float(np.median(x)))
    return abs(total) <= (share * level if level > LEVEL_SCATTERS * scatter else SCATTERS_MAX * scatter)


def _told(series: Series, scene: Scene, first: int, before: float, after: float) -> Finding:
    start, end = series.first[first], series.last[-1]
    text = (
        f"{scene.name} drifted {'up' if after > before else 'down'} from {scene.amount(before)} to {scene.amount(after)} "
        f"between {scene.moment(start)} and {scene.moment(end)}."
    )
    return scene.finding(FindingKind.DRIFT, NAME, text, start, end, after)
