"""What a reader makes of a file, in a form that tests compare."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.analysis.bounds import Bounds
from workers.analysis.readers.opening import open_table
from workers.analysis.signals import BLOCK_ROWS_MAX, Channel

BOUNDS = Bounds()


class Opened(NamedTuple):
    """All blocks put together."""

    kind: str
    axis: str | None
    start: datetime | None
    channels: list[Channel]
    notes: tuple[str, ...]
    times: NDArray[np.float64]
    values: NDArray[np.float64]

    def column(self, name: str) -> list[float]:
        return self.values[:, [channel.name for channel in self.channels].index(name)].tolist()


def opened(path: Path, file_name: str = "", content_type: str = "application/octet-stream", bounds: Bounds = BOUNDS) -> Opened:
    """Reads the blocks twice, for they must come out the same."""
    table = open_table(path, file_name or path.name, content_type, bounds)
    first, second = list(table.blocks()), list(table.blocks())
    assert all(0 < len(block.times) == len(block.values) <= BLOCK_ROWS_MAX for block in first)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.times, b.times)
        np.testing.assert_array_equal(a.values, b.values)
    times, values = np.concatenate([b.times for b in first]), np.concatenate([b.values for b in first])
    axis, start = (table.axis.name, table.axis.start) if table.axis else (None, None)
    return Opened(table.format, axis, start, list(table.channels), table.notes, times, values)
