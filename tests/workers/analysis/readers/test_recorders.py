"""TDMS, MF4 and HDF5 as their own libraries write them."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
from asammdf import MDF, Signal
from nptdms import ChannelObject, TdmsWriter

from tests.workers.analysis.readers.opened import opened
from workers.analysis.bounds import Bounds
from workers.analysis.readers.opening import open_table
from workers.analysis.signals import Channel, Unreadable

NOON = datetime.fromisoformat("2026-04-13T12:00")
ROWS = 150_000
WAVE = {"wf_increment": 0.01, "wf_start_time": np.datetime64("2026-04-13T12:00:00"), "wf_start_offset": 0.0}


def tdms(path: Path) -> Path:
    with TdmsWriter(path) as writer:
        for half in np.split(np.arange(ROWS, dtype=np.float64), 2):
            u = ChannelObject("fast", "U", half / 8, properties={**WAVE, "unit_string": "V"})
            i = ChannelObject("fast", "I_A", half.astype(np.int32), properties=WAVE)
            slow = ChannelObject("slow", "T", half[:10], properties={"wf_increment": 1.0, "unit_string": "degC"})
            writer.write_segment([u, i, slow, ChannelObject("slow", "note", ["a", "b"])])
    return path


def mf4(path: Path) -> Path:
    times, rising = np.arange(ROWS) * 0.01, np.arange(ROWS, dtype=np.float64)
    with MDF(version="4.10") as file:
        file.append([Signal(rising / 8, times, name="U", unit="V")])
        file.append([Signal(rising.astype(np.int32), times, name="I", unit="A")])
        file.append([Signal(rising[:10], rising[:10], name="T", unit="degC")])
        file.start_time = NOON.replace(tzinfo=UTC)
        return Path(file.save(path.with_suffix(".mf4"), compression=2))


def hdf5(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        fast = file.create_group("fast")
        fast["timestamp"] = 1776081600 + np.arange(ROWS) * 0.01
        fast.create_dataset("U", data=np.arange(ROWS) / 8, compression="gzip").attrs["units"] = "V"
        fast.create_dataset("I_A", data=np.arange(ROWS, dtype=np.int32), chunks=True)
        file["slow/T"] = np.arange(10.0)
        file["picture"] = np.zeros((3, 3))
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/x")
    return path


@pytest.mark.parametrize(("kind", "written"), [("TDMS", tdms), ("MF4", mf4), ("HDF5", hdf5)])
def test_channels_of_the_largest_time_base_are_read_and_the_others_named(tmp_path: Path, kind: str, written) -> None:
    found = opened(written(tmp_path / "log"))
    assert (found.kind, found.start) == (kind, NOON)
    assert set(found.channels) == {Channel("U", "V"), Channel("I", "A")}
    assert "left out, another time base: T" in found.notes
    np.testing.assert_allclose(found.times, np.arange(ROWS) * 0.01, atol=1e-6)
    np.testing.assert_array_equal(found.column("U"), np.arange(ROWS) / 8)
    np.testing.assert_array_equal(found.column("I"), np.arange(ROWS))


def test_a_tdms_time_channel_is_the_axis_of_its_group(tmp_path: Path) -> None:
    moments = np.array(["2026-04-13T12:00:00.5", "2026-04-13T12:00:01"], dtype="datetime64[us]")
    with TdmsWriter(tmp_path / "log.tdms") as writer:
        writer.write_segment([ChannelObject("g", "Time", moments), ChannelObject("g", "I [mA]", np.arange(2.0))])
    found = opened(tmp_path / "log.tdms")
    assert (found.axis, found.start, found.times.tolist(), found.channels) == ("Time", NOON, [0.5, 1], [Channel("I", "mA")])


@pytest.mark.parametrize("shape", ["matrix", "records"])
def test_columns_of_an_hdf5_data_set_are_channels(tmp_path: Path, shape: str) -> None:
    with h5py.File(tmp_path / "log.h5", "w") as file:
        if shape == "matrix":
            file["time"], file["x"] = np.arange(5) * 0.5, np.arange(10.0).reshape(5, 2)
        else:
            rows = [(i * 0.5, i * 2.0, i * 2.0 + 1, b"on") for i in range(5)]
            file["x"] = np.array(rows, dtype=[("time", "f8"), ("x 1", "f8"), ("x 2", "f4"), ("state", "S3")])
    found = opened(tmp_path / "log.h5")
    assert [channel.name for channel in found.channels] == ["x 1", "x 2"]
    assert (found.times.tolist(), found.values[1].tolist()) == ([0, 0.5, 1, 1.5, 2], [2, 3])


@pytest.mark.parametrize(("written", "library"), [(tdms, "nptdms"), (mf4, "asammdf"), (hdf5, "h5py")])
def test_without_its_extra_a_format_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written, library: str) -> None:
    path = written(tmp_path / "log")
    for module in [name for name in sys.modules if name.startswith("workers.analysis.readers.") and name.endswith(written.__name__)]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Unreadable, match=f"install the extra `{written.__name__}` to have it analysed"):
        open_table(path, "log", "", Bounds())


@pytest.mark.parametrize("written", [tdms, mf4, hdf5])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9])
def test_a_file_that_was_cut_short_is_refused_or_read_as_far_as_it_goes(tmp_path: Path, written, share: float) -> None:
    whole = written(tmp_path / "log").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: int(len(whole) * share)])
    try:
        rows = len(opened(tmp_path / "cut").times)
    except Unreadable as refusal:
        assert str(refusal).endswith(".")
    else:
        assert written is tdms and rows < ROWS
