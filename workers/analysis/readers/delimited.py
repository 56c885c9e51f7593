"""Text tables: CSV and its relatives, read a few megabytes at a time."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from workers.analysis.bounds import Bounds
from workers.analysis.readers.frames import FrameTable, Wanted
from workers.analysis.readers.layouts import LINES_MAX, Layout, layout
from workers.analysis.readers.octets import Octets
from workers.analysis.signals import Unreadable

BLANKS = re.compile(rb"[ \t]+")
OUTER_TABS = re.compile(rb"^\t|\t(?=\r?$)", re.MULTILINE)
SAMPLE_BYTES = 2**20  # from which the layout is told
BLANK_LINE = re.compile(rb"^[ \t]*\r?\n", re.MULTILINE)


class Delimited(NamedTuple):
    """The rows of a text laid out as told."""

    octets: Octets
    layout: Layout

    def frames(self, wanted: Wanted | None) -> Iterator[pl.DataFrame]:
        """Text; channels as numbers where the piece holds nothing that a number parser stumbles over."""
        for number, piece in enumerate(self.octets.pieces()):
            rows = _without_blank_lines(_after(piece, self.layout.skip) if number == 0 else piece)
            if rows:
                yield self._frame(rows, wanted)

    def _frame(self, rows: bytes, wanted: Wanted | None) -> pl.DataFrame:
        separator = self.layout.separator
        if separator == " ":
            separator, rows = "\t", OUTER_TABS.sub(b"", BLANKS.sub(b"\t", rows))
        quotes = rows.count(b'"')
        comma = self.layout.decimal == ","
        plain = not quotes and b" " not in rows and not (comma and separator == ",")
        names = [str(i) for i in range(len(self.layout.names))]
        return pl.read_csv(
            rows,
            has_header=False,
            columns=[int(name) for name in wanted.columns] if wanted else None,
            separator=separator,
            comment_prefix="#",
            quote_char='"' if quotes and quotes % 2 == 0 else None,
            schema={name: pl.Float64 if plain and wanted and name in wanted.numbers else pl.String for name in names},
            ignore_errors=True,
            encoding="utf8-lossy",
            truncate_ragged_lines=True,
            decimal_comma=comma and plain,
            extra_columns="ignore",
            raise_if_empty=False,
        )


def delimited(octets: Octets, bounds: Bounds) -> FrameTable:
    first = next(octets.pieces(), b"")
    parts = first[:SAMPLE_BYTES].split(b"\n", LINES_MAX)[:LINES_MAX]
    whole = parts[:-1] if len(first) > SAMPLE_BYTES and len(parts) > 1 else parts
    lines = [octets.decoded(line).rstrip("\r") for line in whole]
    if lines[0].lower().startswith("sep="):  # Excel's own remark
        lines[0] = ""
    found = layout(lines, bounds.columns_max)
    encoding = (f"encoding {octets.encoding}",) if octets.encoding != "utf-8" else ()
    return FrameTable("CSV", Delimited(octets, found), found.names, found.units, bounds, (*encoding, *found.notes))


def _after(piece: bytes, lines: int) -> bytes:
    at = 0
    for _ in range(lines):
        at = piece.find(b"\n", at) + 1
        if not at:
            raise Unreadable("The file holds no rows.")
    return piece[at:]


def _without_blank_lines(rows: bytes) -> bytes:
    """They would come as rows without values."""
    if b"\n\n" in rows or b"\n\r\n" in rows or rows[:1] in {b"\n", b"\r", b" "}:
        return BLANK_LINE.sub(b"", rows)
    return rows
