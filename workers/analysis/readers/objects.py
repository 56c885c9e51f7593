"""JSON: an object a line, an array of objects, or one object of arrays."""

import codecs
import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

import msgspec
import polars as pl

from workers.analysis.bounds import Bounds
from workers.analysis.readers.frames import FrameTable, Wanted, left_out
from workers.analysis.readers.octets import Octets
from workers.analysis.signals import Unreadable

ROWS_A_FRAME = 16_384
BLANK = " \t\r\n"
Row = dict[str, Any]
NESTED = pl.Object()


class Lines(NamedTuple):
    """Lines that are no JSON object are passed over: a file that was cut short ends in one."""

    octets: Octets

    def rows(self) -> Iterator[Row]:
        decoder = msgspec.json.Decoder(Row)
        for piece in self.octets.pieces():
            try:
                yield from decoder.decode_lines(piece)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                yield from _whole_ones(decoder, piece)


class Elements(NamedTuple):
    """The objects of an array, one after the other, so the array is never in memory as a whole."""

    octets: Octets
    bounds: Bounds

    def rows(self) -> Iterator[Row]:
        decoder = json.JSONDecoder()
        text = _Window(self.octets, self.bounds.line_bytes_max)
        text.skip("[")
        while not text.ended("]"):
            value = text.value(decoder)
            if isinstance(value, dict):
                yield value
            elif isinstance(value, list):
                yield {str(i): each for i, each in enumerate(value[: self.bounds.columns_max + 1])}
            else:
                raise Unreadable("The JSON array holds no objects; a table of rows or of columns is read.")


class Columns(NamedTuple):
    """Arrays of one object."""

    columns: dict[str, list[Any]]

    def rows(self) -> Iterator[Row]:
        names = list(self.columns)
        longest = max(map(len, self.columns.values()))
        for i in range(longest):
            yield {name: self.columns[name][i] for name in names if i < len(self.columns[name])}


class Records(NamedTuple):
    """Rows as frames. A key that is new after the first frame is left out."""

    source: Lines | Elements | Columns
    names: tuple[str, ...]
    types: tuple[pl.DataType, ...]

    def frames(self, wanted: Wanted | None) -> Iterator[pl.DataFrame]:
        chosen = [int(name) for name in wanted.columns] if wanted else range(len(self.names))
        rows = self.source.rows()
        while part := list(islice(rows, ROWS_A_FRAME)):
            yield pl.DataFrame([_series(str(i), self.names[i], self.types[i], part) for i in chosen])


def json_lines(octets: Octets, bounds: Bounds) -> FrameTable:
    return _records("JSON lines", Lines(octets), bounds, ())


def json_document(octets: Octets, bounds: Bounds) -> FrameTable:
    head = next(octets.texts(), b"").lstrip()
    if head.startswith(b"["):
        return _records("JSON", Elements(octets, bounds), bounds, ())
    document = _document(octets, bounds)
    columns = {key: value for key, value in document.items() if isinstance(value, list) and not any(map(_is_nested, value[:100]))}
    if not columns or not any(columns.values()):
        raise Unreadable("The JSON object holds no arrays of numbers.")
    others = [key for key in document if key not in columns]
    return _records("JSON", Columns(columns), bounds, [left_out(others, "no arrays of single values")] if others else ())


def _records(kind: str, source: Lines | Elements | Columns, bounds: Bounds, notes: Sequence[str]) -> FrameTable:
    sample = list(islice(source.rows(), ROWS_A_FRAME))
    keys = list(dict.fromkeys(chain.from_iterable(sample)))
    if len(keys) > bounds.columns_max:
        raise Unreadable(f"The rows have {len(keys):,} keys; at most {bounds.columns_max:,} are read.")
    types = {key: _type(key, sample) for key in keys}
    nested = [key for key, kind in types.items() if kind == NESTED]
    names = tuple(key for key in keys if key not in nested)
    if not names:
        raise Unreadable(f"The {kind} content holds no rows of single values.")
    told = (*notes, left_out(nested, "nested")) if nested else notes
    records = Records(source, names, tuple(types[name] for name in names))
    return FrameTable(kind, records, names, [""] * len(names), bounds, told)


def _type(key: str, rows: Sequence[Row]) -> pl.DataType:
    kinds = {type(value) for row in rows if (value := row.get(key)) is not None}
    if kinds & {dict, list}:
        return NESTED
    if str in kinds:
        return pl.String()
    return pl.Int64() if kinds == {int} else pl.Float64()


def _series(name: str, key: str, kind: pl.DataType, rows: Sequence[Row]) -> pl.Series:
    values = [row.get(key) for row in rows]
    if kind == pl.String:
        return pl.Series(name, [None if value is None or _is_nested(value) else str(value) for value in values], dtype=kind)
    try:
        return pl.Series(name, values, dtype=kind, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        return pl.Series(name, [_number(value, kind) for value in values], dtype=kind)


def _number(value: object, kind: pl.DataType) -> float | int | None:
    if not isinstance(value, int | float):
        return None
    if kind == pl.Int64:
        return int(value) if value == value and abs(value) < 2**63 else None  # noqa: PLR0124 (NaN differs from itself)
    return float(value) if abs(value) < 1e308 else None  # a whole number may be of any length


def _is_nested(value: object) -> bool:
    return isinstance(value, dict | list)


def _whole_ones(decoder: msgspec.json.Decoder[Row], piece: bytes) -> Iterator[Row]:
    for line in piece.splitlines():
        try:
            yield decoder.decode(line)
        except RecursionError:
            raise Unreadable("The JSON content is nested too deeply.") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue


def _document(octets: Octets, bounds: Bounds) -> Row:
    data = bytearray()
    for piece in octets.texts():
        data += piece
        if len(data) > bounds.whole_bytes_max:
            raise Unreadable(
                f"The JSON object is larger than {bounds.whole_bytes_max:,} bytes; write a line for each row, and any size is read."
            )
    return msgspec.json.decode(bytes(data), type=Row)


class _Window:
    """A stretch of the text, moved on as it is read."""

    def __init__(self, octets: Octets, value_max: int) -> None:
        self._parts = codecs.iterdecode(octets.texts(), "utf-8", "replace")
        self._text, self._at, self._value_max = "", 0, value_max

    def skip(self, sign: str) -> None:
        if not self._next().startswith(sign):
            raise Unreadable(f"The JSON content is damaged: {sign} is missing.")
        self._at += 1

    def ended(self, sign: str) -> bool:
        """At the end, or behind the comma before the next value."""
        following = self._next()
        if following == ",":
            self._at += 1
            following = self._next()
        if not following:
            raise Unreadable("The JSON content is cut short.")
        return following == sign

    def value(self, decoder: json.JSONDecoder) -> Any:
        while True:
            try:
                value, end = decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > self._value_max or not self._more():
                    raise Unreadable(f"The JSON content is damaged: {error.msg}.") from None
                continue
            if end == len(self._text) and self._more():  # a number may go on
                continue
            self._at = end
            return value

    def _next(self) -> str:
        while True:
            while self._at < len(self._text) and self._text[self._at] in BLANK:
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _more(self) -> bool:
        part = next(self._parts, None)
        if part is None:
            return False
        self._text, self._at = self._text[self._at :] + part, 0
        return True
