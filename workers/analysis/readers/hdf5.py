"""HDF5 files, by h5py: data sets of numbers, one a channel, or with a channel a column."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
from numpy.typing import NDArray

from workers.analysis.bounds import Bounds
from workers.analysis.readers.clocks import EPOCH, EPOCH_S, UNIT_S, is_time_name
from workers.analysis.readers.headings import headed
from workers.analysis.readers.lanes import Base, Lane, LaneTable, Read, Reading, chosen
from workers.analysis.signals import Table, Unreadable

SETS_MAX = 20_000
COLUMNS_MAX = 512  # of one data set
UNIT_ATTRIBUTES = ("unit", "units", "Unit", "Units", "UNITS")
NUMERIC = "iufb"


def hdf5(path: Path, bounds: Bounds) -> Table:
    """Channels of a group and of equal length share an axis: the one that is called time. Links out of the file are not followed."""
    with h5py.File(path, "r") as file:
        sets, odd = _sets(file, bounds)
        lanes = [lane for each in sets for lane in _lanes(each)]
        times = {lane.base: lane for lane in reversed(lanes) if is_time_name(headed(lane.name).name)}
        taken, notes = chosen([lane for lane in lanes if lane != times.get(lane.base)], bounds)
        time = times.get(taken[0].base)
        base = _base(file, time) if time else None
    more = [f"{odd:,} data sets of other shapes or kinds left out"] if odd else []
    return LaneTable("HDF5", taken, base, _reading(path), [*notes, *more])


def _sets(file: h5py.File, bounds: Bounds) -> tuple[list[h5py.Dataset], int]:
    """Those that can be read, and how many cannot. `visititems` passes soft and external links over."""
    found: list[h5py.Dataset] = []
    odd = 0

    def visit(_: str, item: object) -> None:
        nonlocal odd
        if isinstance(item, h5py.Dataset):
            if len(found) + odd >= SETS_MAX:
                raise Unreadable(f"The file holds more than {SETS_MAX:,} data sets.")
            if _is_table(item, bounds):
                found.append(item)
            else:
                odd += 1

    file.visititems(visit)
    return found, odd


def _is_table(item: h5py.Dataset, bounds: Bounds) -> bool:
    """Longer than wide, in this file, and of chunks that unpack to little."""
    if item.shape is None or item.ndim not in {1, 2} or item.is_virtual or item.external:
        return False
    names = item.dtype.names
    width = len(names) if names else prod(item.shape[1:])
    numeric = item.ndim == 1 if names else item.dtype.kind in NUMERIC
    chunk = prod(item.chunks or (1,)) * item.dtype.itemsize
    return numeric and 1 < len(item) > width <= COLUMNS_MAX and max(chunk, item.dtype.itemsize * 1024) <= bounds.whole_bytes_max


def _lanes(item: h5py.Dataset) -> Iterator[Lane]:
    name, unit = PurePosixPath(item.name).name, _unit(item)
    base = (str(PurePosixPath(item.name).parent), len(item))
    if item.dtype.names:
        fields = [field for field in item.dtype.names if item.dtype[field].kind in NUMERIC]
        yield from (Lane(field, "", len(item), (item.name, field), (item.name, len(item))) for field in fields)
    elif item.ndim == 1:
        yield Lane(name, unit, len(item), (item.name, None), base)
    else:
        yield from (Lane(f"{name} {column + 1}", unit, len(item), (item.name, column), base) for column in range(item.shape[1]))


def _reading(path: Path) -> Reading:
    @contextmanager
    def reading() -> Iterator[Read]:
        with h5py.File(path, "r") as file:
            yield lambda places, start, end: _rows(file, places, start, end)

    return reading


def _rows(file: h5py.File, places: Sequence[Any], start: int, end: int) -> list[NDArray[Any]]:
    held = {name: file[name][start:end] for name in {name for name, _ in places}}
    return [_part(held[name], which) for name, which in places]


def _part(rows: NDArray[Any], which: int | str | None) -> NDArray[Any]:
    match which:
        case None:
            return rows
        case str():
            return rows[which]
        case _:
            return rows[:, which]


def _base(file: h5py.File, time: Lane) -> Base:
    """Unix time where the first value is like it."""
    name, scale = headed(time.name), UNIT_S.get(time.unit or headed(time.name).unit, 1.0)
    first = float(_rows(file, [time.place], 0, 1)[0][0]) * scale
    if EPOCH_S[0] <= first <= EPOCH_S[1]:
        whole = float(first // 1)
        return Base(name.name, EPOCH + timedelta(seconds=whole), time.place, first_s=whole, unit_s=scale)
    return Base(name.name, None, time.place, unit_s=scale)


def _unit(item: h5py.Dataset) -> str:
    said = next((item.attrs[key] for key in UNIT_ATTRIBUTES if key in item.attrs), "")
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return text if isinstance(text, str) else ""
