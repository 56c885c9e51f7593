"""Files that are broken, by accident or on purpose, become a sentence, quickly."""

import gzip
import io
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.analysis.bounds import Bounds
from workers.analysis.readers.opening import open_table
from workers.analysis.signals import Unreadable

SECONDS_MAX = 10  # of CPU time, with the import of asammdf
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MIB = 2**20


def zipped(**entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("_", "/") + ".xml", data)
    return out.getvalue()


def bomb() -> bytes:
    """4 GiB of rows in 4 MB."""
    return gzip.compress(b"t,U\n") + gzip.compress(b"0,1\n" * (16 * MIB), 6) * 64


FILES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("log.csv", bytes, "empty"),
    "blanks": ("log.csv", lambda: b" \n\t\n", "nothing but blanks"),
    "zeros": ("log.csv", lambda: bytes(100_000), "neither text nor"),
    "binary junk": ("log.csv", lambda: random.Random(1).randbytes(100_000), "neither text nor"),
    "junk named Parquet": ("log.parquet", lambda: random.Random(1).randbytes(1000), "named as Parquet"),
    "prose": ("log.csv", lambda: b"The motor ran.\nThen it stopped.\n", "No table"),
    "a header alone": ("log.csv", lambda: b"t,U,I\n", "No table"),
    "times alone": ("log.csv", lambda: b"time\n0\n1\n2\n", "beside the time"),
    "a million columns": ("log.csv", lambda: b"\n".join([b",".join([b"1"] * 1_000_000)] * 2), "line is longer"),
    "five thousand columns": ("log.csv", lambda: b"\n".join([b",".join([b"1"] * 5_000)] * 9), "5,000 columns"),
    "a line of 100 MB": ("log.csv", lambda: b"1" * 100_000_000, "line is longer"),
    "a later line of 100 MB": ("log.csv", lambda: b"t,U\n0,1\n" + b"1" * 100_000_000 + b"\n", "line is longer"),
    "a quote for 100 MB": ("log.csv", lambda: b't,U\n0,1\n1,"' + b"1" * 100_000_000, "line is longer"),
    "a cell of digits": ("log.csv", lambda: b"t,U\n" + b"1" * 900_000 + b"x,y\n", "No table"),
    "a gap of blanks": ("log.csv", lambda: b"a b\n" + (b"x" + b" " * 900_000 + b"x\n") * 4 + b"1 2 c\n" * 9, "No table"),
    "HTML": ("log.csv", lambda: b"<html><body>1,2</body></html>", "XML or HTML"),
    "PDF": ("log.csv", lambda: b"%PDF-1.7\n1,2\n", "PDF"),
    "deep arrays": ("log.json", lambda: b"[" * 1_000_000, "nested too deeply"),
    "deep objects": ("log.json", lambda: b'{"a":' * 1_000_000, "nested too deeply"),
    "deep in an array": ("log.json", lambda: b'[{"a":' + b"[" * 500_000, "nested too deeply"),
    "deep in a line": ("log.jsonl", lambda: b'{"a":1}\n{"a":' + b"[" * 500_000 + b"\n", "nested too deeply"),
    "an array cut short": ("log.json", lambda: b'[{"a":1},{"a":2', "damaged"),
    "an array of numbers": ("log.json", lambda: b"[1,2,3]", "damaged|no objects"),
    "an object of nothing": ("log.json", lambda: b'{"a":{"b":1}}', "no arrays"),
    "a large object": ("log.json", lambda: b'{"a":[' + b"1," * (40 * MIB) + b"1]}", "larger than"),
    "JSON with many keys": ("log.jsonl", lambda: b"\n".join(b'{"k%d":1}' % i for i in range(5000)), "5,000 keys"),
    "cut gzip": ("log.csv.gz", lambda: gzip.compress(b"t,U\n" + random.Random(1).randbytes(5000).hex().encode())[:-900], "cut short"),
    "damaged gzip": ("log.csv.gz", lambda: b"\x1f\x8b\x08\x00" + random.Random(1).randbytes(500), "gzip"),
    "a bomb of gzip": ("log.csv.gz", bomb, "Unpacked"),
    "gzip of nothing": ("log.csv.gz", lambda: gzip.compress(b""), "nothing"),
    "Parquet without an end": ("log.parquet", lambda: b"PAR1" + bytes(100), "Parquet content is damaged"),
    "Parquet of a wrong end": ("log.parquet", lambda: b"PAR1" + b"\xff" * 100 + b"\x50\0\0\0PAR1", "Parquet content is damaged"),
    "encrypted Parquet": ("log.parquet", lambda: b"PARE" + bytes(100), "encrypted"),
    "a zip archive": ("log.zip", lambda: zipped(a=b"1,2"), "zip archive"),
    "a cut zip": ("log.xlsx", lambda: zipped(xl_workbook=b"<x/>")[:-30], "cut short"),
    "a workbook of nothing": ("log.xlsx", lambda: zipped(xl_workbook=b"<x/>"), "Excel content is damaged"),
    "a bomb of zip": ("log.xlsx", lambda: zipped(xl_workbook=b"", xl_worksheets_sheet1=bytes(320 * MIB)), "Unpacked"),
    "a damaged old workbook": ("log.xls", lambda: OLE + bytes(1000), "Excel content is damaged"),
    "an encrypted workbook": ("log.xlsx", lambda: OLE + bytes(1000) + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
    "half a TDMS": ("log.tdms", lambda: b"TDSm" + bytes(24), "TDMS|no channels"),
    "half an MF4": ("log.mf4", lambda: b"MDF     4.10    " + bytes(48), "MF4 content is damaged"),
    "half an HDF5": ("log.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(90), "HDF5 content is damaged"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_in_a_sentence_and_in_time(tmp_path: Path, name: str) -> None:
    file_name, content, said = FILES[name]
    (tmp_path / "file").write_bytes(content())
    begun = time.process_time()
    with pytest.raises(Unreadable, match=said) as refusal:
        list(open_table(tmp_path / "file", file_name, "", Bounds()).blocks())
    assert time.process_time() - begun < SECONDS_MAX
    text = str(refusal.value)
    assert text.endswith(".")
    assert str(tmp_path) not in text


def test_a_heading_of_any_length_is_cut(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("t," + "_" * 100_000 + "\n0,1\n1,2\n")
    begun = time.process_time()
    (channel,) = open_table(tmp_path / "log.csv", "log.csv", "", Bounds()).channels
    assert time.process_time() - begun < SECONDS_MAX
    assert len(channel.name) <= 200


def test_a_file_beyond_the_bound_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("t,U\n0,1\n")
    with pytest.raises(Unreadable, match="larger than 5 bytes"):
        open_table(tmp_path / "log.csv", "log.csv", "", Bounds(bytes_max=5))


def test_rows_beyond_the_bound_are_refused(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("t,U\n" + "0,1\n" * 1000)
    with pytest.raises(Unreadable, match="rows"):
        list(open_table(tmp_path / "log.csv", "log.csv", "", Bounds(rows_max=999)).blocks())


TEXTS = st.text(st.sampled_from('0123456789.,;:-+eE \t\n"#|[]{}abcTZ/\r°'), max_size=300).map(str.encode)


@given(data=st.binary(max_size=300) | TEXTS, name=st.sampled_from(["log.csv", "log.json", "log.jsonl", "log.csv.gz", "log.parquet"]))
def test_no_bytes_raise_anything_but_unreadable(tmp_path_factory, data: bytes, name: str) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(data)
    try:
        table = open_table(path, name, "", Bounds())
        assert all(block.values.shape == (len(block.times), len(table.channels)) for block in table.blocks())
    except Unreadable as refusal:
        assert str(refusal).endswith(".")
