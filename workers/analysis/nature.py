"""What a channel is: a measured signal, a discrete state, a counter."""

from enum import StrEnum

import numpy as np

from workers.analysis.noise import quantum
from workers.analysis.series import Floats, Series

STATES_MAX = 16
SAME_STEP = 0.9  # of the differences of a counter
CHANGES_MAX = 10  # of a discrete channel; to one that changes more often anything is near


class Nature(StrEnum):
    MEASURED = "measured"
    DISCRETE = "discrete"
    COUNTER = "counter"
    CONSTANT = "constant"


def nature(series: Series, unit: str) -> tuple[Nature, float]:
    """What the channel is, and the resolution of its values.

    Whole numbers without a unit are states where they are few, a count where they step evenly.
    """
    there = series.present()
    values = there.low if there.rows == 1 else np.concatenate([there.low, there.high])
    if not len(values) or values.min() == values.max():
        return Nature.CONSTANT, 0.0
    if not unit and bool(np.all(values == np.round(values))):
        if len(np.unique(values)) <= STATES_MAX:
            return Nature.DISCRETE, 1.0
        steps = np.diff(there.low)
        if np.all(steps >= 0) or np.count_nonzero(steps == np.median(steps)) >= SAME_STEP * len(steps):
            return Nature.COUNTER, 1.0
    return Nature.MEASURED, quantum(values)


def commands(series: list[Series], natures: list[Nature]) -> Floats:
    """The times at which a discrete channel changed."""
    found = [np.empty(0)]
    for each, kind in zip(series, natures, strict=True):
        if kind is Nature.DISCRETE:
            there = each.present()
            changed = np.flatnonzero((np.diff(there.low) != 0) | (np.diff(there.high) != 0))
            if len(changed) <= CHANGES_MAX:
                found.append(there.first[changed + 1])
    return np.unique(np.concatenate(found))
