"""Excel as openpyxl writes it."""

from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from tests.workers.analysis.readers.opened import opened
from workers.analysis.bounds import Bounds
from workers.analysis.readers.opening import open_table
from workers.analysis.signals import Channel, Unreadable

NOON = datetime.fromisoformat("2026-04-13T12:00")


def saved(path: Path, *sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_the_first_sheet_with_numbers_is_read_below_its_header_and_units(tmp_path: Path) -> None:
    rows = [["Rig 7"], [], ["time", "U", "state"], ["s", "V", None], [0, 1.5, "on"], [0.5, None, "on"], [1, 2.5, "off"]]
    found = opened(saved(tmp_path / "log.xlsx", [["Read me first"]], rows))
    assert (found.kind, found.channels, found.times.tolist()) == ("Excel", [Channel("U", "V")], [0, 0.5, 1])
    assert found.values[[0, 2], 0].tolist() == [1.5, 2.5]
    assert {"sheet Sheet 2", "unit row", "left out, without numbers: state"} <= set(found.notes)


def test_dates_are_read(tmp_path: Path) -> None:
    rows = [["when", "U [V]"], *([NOON + timedelta(seconds=i / 2), i] for i in range(3))]
    found = opened(saved(tmp_path / "log.xlsx", rows))
    assert (found.start, found.times.tolist(), found.column("U")) == (NOON, [0, 0.5, 1], [0, 1, 2])


def test_cells_far_apart_are_refused_before_they_are_held(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = 1, 2
    book.save(tmp_path / "log.xlsx")
    with pytest.raises(Unreadable, match="spans 1,048,576 rows"):
        open_table(tmp_path / "log.xlsx", "log.xlsx", "", Bounds())
