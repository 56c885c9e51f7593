"""Missing values: a channel is empty for a while, though the rows go on."""

import numpy as np

from workers.analysis.findings import Finding, FindingKind, Severity
from workers.analysis.scene import Scene, counted
from workers.analysis.series import Floats

NAME = "blanks/1"
SAMPLES_MIN = 3
USUAL_TIMES = 3.0  # a channel sampled more slowly than the file is empty between its values
RUNS_MAX = 256


class Blanks:
    """Takes one channel's values block by block. Every run of blanks is counted; the longest 256 are kept."""

    def __init__(self) -> None:
        self.values = 0
        self._row = 0
        self._lengths = np.zeros(64, dtype=np.int64)  # runs by the number of binary digits of their length
        self._runs = np.empty((0, 3))  # samples, time of the first, time of the last
        self._open: tuple[int, float, float] | None = None

    def take(self, times: Floats, values: Floats) -> None:
        blank = ~np.isfinite(values)
        self._row += len(values)
        self.values += int(len(values) - np.count_nonzero(blank))
        if not blank.any():
            self._close()
            return
        edges = np.flatnonzero(np.diff(np.concatenate(([False], blank, [False])).astype(np.int8)))
        starts, stops = edges[::2], edges[1::2]
        runs = np.column_stack([(stops - starts).astype(float), times[starts], times[stops - 1]])
        if self._open is not None and starts[0] == 0:
            runs[0, 0] += self._open[0]
            runs[0, 1] = self._open[1]
            self._open = None
        self._close()
        if stops[-1] == len(values):
            self._open = (int(runs[-1, 0]), float(runs[-1, 1]), float(runs[-1, 2]))
            runs = runs[:-1]
        self._keep(runs)

    def findings(self, scene: Scene) -> list[Finding]:
        self._close()
        if not self.values:
            text = f"{scene.name} holds no value in {counted(self._row, 'row')}."
            nothing = scene.finding(FindingKind.MISSING_SAMPLES, NAME, text, np.nan, np.nan, severity=Severity.NOTE)
            return [nothing] if self._row else []
        bar = max(SAMPLES_MIN, USUAL_TIMES * self._usual())
        ordered = sorted((run for run in self._runs.tolist() if run[0] >= bar), key=lambda run: run[1])
        return [self._told(scene, int(length), first, last) for length, first, last in ordered]

    def _usual(self) -> float:
        """The most that half of the blank runs have, where there are many; else none is usual."""
        total = int(self._lengths.sum())
        if total < 8:
            return 0.0
        return float(2 ** np.searchsorted(np.cumsum(self._lengths), total / 2) - 1)

    def _close(self) -> None:
        if self._open is not None:
            self._keep(np.array([self._open], dtype=float))
            self._open = None

    def _keep(self, runs: Floats) -> None:
        if len(runs):
            self._lengths += np.bincount(np.frexp(runs[:, 0])[1], minlength=64)
            both = np.concatenate([self._runs, runs])
            self._runs = both[np.argsort(-both[:, 0], kind="stable")[:RUNS_MAX]]

    def _told(self, scene: Scene, length: int, first: float, last: float) -> Finding:
        text = f"{scene.name} has no value from {scene.moment(first)} to {scene.moment(last)} ({counted(length, 'sample')})."
        return scene.finding(FindingKind.MISSING_SAMPLES, NAME, text, first, last, float(length))
