"""Short signals put through the whole examination."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import numpy as np

from tests.workers.analysis.planted.recordings import Floats, Held
from workers.analysis.examining import examine
from workers.analysis.findings import FileAnalysis, Finding, Limit
from workers.analysis.signals import Channel, TimeAxis

FILE_ID = UUID(int=7)
AXIS = TimeAxis("t", datetime(2026, 4, 13, 11))  # noqa: DTZ001 (naive UTC)
BUS = Channel("bus_voltage", "V")


def noise(count: int, scatter: float = 0.02, seed: int = 5) -> Floats:
    return np.random.default_rng(seed).normal(scale=scatter, size=count)


def clock(count: int, rate: float = 100.0) -> Floats:
    return np.arange(count) / rate


def analysed(
    columns: dict[Channel, Floats], times: Floats | None = None, limits: Sequence[Limit] = (), axis: TimeAxis | None = AXIS
) -> FileAnalysis:
    count = len(next(iter(columns.values()), np.empty(0)))
    return examine(FILE_ID, "log.csv", Held(clock(count) if times is None else times, columns, axis), limits)


def found(values: Floats, channel: Channel = BUS, times: Floats | None = None, limits: Sequence[Limit] = ()) -> tuple[Finding, ...]:
    return analysed({channel: values}, times, limits).findings
