"""Excel workbooks: the first sheet that holds a table of numbers."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import fastexcel
import polars as pl

from workers.analysis.bounds import Bounds
from workers.analysis.readers.frames import FrameTable, Wanted
from workers.analysis.readers.layouts import LINES_MAX, layout_of_rows
from workers.analysis.signals import Unreadable

SHEETS_MAX = 20  # looked through for numbers
READ_BYTES = 2**20
UNPACKED_TIMES_MAX = 4  # of whole_bytes_max: a cell takes several times its bytes in XML
CELL = re.compile(rb'[<: ]r="([A-Z]{1,3})(\d{1,7})"')
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


class Sheet(NamedTuple):
    """`cells` is text throughout; `skip` rows come before the first of numbers."""

    cells: pl.DataFrame
    skip: int

    def frames(self, wanted: Wanted | None) -> Iterator[pl.DataFrame]:
        rows = self.cells.slice(self.skip)
        yield rows.select(wanted.columns) if wanted else rows


def workbook(path: Path, bounds: Bounds) -> FrameTable:
    if zipfile.is_zipfile(path):
        _check_sizes(path, bounds)
    elif path.stat().st_size > bounds.whole_bytes_max:
        raise Unreadable(f"The workbook is larger than {bounds.whole_bytes_max:,} bytes.")
    elif ENCRYPTED in path.read_bytes():
        raise Unreadable("The workbook is encrypted; register it without a password.")
    reader = fastexcel.read_excel(path)
    refusal = Unreadable("The workbook has no sheets.")
    for name in reader.sheet_names[:SHEETS_MAX]:
        try:
            return _table(reader.load_sheet(name, header_row=None, dtypes="string"), name, bounds)
        except Unreadable as error:
            refusal = error
    raise refusal


def _table(sheet: fastexcel.ExcelSheet, name: str, bounds: Bounds) -> FrameTable:
    if sheet.total_height * max(1, sheet.width) > bounds.cells_max:
        raise Unreadable(f"The sheet has more than {bounds.cells_max:,} cells.")
    cells = sheet.to_polars()
    cells = cells.rename({column: str(i) for i, column in enumerate(cells.columns)})
    rows = [[cell or "" for cell in row] for row in cells.head(LINES_MAX).rows()]
    found = layout_of_rows(rows, bounds.columns_max)
    table = cells.select(cells.columns[: len(found.names)])
    notes = [f"sheet {name}", *found.notes]
    return FrameTable("Excel", Sheet(table, found.skip), found.names, found.units, bounds, notes)


def _check_sizes(path: Path, bounds: Bounds) -> None:
    """Unpacks it once, for an archive may lie about sizes, and looks where the outermost cells are: a sheet is held as a rectangle."""
    left = UNPACKED_TIMES_MAX * bounds.whole_bytes_max
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.flag_bits & 1:
                raise Unreadable("The workbook is encrypted; register it without a password.")
            with archive.open(entry) as file:
                left -= _checked(file, left, "worksheets/" in entry.filename, bounds)


def _checked(file: IO[bytes], left: int, is_sheet: bool, bounds: Bounds) -> int:
    size, rows, columns, tail = 0, 0, 0, b""
    while data := file.read(READ_BYTES):
        size += len(data)
        if size > left:
            raise Unreadable(f"Unpacked, the workbook is larger than {UNPACKED_TIMES_MAX * bounds.whole_bytes_max:,} bytes.")
        if is_sheet:
            for column, row in set(CELL.findall(tail + data)):
                rows, columns = max(rows, int(row)), max(columns, _column(column))
            tail = data[-32:]
        if rows * columns > bounds.cells_max:
            raise Unreadable(f"The workbook spans {rows:,} rows and {columns:,} columns, which is more than {bounds.cells_max:,} cells.")
    return size


def _column(letters: bytes) -> int:
    """`A` is 1, `AA` 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
