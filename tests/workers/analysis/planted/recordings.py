"""Recordings as a test bench makes them, without a fault: known signals, seeded noise, no knowledge of any detector."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workers.analysis.signals import BLOCK_ROWS_MAX, Block, Channel, TimeAxis

Floats = NDArray[np.float64]
CLOCK = TimeAxis("time", datetime(2026, 4, 13, 11))  # noqa: DTZ001 (naive UTC)


class Signal(NamedTuple):
    """One channel. `scatter`: how wide the eye sees the curve; `level`: its usual size; `steady`: it should hold a level all the time;
    `lively`: it swings enough to reach a rail."""

    channel: Channel
    values: Floats
    scatter: float
    level: float
    steady: bool = False
    lively: bool = False
    sensor: bool = True


class Recording(NamedTuple):
    name: str
    times: Floats
    signals: dict[str, Signal]


class Held:
    """A Table in memory."""

    format = "csv"
    notes = ()
    block_rows = BLOCK_ROWS_MAX

    def __init__(self, times: Floats, columns: dict[Channel, Floats], axis: TimeAxis | None = CLOCK) -> None:
        self.channels = tuple(columns)
        self.axis = axis
        self.times = times
        self.values = np.column_stack(list(columns.values())) if columns else np.empty((len(times), 0))

    def blocks(self) -> Iterator[Block]:
        for start in range(0, len(self.times), self.block_rows):
            rows = slice(start, start + self.block_rows)
            yield Block(self.times[rows], self.values[rows])


def coloured(rng: Generator, count: int, memory: float = 0.0) -> Floats:
    """Gaussian noise of standard deviation 1, AR(1) with this memory."""
    white = rng.normal(size=count)
    if not memory:
        return white
    out = np.empty(count)
    state = white[0]
    for i, shock in enumerate(white):
        state = memory * state + np.sqrt(1 - memory**2) * shock
        out[i] = state
    return out


def quantised(values: Floats, step: float) -> Floats:
    return np.round(np.round(values / step) * step, 6)


def motor(rng: Generator, noise: float) -> Recording:
    """A motor controller: ramp up, hold, ramp down at 100 Hz; the noise of the current grows with the speed."""
    count = int(rng.integers(3000, 8000))
    t = np.arange(count) / 100
    top, span = rng.uniform(1500, 6000), t[-1]
    corners = np.array([0.05, 0.25, 0.7, 0.9]) * span + rng.uniform(-0.03, 0.03, 4) * span
    speed = np.interp(t, corners, [0, top, top, 0])
    torque = 2 + 6 * speed / top + 40 * np.gradient(speed, t) / top
    current = torque + noise * (0.1 + 0.2 * speed / top) * coloured(rng, count)
    volts = 24 - 0.05 * torque + 0.05 * np.sin(2 * np.pi * t / rng.uniform(2, 6)) + 0.04 * noise * coloured(rng, count)
    heat = 25 + 35 * (1 - np.exp(-t / (0.6 * span))) + 0.2 * noise * coloured(rng, count, 0.5)
    rows = [
        Signal(Channel("bus_voltage", "V"), volts, max(0.05, 0.04 * noise), 24, steady=True),
        Signal(Channel("phase_current", "A"), current, 0.3 * noise + 0.1, 8, lively=True),
        Signal(Channel("motor_temp", "degC"), quantised(heat, 0.05), 0.2 * noise, 40),
        Signal(Channel("motor_speed", "rpm"), speed + 4 * noise * coloured(rng, count), 4 * noise, top),
        Signal(Channel("state", ""), np.searchsorted(corners, t).astype(float), 1, 1, sensor=False),
        Signal(Channel("sample", ""), np.arange(count, dtype=float), 1, 1, sensor=False),
    ]
    return Recording("motor", t, {row.channel.name: row for row in rows})


def battery(rng: Generator, noise: float) -> Recording:
    """A cell discharged at constant current, 10 Hz; charge is counted in whole per cents."""
    count = int(rng.integers(4000, 9000))
    t = np.arange(count) / 10
    share = np.linspace(0.02, rng.uniform(0.85, 0.95), count)
    volts = 4.15 - 0.55 * share - 0.35 * share**6 - 0.08 * (1 - np.exp(-share / 0.03)) + 0.002 * noise * coloured(rng, count)
    amps = 5 + 0.02 * noise * coloured(rng, count)
    heat = 23 + 9 * share**1.5 + 0.1 * noise * coloured(rng, count)
    rows = [
        Signal(Channel("cell voltage", "mV"), quantised(volts * 1000, 0.5), 2 * noise, 3700),
        Signal(Channel("pack current", "A"), quantised(amps, 0.01), 0.02 * noise, 5, steady=True),
        Signal(Channel("cell temperature", "°C"), heat, 0.1 * noise, 28),
        Signal(Channel("soc", "%"), np.round(100 * (1 - share)), 1, 50, sensor=False),
    ]
    return Recording("battery", t, {row.channel.name: row for row in rows})


def pressure(rng: Generator, noise: float) -> Recording:
    """A hydraulic rig that holds a pressure, with pump ripple, a pulsed valve and a flow that follows it, 50 Hz."""
    count = int(rng.integers(3000, 7000))
    t = np.arange(count) / 50
    period = rng.uniform(4, 8)
    valve = (t % period < period / 2).astype(float)
    bar = 180 + 1.5 * np.sin(2 * np.pi * t / (t[-1] / rng.uniform(4, 9))) + 0.6 * noise * coloured(rng, count, 0.3)
    flow = 12 + 8 * valve + 0.2 * noise * coloured(rng, count)
    oil = 45 + 0.1 * noise * coloured(rng, count)
    rows = [
        Signal(Channel("system pressure", "bar"), bar, max(1.0, 0.6 * noise), 180, steady=True),
        Signal(Channel("flow", "l/min"), flow, 0.2 * noise, 16, sensor=False),
        Signal(Channel("oil temperature", "°C"), quantised(oil, 0.1), max(0.1, 0.1 * noise), 45, steady=True),
        Signal(Channel("valve", ""), valve, 1, 1, sensor=False),
    ]
    return Recording("pressure", t, {row.channel.name: row for row in rows})


def vibration(rng: Generator, noise: float) -> Recording:
    """Two accelerometers on a shaft at constant speed, 2 kHz."""
    count = int(rng.integers(8000, 16000))
    t = np.arange(count) / 2000
    base = rng.uniform(20, 60)
    x = 2 * np.sin(2 * np.pi * base * t) + 0.7 * np.sin(2 * np.pi * 2.5 * base * t + 1) + 0.3 * noise * coloured(rng, count)
    y = 1.2 * np.sin(2 * np.pi * base * t + 0.8) + 0.25 * noise * coloured(rng, count)
    rows = [
        Signal(Channel("accel_x", "g"), x, float(np.std(x)), 3, lively=True),
        Signal(Channel("accel_y", "g"), y, float(np.std(y)), 2, lively=True),
        Signal(Channel("shaft speed", "1/min"), 60 * base + 1.0 * noise * coloured(rng, count), noise, 60 * base, steady=True),
    ]
    return Recording("vibration", t, {row.channel.name: row for row in rows})


def supply(rng: Generator, noise: float) -> Recording:
    """A bench supply with two rails under a load swept slowly up and down, 1 kHz, 12-bit readings."""
    count = int(rng.integers(5000, 12000))
    t = np.arange(count) / 1000
    load = 1.5 + 1.0 * np.sin(2 * np.pi * t / (t[-1] / rng.uniform(3, 6)))
    rail12 = 12.0 - 0.02 * load + 0.015 * noise * coloured(rng, count)
    rail5 = 5.0 + 0.006 * noise * coloured(rng, count)
    amps = load + 0.02 * noise * coloured(rng, count, 0.6)
    rows = [
        Signal(Channel("U12", "V"), quantised(rail12, 16 / 4096), 0.03 * max(noise, 0.5), 12, steady=True),
        Signal(Channel("U5", "V"), quantised(rail5, 8 / 4096), 0.008 * max(noise, 0.5), 5, steady=True),
        Signal(Channel("I_load", "A"), amps, 0.02 * noise + 0.02, 1.5, lively=True),
    ]
    return Recording("supply", t, {row.channel.name: row for row in rows})


RIGS = (motor, battery, pressure, vibration, supply)
