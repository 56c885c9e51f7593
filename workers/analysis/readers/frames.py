"""A table whose rows come in data frames: which column is time, which are channels, and the blocks of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl

from workers.analysis.bounds import Bounds
from workers.analysis.readers import clocks
from workers.analysis.readers.clocks import Clock
from workers.analysis.readers.headings import channels
from workers.analysis.readers.numbers import number, numbers
from workers.analysis.signals import BLOCK_ROWS_MAX, Block, TimeAxis, Unreadable

BLOCK_CELLS_MAX = 4_000_000
NUMBERS_SHARE_MIN = 0.5  # of the cells that hold something, in a column that is a channel
NAMED_MAX = 8  # columns named in a note


class Wanted(NamedTuple):
    """Which columns are to come, and which of them are channels, so may come as numbers already."""

    columns: tuple[str, ...]
    numbers: frozenset[str]


class Source(Protocol):
    """Gives the rows in frames whose columns are called `0`, `1` … in the order of the file; all of them where none are named."""

    def frames(self, wanted: Wanted | None) -> Iterator[pl.DataFrame]: ...


class FrameTable:
    """`headings` and `units` are one a column, `""` where nothing is said."""

    def __init__(
        self, kind: str, source: Source, headings: Sequence[str], units: Sequence[str], bounds: Bounds, notes: Sequence[str] = ()
    ) -> None:
        sample = next((frame for frame in source.frames(None) if frame.height), None)
        if sample is None:
            raise Unreadable("The file holds no rows.")
        named = channels(headings, units)
        self.clock = clocks.clock(sample, named, headings)
        taken = self.clock.columns if self.clock else ()
        others = [name for name in sample.columns if name not in taken]
        self.columns = tuple(name for name in others if _is_channel(sample[name], headings[int(name)]))
        if not self.columns:
            raise Unreadable("No column of numbers was found beside the time." if taken else "No column of numbers was found.")
        self.format = kind
        self.channels = tuple(named[int(name)] for name in self.columns)
        self.axis = TimeAxis(" ".join(named[int(name)].name for name in taken), self.clock.start) if self.clock else None
        left = [named[int(name)].name for name in others if name not in self.columns and (headings[int(name)] or sample[name].count())]
        self.notes = (*notes, *_notes(self.clock, left))
        self._source, self._bounds = source, bounds

    def blocks(self) -> Iterator[Block]:
        """Raises `Unreadable` where the rows turn out to be damaged or too many."""
        wanted = Wanted((*(self.clock.columns if self.clock else ()), *self.columns), frozenset(self.columns))
        rows_max = min(BLOCK_ROWS_MAX, max(1, BLOCK_CELLS_MAX // len(self.columns)))
        row, last, days = 0, np.nan, 0.0
        for frame in self._source.frames(wanted):
            values = frame.select(number(name, frame[name].dtype) for name in self.columns)
            times = self.clock.read(frame) if self.clock else np.arange(row, row + frame.height, dtype=np.float64)
            if self.clock and self.clock.wraps:
                times, last, days = clocks.unwrapped(times, last, days)
            row += frame.height
            if row > self._bounds.rows_max or row * len(self.columns) > self._bounds.bytes_max:
                raise Unreadable(
                    f"The file has more than {row - frame.height:,} rows of {len(self.columns):,} channels; so many are not read."
                )
            if self.clock and np.isnan(times).any():  # a line of text behind the rows has neither
                said = np.isfinite(times) | values.select(pl.any_horizontal(pl.all().is_not_null())).to_series().to_numpy()
                times, values = times[said], values.filter(said)
            for start in range(0, values.height, rows_max):
                part = values.slice(start, rows_max)
                yield Block(times[start : start + part.height], part.to_numpy())


def _is_channel(column: pl.Series, heading: str) -> bool:
    """A column that is empty so far counts as one where it has a name: a slow sensor may begin later."""
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return True
    if column.dtype == pl.Null:
        return False
    if column.dtype != pl.String:
        return False
    filled = column.str.strip_chars().replace("", None).count()
    return numbers(column).count() >= NUMBERS_SHARE_MIN * filled if filled else bool(heading)


def _notes(clock: Clock | None, left: Sequence[str]) -> Iterator[str]:
    if clock is None:
        yield "no time column, so rows are counted"
    elif clock.note:
        yield clock.note
    if left:
        yield left_out(left, "without numbers")


def left_out(names: Sequence[str], why: str) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return f"left out, {why}: {', '.join(names[:NAMED_MAX])}{more}"
