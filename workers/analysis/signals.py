"""What readers give and detectors take: named channels over one time axis, block by block."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS_MAX = 65_536


class Channel(NamedTuple):
    """A numeric column. `unit` is as written in the file (`V`, `degC`, `1/min`), `""` where it names none."""

    name: str
    unit: str


class TimeAxis(NamedTuple):
    """The column that tells when. `start` is the moment of second 0 where the file gives calendar time, naive UTC."""

    name: str
    start: datetime | None


class Block(NamedTuple):
    """At most BLOCK_ROWS_MAX rows. `times`: seconds since second 0, NaN where a time cannot be read; the row number without an axis.

    `values` is rows by channels; NaN where a value is missing.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]


class Table(Protocol):
    """An open data file. `notes` tell a reader of the report what was assumed (`decimal comma`, `unit row`, `encoding cp1252`)."""

    format: str
    channels: tuple[Channel, ...]
    axis: TimeAxis | None
    notes: tuple[str, ...]

    def blocks(self) -> Iterator[Block]:
        """The rows in the order of the file; may be asked for more than once."""


class Unreadable(Exception):
    """The file cannot be analysed; the text says why, in a sentence for an engineer."""
