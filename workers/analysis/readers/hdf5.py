"""HDF5 files, by h5py: one-dimensional data sets of numbers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from math import prod
from pathlib import Path, PurePosixPath

import h5py
import numpy as np
from numpy.typing import NDArray

from workers.analysis.bounds import Bounds
from workers.analysis.readers.clocks import EPOCH, EPOCH_S, UNIT_S, is_time_name
from workers.analysis.readers.headings import headed
from workers.analysis.readers.lanes import Base, Lane, LaneTable, Reading, chosen
from workers.analysis.signals import Table, Unreadable

SETS_MAX = 20_000
UNIT_ATTRIBUTES = ("unit", "units", "Unit", "Units", "UNITS")


def hdf5(path: Path, bounds: Bounds) -> Table:
    """Data sets of a group and of equal length share an axis: the one that is called time. Links out of the file are not followed."""
    with h5py.File(path, "r") as file:
        sets, odd = _sets(file, bounds)
        times = {_base_of(each): each for each in sets if is_time_name(headed(_name(each)).name)}
        lanes = [_lane(each) for each in sets if times.get(_base_of(each)) != each]
        taken, notes = chosen(lanes, bounds)
        time = times.get(taken[0].base)  # type: ignore[call-overload]
        base = _base(time) if time is not None else None
    more = [f"{odd:,} data sets of other shapes or kinds left out"] if odd else []
    return LaneTable("HDF5", taken, base, _reading(path), [*notes, *more])


def _sets(file: h5py.File, bounds: Bounds) -> tuple[list[h5py.Dataset], int]:
    """Hard links only: `visititems` passes others over. What lies in other files, or unpacks to too much at once, is left out."""
    found: list[h5py.Dataset] = []
    odd = 0

    def visit(_: str, item: object) -> None:
        nonlocal odd
        if isinstance(item, h5py.Dataset):
            if len(found) + odd >= SETS_MAX:
                raise Unreadable(f"The file holds more than {SETS_MAX:,} data sets.")
            if _is_channel(item, bounds):
                found.append(item)
            else:
                odd += 1

    file.visititems(visit)
    return found, odd


def _is_channel(item: h5py.Dataset, bounds: Bounds) -> bool:
    chunk = prod(item.chunks or (1,)) * item.dtype.itemsize
    local = not item.is_virtual and not item.external
    return item.ndim == 1 and len(item) > 1 and item.dtype.kind in "iufb" and local and chunk <= bounds.whole_bytes_max


def _reading(path: Path) -> Reading:
    @contextmanager
    def reading() -> Iterator[Callable[[object, int, int], NDArray[np.generic]]]:
        with h5py.File(path, "r") as file:
            yield lambda place, start, end: file[place][start:end]

    return reading


def _lane(item: h5py.Dataset) -> Lane:
    return Lane(_name(item), _unit(item), len(item), item.name, _base_of(item))


def _base_of(item: h5py.Dataset) -> tuple[str, int]:
    return str(PurePosixPath(item.name).parent), len(item)


def _base(time: h5py.Dataset) -> Base:
    """Unix time where the first value is like it."""
    scale = UNIT_S.get(_unit(time), 1.0)
    first = float(time[0]) * scale
    if EPOCH_S[0] <= first <= EPOCH_S[1]:
        whole = first // 1
        return Base(_name(time), EPOCH + timedelta(seconds=whole), time.name, first_s=whole, unit_s=scale)
    return Base(_name(time), None, time.name, unit_s=scale)


def _name(item: h5py.Dataset) -> str:
    return PurePosixPath(item.name).name


def _unit(item: h5py.Dataset) -> str:
    said = next((item.attrs[key] for key in UNIT_ATTRIBUTES if key in item.attrs), "")
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return text if isinstance(text, str) and text else headed(_name(item)).unit
