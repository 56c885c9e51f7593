"""ASAM MDF files of version 4, by asammdf."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
from asammdf import MDF, Signal
from numpy.typing import NDArray

from workers.analysis.bounds import Bounds
from workers.analysis.readers.lanes import Base, Lane, LaneTable, Read, Reading, chosen
from workers.analysis.signals import Table

MASTER = None  # the place of the time channel of the group that is read


def mf4(path: Path, bounds: Bounds) -> Table:
    """Channels share an axis when they stand in a group, or in groups of as many records that begin and end at the same moments."""
    lanes: list[Lane] = []
    with MDF(path) as file:
        start = file.start_time.astimezone(UTC).replace(tzinfo=None)
        groups: list[Any] = file.groups  # typed as objects there
        for number, group in enumerate(groups):
            if rows := group.channel_group.cycles_nr:
                lanes += _lanes(file, number, group, rows)
        taken, notes = chosen(lanes, bounds)
        number, _ = taken[0].place
        master = file.masters_db.get(number)
        base = None if master is None else Base(groups[number].channels[master].name, start, MASTER)
    return LaneTable("MF4", taken, base, _reading(path), notes)


def _lanes(file: MDF, number: int, group: Any, rows: int) -> Iterator[Lane]:
    master = file.masters_db.get(number)
    places = [(number, i) for i in range(len(group.channels)) if i != master]
    first, last = _signals(file, places, 0, 1), _signals(file, places[:1], rows - 1, rows)
    span = [float(signal.timestamps[0]) for signal in (*first[:1], *last) if len(signal.timestamps)]
    for place, signal in zip(places, first, strict=True):
        if signal.samples.ndim == 1 and signal.samples.dtype.kind in "iufb":
            yield Lane(signal.name, signal.unit, rows, place, (rows, master is None, tuple(span)))


def _reading(path: Path) -> Reading:
    @contextmanager
    def reading() -> Iterator[Read]:
        with MDF(path) as file:
            yield lambda places, start, end: _rows(file, places, start, end)

    return reading


def _rows(file: MDF, places: Sequence[Any], start: int, end: int) -> list[NDArray[Any]]:
    signals = _signals(file, [place for place in places if place is not MASTER], start, end)
    times = [signals[0].timestamps] if MASTER in places else []
    return [*times, *map(_samples, signals)]


def _signals(file: MDF, places: Sequence[tuple[int, int]], start: int, end: int) -> list[Signal]:
    wanted = [(None, group, index) for group, index in places]
    return file.select(
        wanted, record_offset=start, record_count=end - start, copy_master=False, ignore_value2text_conversions=True, validate=False
    )


def _samples(signal: Signal) -> NDArray[Any]:
    samples = np.asarray(signal.samples)
    invalid = signal.invalidation_bits
    return samples if invalid is None else np.where(np.asarray(invalid), np.nan, samples)
