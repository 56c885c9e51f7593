"""The bytes of a text file: unpacked, as UTF-8, in pieces that end where a line ends."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from workers.analysis.bounds import Bounds
from workers.analysis.signals import Unreadable

READ_BYTES = 2**20
PIECE_BYTES = 4 * 2**20
GZIP = b"\x1f\x8b"
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
MARKLESS_NULS = 0.3  # share of zero bytes on one side of a text's pairs that tells UTF-16 without a mark


class Octets(NamedTuple):
    """A text file. `encoding` is a codec's name; `mark` the length of the byte order mark; `packed` tells gzip."""

    path: Path
    packed: bool
    encoding: str
    mark: int
    bounds: Bounds

    def pieces(self) -> Iterator[bytes]:
        """UTF-8 with LF or CR LF at line ends, each piece whole lines. Text in cp1252 passes as it is: its numbers are ASCII."""
        rest = b""
        for text in self.texts():
            rest += text
            if len(rest) >= PIECE_BYTES and (cut := _line_end(rest)):
                yield rest[:cut]
                rest = rest[cut:]
            self._check_line(rest)
        if rest:
            yield rest

    def decoded(self, line: bytes) -> str:
        return line.decode("cp1252" if self.encoding == "cp1252" else "utf-8", "replace")

    def _check_line(self, rest: bytes) -> None:
        longest = self.bounds.line_bytes_max
        if len(rest) > longest and b"\n" not in rest[-longest:]:
            raise Unreadable(f"A line is longer than {longest:,} bytes; no table is written like that.")

    def texts(self) -> Iterator[bytes]:
        """UTF-8 in pieces that end anywhere."""
        decoder = codecs.getincrementaldecoder(self.encoding)("replace") if self.encoding.startswith("utf-16") else None
        lone = False
        for number, data in enumerate(unpacked(self.path, self.packed, self.bounds)):
            part = data[self.mark :] if number == 0 else data
            text = decoder.decode(part).encode("utf-8", "replace") if decoder else part
            lone = lone or (number == 0 and b"\r" in text and b"\n" not in text)
            yield text.replace(b"\r", b"\n") if lone else text


def octets(path: Path, bounds: Bounds) -> tuple[Octets, bytes]:
    """The file as text, and the beginning of it, unpacked but as it is encoded."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    head = next(unpacked(path, packed, bounds), b"")
    encoding, mark = _encoding(head)
    return Octets(path, packed, encoding, mark, bounds), head


def unpacked(path: Path, packed: bool, bounds: Bounds) -> Iterator[bytes]:
    """Raises `Unreadable` where a packed file is damaged or swells beyond the bounds."""
    total = 0
    with path.open("rb") as plain, gzip.GzipFile(fileobj=plain, mode="rb") if packed else plain as file:
        while data := _read(file):
            total += len(data)
            if packed and total > bounds.ratio_max * plain.tell() + PIECE_BYTES:
                raise Unreadable(f"Unpacked, the file is more than {bounds.ratio_max:,} times as large; no recording packs so well.")
            if total > bounds.bytes_max:
                raise Unreadable(f"Unpacked, the file is larger than {bounds.bytes_max:,} bytes.")
            yield data


def _read(file: IO[bytes] | gzip.GzipFile) -> bytes:
    try:
        return file.read(READ_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise Unreadable("The gzip file is damaged or cut short.") from None


def _encoding(head: bytes) -> tuple[str, int]:
    for mark, name in MARKS:
        if head.startswith(mark):
            return name, len(mark)
    pairs = max(len(head) // 2, 1)
    if head[1::2].count(0) / pairs > MARKLESS_NULS and not head[::2].count(0):
        return "utf-16-le", 0
    if head[::2].count(0) / pairs > MARKLESS_NULS and not head[1::2].count(0):
        return "utf-16-be", 0
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252", 0
    return "utf-8", 0


def _line_end(data: bytes) -> int:
    """After the last line end that stands in no quotes; where a quote is never closed, after the last one. 0 without any."""
    if data.count(b'"') % 2 and (cut := data.rfind(b"\n", 0, data.rfind(b'"')) + 1):
        return cut
    return data.rfind(b"\n") + 1
