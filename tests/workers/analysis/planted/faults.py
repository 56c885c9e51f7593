"""Faults planted into recordings, each with the truth: what kind, in which channel, when."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from tests.workers.analysis.planted.recordings import Floats, Recording, Signal
from workers.analysis.findings import FindingKind


class Truth(NamedTuple):
    """`channel` is empty for faults of the time axis."""

    kind: FindingKind
    channel: str
    start_s: float
    end_s: float


class Planted(NamedTuple):
    """`limit_text` is what the procedure says, as an engineer writes it; empty where it says nothing."""

    recording: Recording
    truths: tuple[Truth, ...]
    limit_text: str = ""


Fault = Callable[[Generator, Recording], Planted]


def chosen(rng: Generator, recording: Recording, what: Callable[[Signal], bool] = lambda _: True) -> Signal:
    fitting = [s for s in recording.signals.values() if s.sensor and what(s)] or [s for s in recording.signals.values() if s.sensor]
    return fitting[int(rng.integers(len(fitting)))]


def place(rng: Generator, count: int, length: int) -> slice:
    start = int(rng.integers(int(0.1 * count), int(0.9 * count) - length))
    return slice(start, start + length)


def changed(recording: Recording, signal: Signal, values: Floats) -> Recording:
    return recording._replace(signals=recording.signals | {signal.channel.name: signal._replace(values=values)})


def told(recording: Recording, signal: Signal, values: Floats, kind: FindingKind, rows: slice) -> Planted:
    times = recording.times[rows]
    return Planted(changed(recording, signal, values), (Truth(kind, signal.channel.name, float(times[0]), float(times[-1])),))


def sign(rng: Generator) -> float:
    return float(rng.choice([-1.0, 1.0]))


def sag(rng: Generator, recording: Recording) -> Planted:
    """The level falls or rises at once, stays, and comes back."""
    signal, count = chosen(rng, recording, lambda s: not s.lively), len(recording.times)
    rows = place(rng, count, int(rng.integers(15, count // 15)))
    height = max(rng.uniform(6, 15) * signal.scatter, rng.uniform(0.05, 0.3) * signal.level)
    values = signal.values.copy()
    values[rows] += sign(rng) * height
    return told(recording, signal, values, FindingKind.LEVEL_STEP, rows)


def shift(rng: Generator, recording: Recording) -> Planted:
    """The level changes at once and stays until the end."""
    signal, count = chosen(rng, recording, lambda s: not s.lively), len(recording.times)
    start = place(rng, count, count // 5).start
    height = max(rng.uniform(5, 12) * signal.scatter, rng.uniform(0.03, 0.15) * signal.level)
    values = signal.values.copy()
    values[start:] += sign(rng) * height
    return told(recording, signal, values, FindingKind.LEVEL_STEP, slice(start, count))


def spike(rng: Generator, recording: Recording) -> Planted:
    """One to three samples far away."""
    signal, count = chosen(rng, recording), len(recording.times)
    rows = place(rng, count, int(rng.integers(1, 4)))
    height = rng.uniform(4, 8) * signal.scatter if signal.channel.unit == "g" else rng.uniform(10, 30) * signal.scatter
    values = signal.values.copy()
    values[rows] += sign(rng) * height
    return told(recording, signal, values, FindingKind.SPIKE, rows)


def drift(rng: Generator, recording: Recording) -> Planted:
    """A level that should hold creeps away, from the beginning or from somewhere on."""
    signal, count = chosen(rng, recording, lambda s: s.steady), len(recording.times)
    start = int(rng.choice([0.0, rng.uniform(0.1, 0.5)]) * count)
    total = max(rng.uniform(6, 12) * signal.scatter, rng.uniform(0.02, 0.06) * signal.level)
    values = signal.values.copy()
    values[start:] += sign(rng) * total * np.linspace(0, 1, count - start) ** rng.uniform(1, 1.4)
    return told(recording, signal, values, FindingKind.DRIFT, slice(start, count))


def stuck(rng: Generator, recording: Recording) -> Planted:
    """The last reading is repeated for a while."""
    signal, count = chosen(rng, recording), len(recording.times)
    rows = place(rng, count, int(rng.uniform(0.03, 0.12) * count))
    values = signal.values.copy()
    values[rows] = values[rows.start]
    return told(recording, signal, values, FindingKind.STUCK, rows)


def clipped(rng: Generator, recording: Recording) -> Planted:
    """The range of the input ends within the signal: everything beyond reads as the end of the range."""
    signal = chosen(rng, recording, lambda s: s.lively)
    rail = float(np.quantile(signal.values, 1 - rng.uniform(0.03, 0.10)))
    values = np.minimum(signal.values, rail)
    beyond = np.flatnonzero(signal.values >= rail)
    return told(recording, signal, values, FindingKind.SATURATED, slice(int(beyond[0]), int(beyond[-1]) + 1))


def lost_rows(rng: Generator, recording: Recording) -> Planted:
    """The recorder paused: the clock goes on, rows are missing."""
    rows = place(rng, len(recording.times), int(rng.integers(5, 100)))
    keep = np.ones(len(recording.times), dtype=bool)
    keep[rows] = False
    signals = {name: s._replace(values=s.values[keep]) for name, s in recording.signals.items()}
    truth = Truth(FindingKind.MISSING_SAMPLES, "", float(recording.times[rows][0]), float(recording.times[rows][-1]))
    return Planted(Recording(recording.name, recording.times[keep], signals), (truth,))


def blank_cells(rng: Generator, recording: Recording) -> Planted:
    """One channel has no values for a while."""
    signal = chosen(rng, recording)
    rows = place(rng, len(recording.times), int(rng.integers(5, 100)))
    values = signal.values.copy()
    values[rows] = np.nan
    return told(recording, signal, values, FindingKind.MISSING_SAMPLES, rows)


def clock_back(rng: Generator, recording: Recording) -> Planted:
    """The clock was set back by a few samples and runs on from there."""
    at = place(rng, len(recording.times), 100).start
    step = float(recording.times[1] - recording.times[0])
    times = recording.times.copy()
    times[at:] -= step * int(rng.integers(3, 50))
    return Planted(recording._replace(times=times), (Truth(FindingKind.TIME_DISORDER, "", float(times[at]), float(times[at - 1])),))


def clock_halted(rng: Generator, recording: Recording) -> Planted:
    """Some rows carry the same time."""
    rows = place(rng, len(recording.times), int(rng.integers(3, 12)))
    times = recording.times.copy()
    times[rows] = times[rows.start]
    return Planted(
        recording._replace(times=times), (Truth(FindingKind.TIME_DISORDER, "", float(times[rows.start]), float(times[rows.stop])),)
    )


def overrun(rng: Generator, recording: Recording) -> Planted:
    """A smooth hump over a written limit."""
    signal, count = chosen(rng, recording, lambda s: s.steady), len(recording.times)
    rows = place(rng, count, int(rng.uniform(0.05, 0.2) * count))
    high = float(signal.values.max() + 3 * signal.scatter)
    values = signal.values + 0.0
    hump = high - float(np.median(signal.values[rows])) + rng.uniform(5, 15) * signal.scatter
    values[rows] += hump * np.sin(np.linspace(0, np.pi, rows.stop - rows.start))
    beyond = np.flatnonzero(values > high)
    planted = told(recording, signal, values, FindingKind.LIMIT_EXCURSION, slice(int(beyond[0]), int(beyond[-1]) + 1))
    return planted._replace(limit_text=f"{signal.channel.name} shall not exceed {high:.6g} {signal.channel.unit}.")


def undervoltage(rng: Generator, recording: Recording) -> Planted:
    """A sag below a written limit."""
    planted = sag(rng, recording)
    truth = planted.truths[0]
    signal, before = planted.recording.signals[truth.channel], recording.signals[truth.channel].values
    if np.nanmin(signal.values) >= before.min():
        return planted
    low = float((np.nanmin(signal.values) + before.min()) / 2)
    text = f"The {signal.channel.name} must stay above {low:.6g} {signal.channel.unit} during the test"
    return planted._replace(truths=(truth._replace(kind=FindingKind.LIMIT_EXCURSION),), limit_text=text)


FAULTS: tuple[Fault, ...] = (
    sag, shift, spike, drift, stuck, clipped, lost_rows, blank_cells, clock_back, clock_halted, overrun, undervoltage,
)  # fmt: skip
