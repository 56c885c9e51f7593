"""Which format a file is of: by its first bytes, then by its name and content type."""

import re
import zipfile
from enum import StrEnum
from pathlib import Path

from workers.analysis.readers.octets import Octets
from workers.analysis.signals import Unreadable

HDF5 = b"\x89HDF\r\n\x1a\n"
HDF5_PLACES = (0, 512, 1024, 2048)  # HDF5 file format specification, II.A: the superblock may follow a user block
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))
CONTROL_SHARE_MAX = 0.001
FOREIGN = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"(\xb5/\xfd": "packed with zstd",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "an Arrow file",
    b"MATLAB 5.0": "a MATLAB 5 file",
    b"PARE": "an encrypted Parquet file",
    b"TDSh": "the index of a TDMS file",
}
NAMED = {
    "Parquet": (".parquet", "parquet"), "Excel": (".xlsx", "spreadsheetml"), "TDMS": (".tdms", "tdms"), "MF4": (".mf4", "mdf4"),
    "HDF5": (".h5", "hdf5"),
}  # fmt: skip


class Format(StrEnum):
    """The value is how a report names it."""

    CSV = "CSV"
    JSON_LINES = "JSON lines"
    JSON = "JSON"
    PARQUET = "Parquet"
    EXCEL = "Excel"
    TDMS = "TDMS"
    MF4 = "MF4"
    HDF5 = "HDF5"


MAGIC = {b"PAR1": Format.PARQUET, b"TDSm": Format.TDMS, b"MDF ": Format.MF4, b"UnFinMF": Format.MF4, OLE: Format.EXCEL}


def binary_format(path: Path) -> Format | None:
    """None where the first bytes are of no binary format that is read; then it may be text."""
    with path.open("rb") as file:
        head = file.read(HDF5_PLACES[-1] + len(HDF5))
    if not head:
        raise Unreadable("The file is empty.")
    for magic, kind in FOREIGN.items():
        if head.startswith(magic):
            raise Unreadable(f"The file is {kind}, which is not read.")
    if any(head[place:].startswith(HDF5) for place in HDF5_PLACES):
        return Format.HDF5
    if head.startswith(b"PK"):
        return _zipped(path)
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


def text_format(octets: Octets, head: bytes, file_name: str, content_type: str) -> Format:
    """Raises `Unreadable` for bytes that are no text."""
    text = octets.decoded(head) if not octets.encoding.startswith("utf-16") else head.decode(octets.encoding, "replace")
    plain = text.lstrip("\ufeff \t\r\n")
    if _junk(text):
        raise Unreadable(_no_text(file_name, content_type))
    if not plain:
        raise Unreadable("The file holds nothing but blanks.")
    if plain.startswith("<"):
        raise Unreadable("The file is XML or HTML, which is not read.")
    name = file_name.lower().removesuffix(".gz")
    lines = name.endswith((".jsonl", ".ndjson")) or "ndjson" in content_type.lower()
    said = name.endswith(".json") or "json" in content_type.lower()
    if re.match(r"\{\s*[\"}]", plain):
        return Format.JSON_LINES if lines or _is_lines(plain) else Format.JSON
    return Format.JSON if re.match(r"\[\s*[\[{\]]", plain) or said else Format.CSV


def _is_lines(text: str) -> bool:
    """An object that ends where its line ends, followed by another."""
    first, _, rest = text.partition("\n")
    return first.rstrip().endswith("}") and rest.lstrip().startswith("{")


def _junk(text: str) -> bool:
    controls = sum(text.count(chr(c)) for c in CONTROL)
    return controls > CONTROL_SHARE_MAX * len(text) + 1 or text.count("\0") > 1


def _no_text(file_name: str, content_type: str) -> str:
    name, kind = file_name.lower(), content_type.lower()
    for named, (suffix, word) in NAMED.items():
        if name.endswith(suffix) or word in kind:
            return f"The file is named as {named}, but does not begin like one: it is damaged or of another format."
    return "The file is neither text nor of a binary format that is read."


def _zipped(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Unreadable("The file begins like a workbook or a zip archive, but is damaged or cut short.") from None
    if "xl/workbook.xml" in names:
        return Format.EXCEL
    raise Unreadable("The file is a zip archive; register the files in it by themselves.")
