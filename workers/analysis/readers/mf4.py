"""ASAM MDF files of version 4, by asammdf."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
from asammdf import MDF
from numpy.typing import NDArray

from workers.analysis.bounds import Bounds
from workers.analysis.readers.lanes import Base, Lane, LaneTable, Reading, chosen
from workers.analysis.signals import Table

Place = tuple[int, int]  # group, channel


def mf4(path: Path, bounds: Bounds) -> Table:
    """The channels of a group share its master; groups whose masters are equal are not merged."""
    lanes: list[Lane] = []
    with MDF(path) as file:
        start = file.start_time.astimezone(UTC).replace(tzinfo=None)
        groups: list[Any] = file.groups  # typed as objects there
        for number, group in enumerate(groups):
            master = file.masters_db.get(number)
            rows = group.channel_group.cycles_nr
            for index, channel in enumerate(group.channels):
                if index != master and rows and _is_numeric(file, number, index):
                    unit = channel.unit or (channel.conversion.unit if channel.conversion else "")
                    lanes.append(Lane(channel.name, unit, rows, (number, index), (number, master)))
        taken, notes = chosen(lanes, bounds)
        number, master = taken[0].base  # type: ignore[misc]
        base = None if master is None else Base(groups[number].channels[master].name, start, (number, master))
    return LaneTable("MF4", taken, base, _reading(path), notes)


def _reading(path: Path) -> Reading:
    @contextmanager
    def reading() -> Iterator[Callable[[object, int, int], NDArray[np.generic]]]:
        with MDF(path) as file:
            yield lambda place, start, end: _rows(file, place, start, end)  # type: ignore[arg-type]

    return reading


def _rows(file: MDF, place: Place, start: int, end: int) -> NDArray[np.generic]:
    group, index = place
    if index == file.masters_db.get(group):
        return np.asarray(file.get_master(group, record_offset=start, record_count=end - start))
    signal = file.get(group=group, index=index, record_offset=start, record_count=end - start, ignore_invalidation_bits=True)
    samples = np.asarray(signal.samples)
    invalid = signal.invalidation_bits
    return samples if invalid is None else np.where(np.asarray(invalid), np.nan, samples)


def _is_numeric(file: MDF, group: int, index: int) -> bool:
    samples = _rows(file, (group, index), 0, 1)
    return samples.ndim == 1 and (bool(np.issubdtype(samples.dtype, np.integer) or np.issubdtype(samples.dtype, np.floating)))
