"""Opens a data file of any format that is read; whatever is wrong with it becomes one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from workers.analysis.bounds import Bounds
from workers.analysis.readers.columnar import parquet
from workers.analysis.readers.delimited import delimited
from workers.analysis.readers.objects import json_document, json_lines
from workers.analysis.readers.octets import octets
from workers.analysis.readers.recognising import Format, binary_format, text_format
from workers.analysis.readers.workbooks import workbook
from workers.analysis.signals import Block, Table, Unreadable

SAID_MAX = 200  # characters of what a library says


def open_table(path: Path, file_name: str, content_type: str, bounds: Bounds) -> Table:
    """The table in a file; its blocks raise nothing but `Unreadable` either. Name and type decide what the content does not show."""
    with contained("file", path):
        if path.stat().st_size > bounds.bytes_max:
            raise Unreadable(f"The file is larger than {bounds.bytes_max:,} bytes.")
        kind = binary_format(path)
    if kind is None:
        return _text(path, file_name, content_type, bounds)
    with contained(kind, path):
        return Contained(_binary(path, kind, bounds), path)


class Contained:
    """A table whose blocks raise nothing but `Unreadable`."""

    def __init__(self, table: Table, path: Path) -> None:
        self.format, self.channels, self.axis, self.notes = table.format, table.channels, table.axis, table.notes
        self._table, self._path = table, path

    def blocks(self) -> Iterator[Block]:
        blocks = self._table.blocks()
        while True:
            with contained(self.format, self._path):
                block = next(blocks, None)
            if block is None:
                return
            yield block


@contextmanager
def contained(kind: str, path: Path) -> Iterator[None]:
    """Readers of other people's formats fail in as many ways as files can be broken, down to panics of the library beneath polars."""
    try:
        yield
    except Unreadable:
        raise
    except MemoryError:
        raise Unreadable(f"The {kind} content needs more memory than there is for it.") from None
    except RecursionError:
        raise Unreadable(f"The {kind} content is nested too deeply.") from None
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 (see above)
        said = " ".join(str(error).replace(str(path), "the file").split())[:SAID_MAX]
        raise Unreadable(f"The {kind} content is damaged: {said or type(error).__name__}.") from None


def _text(path: Path, file_name: str, content_type: str, bounds: Bounds) -> Table:
    with contained("text", path):
        text, head = octets(path, bounds)
        kind = text_format(text, head, file_name, content_type)
    with contained(kind, path):
        match kind:
            case Format.JSON_LINES:
                return Contained(json_lines(text, bounds), path)
            case Format.JSON:
                return Contained(json_document(text, bounds), path)
            case _:
                return Contained(delimited(text, bounds), path)


def _binary(path: Path, kind: Format, bounds: Bounds) -> Table:
    """What reads a recorder's format is an extra, imported only here."""
    match kind:
        case Format.PARQUET:
            return parquet(path, bounds)
        case Format.EXCEL:
            return workbook(path, bounds)
    try:
        match kind:
            case Format.TDMS:
                from workers.analysis.readers.tdms import tdms as read  # noqa: PLC0415
            case Format.MF4:
                from workers.analysis.readers.mf4 import mf4 as read  # noqa: PLC0415
            case _:
                from workers.analysis.readers.hdf5 import hdf5 as read  # noqa: PLC0415
    except ImportError:
        raise Unreadable(f"This is {_article(kind)} {kind} file; install the extra `{kind.lower()}` to have it analysed.") from None
    return read(path, bounds)


def _article(kind: Format) -> str:
    return "a" if kind is Format.TDMS else "an"
