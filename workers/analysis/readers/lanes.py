"""Tables of recorders' formats, in which every channel is an array of its own, perhaps with a time base of its own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.analysis.bounds import Bounds
from workers.analysis.readers.clocks import NS
from workers.analysis.readers.frames import BLOCK_CELLS_MAX, left_out
from workers.analysis.readers.headings import channels
from workers.analysis.signals import BLOCK_ROWS_MAX, Block, TimeAxis, Unreadable

Floats = NDArray[np.float64]
Read = Callable[[Sequence[Any], int, int], list[NDArray[Any]]]  # the places, rows from and to; an array of each


class Lane(NamedTuple):
    """A channel as it lies in the file. `place` finds it again; `base` is equal for channels that share one time axis."""

    name: str
    unit: str
    length: int
    place: Any
    base: object


class Base(NamedTuple):
    """A time axis: read from `place` and in `unit_s` seconds, or counted from `first_s` in steps of `step_s`; None for row numbers."""

    name: str = ""
    start: datetime | None = None
    place: Any = None
    first_s: float = 0.0
    step_s: float | None = None
    unit_s: float = 1.0


Reading = Callable[[], AbstractContextManager[Read]]


class LaneTable:
    """`reading` opens the file for as long as its rows are asked for."""

    def __init__(self, kind: str, lanes: Sequence[Lane], base: Base | None, reading: Reading, notes: Sequence[str]) -> None:
        self.format = kind
        self.channels = tuple(channels([lane.name for lane in lanes], [lane.unit for lane in lanes]))
        self.axis = TimeAxis(base.name, base.start) if base else None
        self.notes = (*notes, *(() if base else ("no time base, so samples are counted",)))
        self._lanes, self._base, self._reading = lanes, base, reading

    def blocks(self) -> Iterator[Block]:
        step = min(BLOCK_ROWS_MAX, max(1, BLOCK_CELLS_MAX // len(self._lanes)))
        length = max(lane.length for lane in self._lanes)
        with self._reading() as read:
            for start in range(0, length, step):
                end = min(length, start + step)
                places = [lane.place for lane in self._lanes]
                if self._base and self._base.step_s is None:
                    times, *columns = read([self._base.place, *places], start, end)
                    seconds = _seconds(times, self._base, end - start)
                else:
                    columns = read(places, start, end)
                    seconds = _counted(self._base, start, end)
                yield Block(seconds, np.column_stack([_floats(column, end - start) for column in columns]))


def chosen(lanes: Sequence[Lane], bounds: Bounds) -> tuple[list[Lane], list[str]]:
    """The channels of the time base that has the most samples, and a note on the others."""
    if not lanes:
        raise Unreadable("The file holds no channels of numbers.")
    samples: dict[object, int] = {}
    for lane in lanes:
        samples[lane.base] = samples.get(lane.base, 0) + lane.length
    base = max(samples, key=lambda each: samples[each])
    taken = [lane for lane in lanes if lane.base == base]
    others = [lane.name for lane in lanes if lane.base != base]
    if len(taken) > bounds.columns_max:
        raise Unreadable(f"The file has {len(taken):,} channels; at most {bounds.columns_max:,} are read.")
    length = max(lane.length for lane in taken)
    if length > bounds.rows_max or length * len(taken) > bounds.bytes_max:
        raise Unreadable(f"The file has {length:,} samples of {len(taken):,} channels; so many are not read.")
    if not length:
        raise Unreadable("The channels hold no samples.")
    return taken, [left_out(others, "another time base")] if others else []


def _counted(base: Base | None, start: int, end: int) -> Floats:
    rows = np.arange(start, end, dtype=np.float64)
    return rows if base is None or base.step_s is None else base.first_s + rows * base.step_s


def _floats(values: NDArray[Any], rows: int) -> Floats:
    """Filled up with NaN where a channel ends before the others."""
    found = np.full(rows, np.nan)
    found[: len(values)] = values[:rows]
    return found


def _seconds(values: NDArray[Any], base: Base, rows: int) -> Floats:
    if not np.issubdtype(values.dtype, np.datetime64):
        return _floats(values, rows) * base.unit_s - base.first_s
    since = values.astype("datetime64[ns]") - np.datetime64(base.start or datetime(1970, 1, 1), "ns")  # noqa: DTZ001
    return _floats(np.where(np.isnat(since), np.nan, since.astype(np.int64) / NS), rows)
