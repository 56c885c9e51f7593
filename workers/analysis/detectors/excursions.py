"""Limit excursions: values outside a written bound, every sample looked at."""

import numpy as np
from numpy.typing import NDArray

from workers.analysis.findings import Finding, FindingKind, Limit, Severity
from workers.analysis.scene import Scene, counted
from workers.analysis.series import Floats

NAME = "limit_excursions/1"
APART_MIN = 25  # samples inside the limit that end an excursion: fewer are chatter around the limit
APART_SHARE = 0.5  # or this part of the longer of the two excursions
KEPT_MAX = 512


class Excursion:
    """A stretch outside the limit, from row to row; `worst` is the value farthest out, `samples` how many are out."""

    __slots__ = ("end", "first", "last", "samples", "start", "worst")

    def __init__(self, start: int, end: int, first: float, last: float, worst: float, samples: int) -> None:
        self.start, self.end, self.first, self.last, self.worst, self.samples = start, end, first, last, worst, samples


class Excursions:
    """One side of a limit on one channel. `bound` is in the channel's unit and still inside; `sign` is 1 for an upper bound."""

    def __init__(self, limit: Limit, bound: float, sign: float) -> None:
        self.limit = limit
        self.bound = bound
        self.sign = sign
        self.inside = 0
        self._row = 0
        self._found: list[Excursion] = []

    def take(self, times: Floats, values: Floats) -> None:
        out = (values > self.bound) if self.sign > 0 else (values < self.bound)
        count = int(np.count_nonzero(out))
        self.inside += int(np.count_nonzero(np.isfinite(values))) - count
        if count:
            self._look(times, values, out)
        self._row += len(values)

    def findings(self, scene: Scene) -> list[Finding]:
        return [self._told(scene, each) for each in self._found]

    def _look(self, times: Floats, values: Floats, out: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(out)
        starts = np.concatenate(([0], np.flatnonzero(np.diff(rows) > APART_MIN) + 1))
        worst = np.maximum.reduceat(values[rows] * self.sign, starts) * self.sign
        stops = np.append(starts[1:], len(rows))
        for a, b, value in zip(starts.tolist(), stops.tolist(), worst.tolist(), strict=True):
            i, j = int(rows[a]), int(rows[b - 1])
            self._add(Excursion(self._row + i, self._row + j, float(times[i]), float(times[j]), value, b - a))

    def _add(self, new: Excursion) -> None:
        old = self._found[-1] if self._found else None
        if old is None or (
            len(self._found) < KEPT_MAX
            and new.start - old.end > max(APART_MIN, APART_SHARE * max(old.end - old.start, new.end - new.start))
        ):
            self._found.append(new)
            return
        old.end, old.last, old.samples = new.end, new.last, old.samples + new.samples
        old.worst = max(old.worst, new.worst, key=lambda value: value * self.sign)

    def _told(self, scene: Scene, each: Excursion) -> Finding:
        verb, side = ("rose", "above") if self.sign > 0 else ("fell", "below")
        where = f" at {scene.moment(each.first)}"
        if each.samples == 1:
            text = f"{scene.name} {verb} to {scene.amount(each.worst)}{where}, {side} {scene.amount(self.bound)}, for one sample."
        elif each.samples > (each.end - each.start + 1) / 2:
            text = (
                f"{scene.name} {verb} to {scene.amount(each.worst)}{where} and stayed {side} {scene.amount(self.bound)} "
                f"for {scene.lasting(each.last - each.first)}."
            )
        else:
            text = (
                f"{scene.name} {verb} as far as {scene.amount(each.worst)}, {side} {scene.amount(self.bound)}, in "
                f"{counted(each.samples, 'sample')} between {scene.moment(each.first)} and {scene.moment(each.last)}."
            )
        return scene.finding(
            FindingKind.LIMIT_EXCURSION, NAME, text, each.first, each.last, each.worst, severity=Severity.BREACH, limit=self.limit
        )
