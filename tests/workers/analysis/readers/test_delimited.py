"""CSV in its dialects."""

import csv
import gzip
import io
import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.analysis.readers.opened import opened
from workers.analysis.signals import Channel

NAN = math.nan
U = [Channel("U", "V")]
DIALECTS = {
    "commas": ("t [s],U [V]\n0,1.5\n1,2.5\n", U, [0, 1]),
    "semicolons and decimal comma": ("t [s];U [V]\n0,0;1,5\n1,0;2,5\n", U, [0, 1]),
    "semicolons and whole numbers but one": ("t [s];U [V]\n0;1,5\n1;2,5\n", U, [0, 1]),
    "tabs": ("t [s]\tU [V]\n0\t1.5\n1\t2.5\n", U, [0, 1]),
    "bars": ("t [s]|U [V]\n0|1.5\n1|2.5\n", U, [0, 1]),
    "blanks of any number": ("t[s]  U[V]\n 0.0   1.5\n 1.0  2.5\n", U, [0, 1]),
    "blanks around cells": ("t [s] , U [V] \n 0 , 1.5 \n 1 , 2.5 \n", U, [0, 1]),
    "quotes": ('"t [s]","U [V]"\n"0","1.5"\n"1","2.5"\n', U, [0, 1]),
    "decimal commas in quotes": ('"t [s]","U [V]"\n"0,0","1,5"\n"1,0","2,5"\n', U, [0, 1]),
    "a separator at the end of lines": ("t [s];U [V];\n0;1,5;\n1;2,5;\n", U, [0, 1]),
    "Excel's remark": ("sep=;\nt [s];U [V]\n0;1.5\n1;2.5\n", U, [0, 1]),
    "CR LF": ("t [s],U [V]\r\n0,1.5\r\n1,2.5\r\n", U, [0, 1]),
    "CR": ("t [s],U [V]\r0,1.5\r1,2.5\r", U, [0, 1]),
    "no line end at the end": ("t [s],U [V]\n0,1.5\n1,2.5", U, [0, 1]),
    "blank lines": ("\nt [s],U [V]\n\n0,1.5\n\n1,2.5\n\n\n", U, [0, 1]),
    "a row of units": ("t,U\ns,V\n0,1.5\n1,2.5\n", U, [0, 1]),
    "a row of units in brackets": ("t,U\n[s],[V]\n0,1.5\n1,2.5\n", U, [0, 1]),
    "a preamble": ("Logger X2\nRate;1000\nDate;2024-01-01\n\nt [s];U [V]\n0;1.5\n1;2.5\n", U, [0, 1]),
    "comments, the header one of them": ("# rig 7\n# t, U_V\n0,1.5\n1,2.5\n", U, [0, 1]),
    "a line of text at the end": ("t [s],U [V]\n0,1.5\n1,2.5\nEnd of recording\n", U, [0, 1]),
    "numbers with signs and exponents": ("t [s],U [V]\n+0,+15E-1\n1e0,.25e1\n", U, [0, 1]),
    "no header, an even first column": ("0.0,1.5\n1.0,2.5\n2.0,2.5\n", [Channel("column 2", "")], [0, 1, 2]),
    "milliseconds": ("t_ms,U_V\n0,1.5\n1000,2.5\n", U, [0, 1]),
    "minutes": ("Time (min),U (V)\n0,1.5\n1,2.5\n", U, [0, 60]),
    "hours of the day, past midnight": ("time,U [V]\n23:59:59.5,1.5\n00:00:00.5,2.5\n", U, [86399.5, 86400.5]),
    "elapsed time": ("elapsed,U [V]\n99:00:00,1.5\n100:00:01,2.5\n", U, [356400, 360001]),
}
NOON = datetime.fromisoformat("2026-04-13T12:00")
MOMENTS = {
    "ISO with Z": ("2026-04-13T12:00:00.250Z", "2026-04-13T12:00:01Z", [0.25, 1]),
    "ISO with an offset": ("2026-04-13 14:00:00.250+02:00", "2026-04-13 14:00:01+02:00", [0.25, 1]),
    "ISO without a zone": ("2026-04-13 12:00:00.25", "2026-04-13 12:00:01", [0.25, 1]),
    "decimal comma": ('"2026-04-13 12:00:00,25"', '"2026-04-13 12:00:01,0"', [0.25, 1]),
    "basic ISO": ("20260413T120000.250", "20260413T120001.000", [0.25, 1]),
    "German": ("13.04.2026 12:00:00.25", "13.04.2026 12:00:01", [0.25, 1]),
    "American, half days": ("4/13/2026 12:00:00 PM", "4/13/2026 12:00:01 PM", [0, 1]),
    "British": ("13/04/2026 12:00:00", "13/04/2026 12:00:01", [0, 1]),
    "months by name": ("13-Apr-2026 12:00:00", "13-Apr-2026 12:00:01", [0, 1]),
    "minutes only": ("2026-04-13 12:00", "2026-04-13 12:01", [0, 60]),
    "Unix seconds": ("1776081600.25", "1776081601", [0.25, 1]),
    "Unix milliseconds": ("1776081600250", "1776081601000", [0.25, 1]),
    "Unix microseconds": ("1776081600250000", "1776081601000000", [0.25, 1]),
    "Unix nanoseconds": ("1776081600000000001", "1776081600000000003", [1e-9, 3e-9]),
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
HEADINGS = {
    "Voltage [V]": ("Voltage", "V"), "I (A)": ("I", "A"), "temp/°C": ("temp", "°C"), "voltage_V": ("voltage", "V"), "p, bar": ("p", "bar"),
    "rail_mv": ("rail", "mV"), "Speed [1/min]": ("Speed", "1/min"), "speed_rpm": ("speed", "rpm"), "coolant_temp_c": ("coolant_temp", "°C"),
    "Temp (inner)": ("Temp (inner)", ""), "U in V": ("U", "V"), "state_machine": ("state_machine", ""), "duty [-]": ("duty", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
def test_a_table_is_read_in_every_dialect(tmp_path: Path, name: str) -> None:
    text, channels, times = DIALECTS[name]
    (tmp_path / "log.csv").write_bytes(text.encode())
    found = opened(tmp_path / "log.csv")
    assert (found.kind, found.channels, found.times.tolist()) == ("CSV", channels, times)
    assert found.values[:, 0].tolist()[:2] == [1.5, 2.5]


@pytest.mark.parametrize("name", MOMENTS)
def test_calendar_time_becomes_seconds_from_a_whole_one(tmp_path: Path, name: str) -> None:
    first, second, times = MOMENTS[name]
    (tmp_path / "log.csv").write_text(f"timestamp,U\n{first},1\n{second},2\n")
    found = opened(tmp_path / "log.csv")
    assert (found.axis, found.start) == ("timestamp", NOON)
    assert found.times == pytest.approx(times, abs=1e-12)
    assert found.channels == [Channel("U", "")]


def test_a_date_beside_a_time_of_day_is_one_moment(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("Datum;Uhrzeit;U [V]\n13.04.2026;12:00:00,5;1,5\n14.04.2026;12:00:00,5;2,5\n")
    found = opened(tmp_path / "log.csv")
    assert (found.axis, found.start, found.times.tolist()) == ("Datum Uhrzeit", NOON, [0.5, 86400.5])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_is_read_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "log.csv").write_bytes("t [s];T [°C]\n0,5;1,5\n1,5;2,5\n".encode(encoding))
    found = opened(tmp_path / "log.csv")
    assert (found.channels, found.times.tolist(), found.column("T")) == ([Channel("T", "°C")], [0.5, 1.5], [1.5, 2.5])


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_heading_tells_name_and_unit(tmp_path: Path, heading: str) -> None:
    (tmp_path / "log.csv").write_text(f't\t"{heading}"\n0\t1.5\n1\t2.5\n')
    assert opened(tmp_path / "log.csv").channels == [Channel(*HEADINGS[heading])]


def test_letters_of_phases_are_no_units(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("t,phase_A,phase_B,phase_C\n0,1,2,3\n1,2,3,4\n")
    assert [channel.unit for channel in opened(tmp_path / "log.csv").channels] == ["", "", ""]


def test_channels_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("t,U [V],U [mV],x,x\n0,1,2,3,4\n1,2,3,4,5\n")
    assert [channel.name for channel in opened(tmp_path / "log.csv").channels] == ["U [V]", "U [mV]", "x", "x (2)"]


def test_cells_that_are_no_numbers_are_missing_and_columns_without_any_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("t,U,state\n0,1.5,on\n1,ERR,on\n2,,off\n3,4 V,off\n4,NaN,off\n5,6,off\n6,7,off\n7,8,off\n")
    found = opened(tmp_path / "log.csv")
    np.testing.assert_array_equal(found.column("U"), [1.5, NAN, NAN, NAN, NAN, 6, 7, 8])
    assert "left out, without numbers: state" in found.notes


def test_a_time_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("t,U\n0,1\n?,2\n2,3\n")
    np.testing.assert_array_equal(opened(tmp_path / "log.csv").times, [0, NAN, 2])


def test_a_quoted_cell_may_hold_separators_and_line_ends(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text('t,note,U\n0,"a, b\nc",1\n1,"d",2\n2,e,3\n')
    assert opened(tmp_path / "log.csv").column("U") == [1, 2, 3]


def test_a_quote_that_is_never_closed_spoils_its_cell_only(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text('t,U\n0,1\n1,"2\n' + "".join(f"{i},{i + 1}\n" for i in range(2, 300)))
    values = opened(tmp_path / "log.csv").column("U")
    np.testing.assert_array_equal(values, [1, NAN, *range(3, 301)])


def test_without_a_time_column_rows_are_counted_on_from_piece_to_piece(tmp_path: Path) -> None:
    rows = 700_000
    (tmp_path / "log.csv").write_text("U [V]\n" + "\n".join(f"{i}.25" for i in range(rows)))
    found = opened(tmp_path / "log.csv")
    assert found.axis is None
    np.testing.assert_array_equal(found.times, np.arange(rows))
    np.testing.assert_array_equal(found.values[:, 0], np.arange(rows) + 0.25)


def test_a_packed_file_is_read_as_it_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(b"t,U\n0,1.5\n") + gzip.compress(b"1,2.5\n"))
    assert opened(tmp_path / "log.csv.gz").column("U") == [1.5, 2.5]


NUMBERS = st.floats(allow_infinity=False, width=64)


@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=50).filter(
        lambda rows: any(not math.isnan(v) for r in rows for v in r)
    ),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(ENCODINGS),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_was_written_is_read(tmp_path_factory, rows, separator, comma, end, encoding, quoting) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerow(["time [s]", "a [V]", "b [°C]"])
    told = [[str(i), *map(repr, row)] for i, row in enumerate(rows)]
    writer.writerows([[cell.replace(".", ",") if comma and separator != "," else cell for cell in row] for row in told])
    path = tmp_path_factory.mktemp("round") / "log.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    found = opened(path)
    assert found.channels == [Channel("a", "V"), Channel("b", "°C")]
    np.testing.assert_array_equal(found.times, np.arange(len(rows)))
    np.testing.assert_array_equal(found.values, np.array(rows))
