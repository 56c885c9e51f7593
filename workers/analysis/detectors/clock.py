"""The time axis read in the order of the file: gaps, steps back, times that repeat, times that cannot be read."""

import numpy as np
from numpy.typing import NDArray

from workers.analysis.findings import Finding, FindingKind, Severity
from workers.analysis.scene import Scene, counted
from workers.analysis.series import Floats

GAPS = "gaps/1"
DISORDER = "time_disorder/1"
GAPS_MAX = 64
PLACES_MAX = 1_024
MISSED = 1.8  # times the usual interval, where the clock is regular
JITTER = 6.0  # times the distance from the median to the 90th percentile, where it is not; an exponential one stays below in 1 of 30,000
COARSE = 0.2  # of the times repeat: the clock counts in steps longer than the interval


class Clock:
    """Takes the times block by block. Exact: every interval is looked at; only the longest 64 gaps are kept."""

    def __init__(self) -> None:
        self.rows = 0
        self.unread = 0
        self.repeats = 0
        self._last: float | None = None
        self._medians: list[float] = []
        self._spreads: list[float] = []
        self._gaps = np.empty((0, 3))  # length, from, to
        self._back: list[tuple[float, float]] = []  # from, to
        self._same: list[tuple[float, int]] = []  # time, rows that repeat it

    def take(self, times: Floats) -> None:
        there = np.isfinite(times)
        self.rows += len(times)
        self.unread += int(len(times) - np.count_nonzero(there))
        rows, times = np.flatnonzero(there), times[there]
        if self._last is not None:
            rows, times = np.concatenate(([-1], rows)), np.concatenate(([self._last], times))
        if len(times):
            self._last = float(times[-1])
            self._look(times, np.diff(times), np.diff(rows) > 1)

    def step_s(self) -> float:
        """The usual time between two rows: the median over blocks of their medians; 0 without one."""
        return float(np.median(self._medians)) if self._medians else 0.0

    def is_coarse(self) -> bool:
        return self.repeats > COARSE * max(self.rows, 1)

    def findings(self, scene: Scene) -> list[Finding]:
        disorder = self._disorder(scene)
        return [*self._missing(scene, disorder), *disorder]

    def _look(self, times: Floats, steps: Floats, unread: NDArray[np.bool_]) -> None:
        """`unread`: rows without a time lie between the two."""
        onward = steps[steps > 0]
        if len(onward):
            self._medians.append(float(np.median(onward)))
            self._spreads.append(float(np.quantile(onward, 0.9)) - self._medians[-1])
        self._back += [(float(times[i]), float(times[i + 1])) for i in np.flatnonzero(steps < 0)][: PLACES_MAX - len(self._back)]
        same = np.flatnonzero(steps == 0)
        self.repeats += len(same)
        for group in np.split(same, np.flatnonzero(np.diff(same) > 1) + 1) if len(same) <= PLACES_MAX else []:
            if len(group) and len(self._same) < PLACES_MAX:
                self._same.append((float(times[group[0]]), len(group)))
        longest = np.argsort(-steps, kind="stable")[:GAPS_MAX] if len(steps) <= GAPS_MAX else np.argpartition(-steps, GAPS_MAX)[:GAPS_MAX]
        longest = longest[~unread[longest]]
        gaps = np.concatenate([self._gaps, np.column_stack([steps[longest], times[longest], times[longest + 1]])])
        self._gaps = gaps[np.argsort(-gaps[:, 0], kind="stable")[:GAPS_MAX]]

    def _missing(self, scene: Scene, disorder: list[Finding]) -> list[Finding]:
        usual = self.step_s()
        bar = max(MISSED * usual, usual + JITTER * (float(np.median(self._spreads)) if self._spreads else 0.0))
        explained = [(each.start_s, each.end_s) for each in disorder]
        found = []
        for length, start, end in sorted(self._gaps.tolist(), key=lambda gap: gap[1]):
            if usual <= 0 or length < bar or any(start in pair or end in pair for pair in explained):
                continue
            lost = counted(max(round(length / usual) - 1, 1), "sample")
            text = f"No rows from {scene.moment(start)} to {scene.moment(end)}: {lost} are missing at the usual interval of {usual:.4g} s."
            found.append(scene.finding(FindingKind.MISSING_SAMPLES, GAPS, text.replace("1 sample are", "1 sample is"), start, end, length))
        return found

    def _disorder(self, scene: Scene) -> list[Finding]:
        found = []
        for start, end in self._back:
            text = f"The time goes back by {start - end:.4g} s after {scene.moment(start)}: the next row is at {scene.moment(end)}."
            found.append(scene.finding(FindingKind.TIME_DISORDER, DISORDER, text, end, start, end - start))
        for time, rows in [] if self.is_coarse() else self._same:
            text = f"The time {scene.moment(time)} stands in {counted(rows + 1, 'row')}, one after the other."
            found.append(scene.finding(FindingKind.TIME_DISORDER, DISORDER, text, time, time, float(rows + 1)))
        if self.unread:
            text = f"The time cannot be read in {counted(self.unread, 'row')} of {self.rows:,}."
            found.append(
                scene.finding(FindingKind.TIME_DISORDER, DISORDER, text, np.nan, np.nan, float(self.unread), severity=Severity.NOTE)
            )
        return found
