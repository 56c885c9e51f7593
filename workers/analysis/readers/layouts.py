"""How a text is laid out as a table: separator, decimal sign, and which lines are preamble, header, units and rows."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from workers.analysis.readers.headings import is_unit
from workers.analysis.signals import Unreadable

LINES_MAX = 400  # from which the layout is told
SEPARATORS = (",", ";", "\t", "|", " ")  # a blank stands for any run of blanks and tabs
QUOTED_LINES_MAX = 10
VALUE_LENGTH_MAX = 64
COMMENTS = ("#", "%", "//")
NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)|#?n/?a", re.IGNORECASE)
TIME = re.compile(
    r"(\d{1,4}[-/.](\d{1,2}|[A-Za-z]{3})[-/.]\d{1,4}([ T]\d{1,2}:\d\d(:\d\d([.,]\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d\d:?\d\d))?)?"
    r"|-?\d{1,4}:\d\d(:\d\d([.,:]\d+)?)?( ?[AaPp][Mm])?|\d{8}T\d{6}(\.\d+)?Z?)"
)
HEADER_NUMBERS_MAX = 0.5  # share of the cells that are numbers in a line that is still a header


class Layout(NamedTuple):
    """`skip` lines come before the first row. `names` and `units` are one a column, `""` where nothing is said."""

    separator: str
    decimal: str
    skip: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    notes: tuple[str, ...]


class Heading(NamedTuple):
    names: Sequence[str]
    units: Sequence[str]
    notes: tuple[str, ...]


def layout(lines: Sequence[str], columns_max: int) -> Layout:
    """Of the first lines of a file. Raises `Unreadable` where they hold no table of numbers."""
    whole = _unbroken(lines)
    tries = (_tried([split(line, separator) for line in whole], separator) for separator in SEPARATORS)
    return _laid_out(max(tries, key=lambda tried: tried.score), whole, columns_max)


def layout_of_rows(rows: Sequence[list[str]], columns_max: int) -> Layout:
    """The same where cells are apart already."""
    return _laid_out(_tried(rows, ","), (), columns_max)


def _laid_out(best: "_Tried", lines: Sequence[str], columns_max: int) -> Layout:
    if best.score[0] <= 0:
        raise Unreadable("No table of numbers was found in it.")
    if best.width > columns_max:
        raise Unreadable(f"The table has {best.width:,} columns; at most {columns_max:,} are read.")
    decimal = _decimal(best)
    start = _first_row(best)
    heading = _header(best.rows[:start], best.width) or _commented(lines[:start], best)
    return Layout(best.separator, decimal, start, *_filled(heading, best.width), _notes(best, decimal, start, heading))


def _header(before: Sequence[Sequence[str]], width: int) -> Heading | None:
    """The line of names, and the line of units if one follows it, at the end of what comes before the rows."""
    last = next((i for i in reversed(range(len(before))) if any(cell.strip() for cell in before[i])), None)
    if last is None or not _fits(before[last], width):
        return None
    above = before[last - 1] if last else ()
    if _are_units(before[last]) and _fits(above, width) and not any(map(is_value, above)):
        return Heading(above, before[last], ("unit row",))
    if sum(is_value(cell) for cell in before[last]) > HEADER_NUMBERS_MAX * width:
        return None
    return Heading(before[last], (), ())


def is_value(cell: str) -> bool:
    text = cell.strip()
    return _is_number(text) or (len(text) <= VALUE_LENGTH_MAX and bool(TIME.fullmatch(text)))


def _is_number(cell: str) -> bool:
    text = cell.strip()
    return len(text) <= VALUE_LENGTH_MAX and bool(NUMBER.fullmatch(text))  # patterns backtrack, so a long cell would take long


class _Tried(NamedTuple):
    separator: str
    rows: Sequence[list[str]]
    width: int
    score: tuple[float, float]


def _tried(rows: Sequence[list[str]], separator: str) -> _Tried:
    """The score is how many cells are values, less those that hold another separator; then the share of values."""
    told = [(row, sum(map(is_value, row))) for row in rows]
    widths = Counter(len(row) for row, values in told if values)
    if not widths:
        return _Tried(separator, rows, 0, (0, 0))
    width = max(widths, key=lambda n: (widths[n], n))
    like = [(row, values) for row, values in told if values and len(row) == width]
    strange = {*SEPARATORS[1:4], ","} - {separator} if separator == " " else {*SEPARATORS[1:4]} - {separator}
    foreign = sum(any(s in cell for s in strange) and not is_value(cell) for row, _ in like for cell in row)
    values = sum(values for _, values in like)
    return _Tried(separator, rows, width, (values - foreign, values / (len(like) * width)))


def _unbroken(lines: Sequence[str]) -> list[str]:
    """A line that ends within quotes goes on in the next, which is left blank, so lines keep their numbers."""
    whole = list(lines)
    for i in range(len(whole) - 1):
        for j in range(i + 1, min(i + 1 + QUOTED_LINES_MAX, len(whole))):
            if whole[i].count('"') % 2 == 0:
                break
            whole[i], whole[j] = f"{whole[i]}\n{whole[j]}", ""
    return whole


def split(line: str, separator: str) -> list[str]:
    """Empty for a blank line and a comment."""
    if not line.strip() or line.lstrip().startswith(COMMENTS):
        return []
    if separator == " ":
        return line.split()
    try:
        return next(csv.reader(line.splitlines(keepends=True), delimiter=separator), [])
    except csv.Error:  # a cell beyond its limit
        return []


def _decimal(tried: _Tried) -> str:
    cells = [cell.strip() for row in tried.rows for cell in row if _is_number(cell)]
    return "," if sum("," in cell for cell in cells) > sum("." in cell for cell in cells) else "."


def _first_row(tried: _Tried) -> int:
    """The first line with values where the rows usually have them: `Rate;1000` before the header is none."""
    told = [[is_value(cell) for cell in row] for row in tried.rows]
    like = [values for values in told if any(values) and len(values) == tried.width]
    usual = [i for i in range(tried.width) if sum(values[i] for values in like) * 2 >= len(like)] or [0]

    def is_row(row: Sequence[str], values: Sequence[bool]) -> bool:
        if not any(values) or not _fits(row, tried.width):
            return False
        odd = [i for i in usual if i < len(row) and row[i].strip() and not values[i]]
        return len(odd) * 2 < len(usual) and usual[0] not in odd

    return next((i for i, (row, values) in enumerate(zip(tried.rows, told, strict=True)) if is_row(row, values)), 0)


def _fits(row: Sequence[str], width: int) -> bool:
    """A separator at the end of every line but the header, or of the header only, is no column."""
    return bool(row) and abs(len(row) - width) <= (1 if width > 2 else 0)


def _are_units(row: Sequence[str]) -> bool:
    told = [cell for cell in row if cell.strip()]
    known = sum(is_unit(cell) or cell.strip().startswith(("[", "(")) for cell in told)
    return bool(told) and known >= max(1, len(told) / 2) and not any(_is_number(cell) for cell in told if cell.strip() != "1")


def _commented(before: Sequence[str], tried: _Tried) -> Heading | None:
    """A header behind a comment sign, as numpy.savetxt writes it."""
    line = next((line for line in reversed(before) if line.strip()), "").strip()
    for sign in COMMENTS:
        names = split(line.removeprefix(sign).strip(), tried.separator) if line.startswith(sign) else []
        if len(names) == tried.width and not any(map(is_value, names)):
            return Heading(names, (), ())
    return None


def _filled(heading: Heading | None, width: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names, units = (heading.names, heading.units) if heading else ((), ())
    return tuple([*names, *[""] * width][:width]), tuple([*units, *[""] * width][:width])


def _notes(tried: _Tried, decimal: str, start: int, heading: Heading | None) -> tuple[str, ...]:
    named = {"\t": "tab", " ": "blanks"}.get(tried.separator, tried.separator)
    notes = [f"separator {named}"] if tried.separator != "," and tried.width > 1 else []
    notes += ["decimal comma"] if decimal == "," else []
    notes += ["no header"] if heading is None else heading.notes
    before = sum(bool(row) for row in tried.rows[:start]) - (1 + len(heading.notes) if heading and start else 0)
    return (*notes, f"{before} lines before the header left out") if before > 0 and heading else tuple(notes)
