"""Parquet as pyarrow writes it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from tests.workers.analysis.readers.opened import opened
from workers.analysis.bounds import Bounds
from workers.analysis.readers.opening import open_table
from workers.analysis.signals import Channel, Unreadable

NOON = datetime.fromisoformat("2026-04-13T12:00")
ROWS = 150_000


def test_times_values_and_units_are_read(tmp_path: Path) -> None:
    fields = [
        pa.field("time", pa.timestamp("ns", "UTC")),
        pa.field("U", pa.float32(), metadata={"unit": "V"}),
        pa.field("I [A]", pa.int64()),
        pa.field("on", pa.bool_()),
        pa.field("state", pa.string()),
        pa.field("wave", pa.list_(pa.float64())),
    ]
    times = [(NOON + timedelta(milliseconds=250 * i)).replace(tzinfo=UTC) for i in range(3)]
    columns = [times, [1.5, None, 2.5], [1, 2, None], [True, False, None], ["a", "b", "c"], [[1.0], [], [2.0]]]
    pq.write_table(pa.table(columns, schema=pa.schema(fields)), tmp_path / "log.parquet")
    found = opened(tmp_path / "log.parquet")
    assert (found.kind, found.axis, found.start, found.times.tolist()) == ("Parquet", "time", NOON, [0, 0.25, 0.5])
    assert found.channels == [Channel("U", "V"), Channel("I", "A"), Channel("on", "")]
    np.testing.assert_array_equal(found.values, [[1.5, 1, 1], [np.nan, 2, 0], [2.5, np.nan, np.nan]])
    assert found.notes == ("left out, nested: wave", "left out, without numbers: state")


def test_units_may_stand_in_the_metadata_of_the_file(tmp_path: Path) -> None:
    table = pa.table({"t": [0.0, 1.0], "U": [1.0, 2.0]}).replace_schema_metadata({"units": '{"U": "mV"}'})
    pq.write_table(table, tmp_path / "log.parquet")
    assert opened(tmp_path / "log.parquet").channels == [Channel("U", "mV")]


def test_names_are_no_patterns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"*": [1.0, 2.0], "^.*$": [3.0, 4.0]}), tmp_path / "log.parquet")
    assert opened(tmp_path / "log.parquet").values.tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip", "lz4"])
def test_row_groups_and_compressions_make_no_difference(tmp_path: Path, compression: str) -> None:
    table = pa.table({"t_ms": np.arange(ROWS), "U": np.arange(ROWS) / 8})
    pq.write_table(table, tmp_path / "log.parquet", row_group_size=40_001, compression=compression)
    found = opened(tmp_path / "log.parquet")
    np.testing.assert_array_equal(found.times, np.arange(ROWS) / 1000)
    np.testing.assert_array_equal(found.values[:, 0], np.arange(ROWS) / 8)


def test_rows_and_columns_have_bounds(tmp_path: Path) -> None:
    pq.write_table(pa.table({"U": np.zeros(1000), "I": np.zeros(1000)}), tmp_path / "log.parquet")
    for bounds in [Bounds(rows_max=999), Bounds(columns_max=1)]:
        with pytest.raises(Unreadable, match="at most"):
            open_table(tmp_path / "log.parquet", "log.parquet", "", bounds)


def test_no_flipped_byte_raises_anything_but_unreadable(tmp_path: Path) -> None:
    pq.write_table(pa.table({"t": np.arange(50.0), "U": np.arange(50.0)}), tmp_path / "log.parquet")
    whole = (tmp_path / "log.parquet").read_bytes()
    refused = 0
    for place in range(0, len(whole), 5):
        (tmp_path / "log.parquet").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            list(open_table(tmp_path / "log.parquet", "log.parquet", "", Bounds()).blocks())
        except Unreadable:
            refused += 1
    assert refused > 10
