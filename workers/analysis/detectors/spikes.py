"""Spikes: a few samples far from their neighbours, with the same level before and after."""

import numpy as np

from workers.analysis.findings import Finding, FindingKind
from workers.analysis.noise import local_scatter, mad, median5, median9
from workers.analysis.scene import Scene, counted
from workers.analysis.series import Floats, Series

NAME = "spikes/1"
SAMPLES_MIN = 20
WIDTH_MAX = 4  # samples; what lasts longer is a level
SIGMAS = 8.0  # of the scatter around the running median
SIGMAS_OF_EXTREMES = 12.0  # the same for the extremes of buckets, which scatter less and have a longer tail (Gumbel 1935)
TAIL = 3.0  # times the distance that one sample in a hundred has anyway: noise with long tails is not a spike
VISIBLE = 0.002  # of the range of most values
QUANTA = 5.0  # steps of the converter
SIDE = 3  # samples on either side that tell the level


def spikes(series: Series, scene: Scene, step: float) -> list[Finding]:
    """Samples beyond a threshold from the running median (Hampel 1974; Davies and Gather 1993), for both sides.

    The threshold follows the noise, globally and locally. `step` is the resolution of the channel.
    """
    there = series.present()
    if len(there.mean) < SAMPLES_MIN:
        return []
    sides = [there.mean] if there.rows == 1 else [there.low, there.high]
    sigmas = SIGMAS if there.rows == 1 else SIGMAS_OF_EXTREMES
    found = [each for x in sides for each in _groups(x, step, sigmas)]
    return [_told(there, scene, *each) for each in _distinct(found)]


def _groups(x: Floats, step: float, sigmas: float) -> list[tuple[int, int, float, float]]:
    """First and last sample, worst value, level: by the narrow median, which follows a fast signal better, then by the wide one."""
    found = []
    low, high = np.quantile(x, [0.05, 0.95])
    for smooth in (median5(x), median9(x)):
        residual = x - smooth
        tail = float(np.quantile(np.abs(residual), 0.99))
        floor = max(sigmas * mad(residual), TAIL * tail, QUANTA * step, VISIBLE * float(high - low), 1e-9 * float(np.abs(x).max()))
        out = np.flatnonzero(np.abs(residual) > np.maximum(floor, sigmas * local_scatter(residual)))
        for group in np.split(out, np.flatnonzero(np.diff(out) > 2) + 1):
            if len(group) and group[-1] - group[0] < WIDTH_MAX and _returns(x, group[0], group[-1], floor):
                worst = int(group[np.argmax(np.abs(residual[group]))])
                found.append((int(group[0]), int(group[-1]), float(x[worst]), float(smooth[worst])))
    return found


def _returns(x: Floats, first: int, last: int, floor: float) -> bool:
    """Whether the level after is the level before: else it is the edge of a step."""
    before, after = x[max(first - SIDE, 0) : first], x[last + 1 : last + 1 + SIDE]
    if not len(before) or not len(after):
        return True
    level = float(np.median(before))
    return abs(float(np.median(after)) - level) < max(floor, float(np.abs(x[first : last + 1] - level).max()) / 2)


def _distinct(found: list[tuple[int, int, float, float]]) -> list[tuple[int, int, float, float]]:
    """Each place once, the first telling kept."""
    kept: list[tuple[int, int, float, float]] = []
    for each in found:
        if all(each[0] > k[1] + 2 or each[1] < k[0] - 2 for k in kept):
            kept.append(each)
    return sorted(kept)


def _told(series: Series, scene: Scene, first: int, last: int, value: float, level: float) -> Finding:
    verb = "jumped" if value > level else "dropped"
    span = f" for {counted(last - first + 1, 'sample')}" if series.rows == 1 else ""
    moment = scene.moment(series.first[first])
    text = f"{scene.name} {verb} from {scene.amount(level)} to {scene.amount(value)} at {moment}{span} and came back."
    return scene.finding(FindingKind.SPIKE, NAME, text, series.first[first], series.last[last], value)
