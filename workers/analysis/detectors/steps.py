"""Level steps: the level of a signal changes at once, for good or for a while."""

from typing import NamedTuple

import numpy as np

from workers.analysis.findings import Finding, FindingKind, Severity
from workers.analysis.noise import despiked, difference_scatter, mad
from workers.analysis.scene import Scene
from workers.analysis.series import Floats, Series

NAME = "level_steps/1"
SAMPLES_MIN = 40
WINDOWS = (4, 16, 64)  # samples compared on either side: short for large steps, long for small ones
LEVEL_SAMPLES = 32  # on either side of a change tell the levels
NEAREST, GAP = 8, 3  # samples that tell whether it came at once, and between them and the change
SHARE_OF_FILE_MAX = 20  # a window takes at most this part of the file
SIGMAS = 7.0
QUANTA = 3.0
ABRUPT = 0.6  # the part of a difference that neither neighbouring window shows: a ramp has nearly none of it, a step all
USUAL = 2.0  # times what one sample in ten shows anyway: a fast periodic signal has no steps
KEPT = 0.5  # of the difference of the windows is still there between the levels before and after
VISIBLE = 3.0  # scatters of single samples: a person sees the step
HOLE = 3.0  # times the usual interval
NEAR = 8  # samples between a command and the response
RETURN = 0.35  # a level is back when the way back is the way there within this part
CHANGES_MAX = 6  # more make a load profile, unless the signal is at its usual level nearly all the time
AWAY_MAX = 0.15  # of the file
CROWD = 4.5  # times the way to the nearest change: within it an isolated sag has one other, a wave eight


class Change(NamedTuple):
    """The level before and after sample `at`, which is the first on the new level."""

    at: int
    before: float
    after: float

    @property
    def height(self) -> float:
        return self.after - self.before


def level_steps(series: Series, scene: Scene, step: float, commands: Floats) -> list[Finding]:
    """Compares the means of windows on either side of every sample (Basseville and Nikiforov 1993, §2.1), less what a ramp explains.

    `commands` are times at which a discrete channel of the file changed: a step then is the response, a note.
    """
    there = series.present()
    if len(there.mean) < SAMPLES_MIN:
        return []
    x = despiked(there.mean)  # a spike is no step
    found = changes(x, step, _holes(there.first))
    events = _events(found, len(x))
    away = sum(stop - change.at for change, stop, back in events if back)
    lasting = sum(not back for _, _, back in events)
    if lasting > CHANGES_MAX or (len(found) > CHANGES_MAX and away > AWAY_MAX * len(x)):
        return []
    return [] if _swings(found) else [_told(there, scene, commands, *event) for event in events]


def changes(x: Floats, step: float, holes: Floats) -> list[Change]:
    peaks = [peak for m in WINDOWS if m * SHARE_OF_FILE_MAX <= len(x) or m == WINDOWS[0] for peak in _peaks(x, m, step)]
    scatter = difference_scatter(x)
    heights: dict[int, float] = {}
    for _, m, i, difference in sorted(peaks, reverse=True):
        at = _split(x, i, m)
        if all(abs(at - other) >= m for other in heights) and not np.any(np.abs(holes - at) <= 2 * m):
            heights[at] = difference
    while True:
        places = sorted(heights)
        near = _levels(x, places, NEAREST, GAP)
        weak = [c.at for c in near if c.height * np.sign(heights[c.at]) < max(KEPT * abs(heights[c.at]), VISIBLE * scatter[c.at])]
        if not weak:
            return _levels(x, places, LEVEL_SAMPLES, 0)
        for at in weak:
            del heights[at]


def _swings(found: list[Change]) -> bool:
    """Whether most changes stand in a row of many, evenly spaced: a wave, though perhaps not all through the file."""
    places = np.array([change.at for change in found], dtype=np.float64)
    if len(places) <= CHANGES_MAX:
        return False
    nearest = np.minimum(np.diff(places, prepend=-np.inf), np.diff(places, append=np.inf))
    crowd = [np.count_nonzero(np.abs(places - at) <= CROWD * near) for at, near in zip(places, nearest, strict=True)]
    return 2 * sum(int(count) > CHANGES_MAX for count in crowd) > len(found)


def _holes(times: Floats) -> Floats:
    """The samples before which others are missing: what changed meanwhile did not change at once."""
    steps = np.diff(times)
    return (np.flatnonzero(steps > HOLE * np.median(steps)) + 1).astype(np.float64)


def _levels(x: Floats, places: list[int], width: int, gap: int) -> list[Change]:
    """The medians of so many samples on either side of each place, a gap apart from it, but not beyond the next place."""
    found = []
    for before, at, after in zip([0, *places], places, [*places[1:], len(x)], strict=False):
        left, right = (
            x[max(before, at - gap - width) : max(at - gap, before + 1)],
            x[min(at + gap, after - 1) : min(after, at + gap + width)],
        )
        found.append(Change(at, float(np.median(left)), float(np.median(right))))
    return found


def _peaks(x: Floats, m: int, step: float) -> list[tuple[float, int, int, float]]:
    """Where the level changes more than noise and ramps explain: how far beyond the threshold, the window, the sample, the difference."""
    total = np.concatenate(([0.0], np.cumsum(x - x[0])))
    difference = np.zeros(len(x))
    inner = np.arange(m, len(x) - m + 1)[: len(x) - m]
    difference[inner] = (total[inner + m] - 2 * total[inner] + total[inner - m]) / m
    sign = np.sign(difference)
    far = np.pad(difference, 2 * m)
    beside = np.maximum.reduce([np.zeros(len(x)), sign * far[: len(x)], sign * far[4 * m :]])
    excess = np.abs(difference) - beside
    floor = max(
        SIGMAS * mad(difference[inner]),
        USUAL * float(np.quantile(excess, 0.9)),
        QUANTA * step,
        1e-6 * float(np.ptp(x)),
        1e-9 * float(np.abs(x).max()),
    )
    threshold = np.maximum(floor, SIGMAS * np.sqrt(2 / m) * difference_scatter(x))
    hits = np.flatnonzero((excess > threshold) & (excess >= ABRUPT * np.abs(difference)))
    groups = np.split(hits, np.flatnonzero((np.diff(hits) > 1) | (np.diff(sign[hits]) != 0)) + 1)
    best = [int(group[np.argmax(excess[group])]) for group in groups if len(group)]
    return [(float(excess[i] / threshold[i]), m, i, float(difference[i])) for i in best]


def _split(x: Floats, i: int, m: int) -> int:
    """The sample within the window that splits it into two levels with the least squared error (Bai 1994)."""
    start = max(i - m, 0)
    window = x[start : i + m] - x[i]
    counts = np.arange(1, len(window))
    left = np.cumsum(window)[:-1]
    gain = left**2 / counts + (window.sum() - left) ** 2 / (len(window) - counts)
    return start + 1 + int(np.argmax(gain))


def _events(found: list[Change], count: int) -> list[tuple[Change, int, bool]]:
    """Each change with the sample where its level ends, and whether it came back; a change and its way back are one event."""
    events, k = [], 0
    while k < len(found):
        change, after = found[k], found[k + 1] if k + 1 < len(found) else None
        back = after is not None and abs(change.height + after.height) <= RETURN * max(abs(change.height), abs(after.height))
        events.append((change, after.at if after else count, back))
        k += 2 if back else 1
    return events


def _told(series: Series, scene: Scene, commands: Floats, change: Change, stop: int, back: bool) -> Finding:
    start, end = series.first[change.at], series.last[stop - 1]
    down = change.height < 0
    value = float(series.low[change.at : stop].min() if down else series.high[change.at : stop].max())
    verb = "fell" if down else "rose"
    head = f"{scene.name} {verb} from {scene.amount(change.before)} to {scene.amount(change.after)} at {scene.moment(start)}"
    tail = f" and came back after {scene.lasting(end - start)}" if back else ""
    near = commands[np.abs(commands - start) <= NEAR * scene.step_s * series.rows] if len(commands) else commands
    when = ", as the file's discrete signals changed" if len(near) else ""
    severity = Severity.NOTE if len(near) else Severity.ANOMALY
    return scene.finding(FindingKind.LEVEL_STEP, NAME, f"{head}{tail}{when}.", start, end, value, severity=severity)
