"""JSON in its three shapes."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.analysis.readers.opened import opened
from workers.analysis.signals import Channel

ROWS = [{"t": 0, "U [V]": 1.5, "on": True, "state": "a"}, {"t": 1, "U [V]": None}, {"t": 2, "U [V]": 2.5, "on": False}]
SHAPES = {
    "lines": "\n".join(map(json.dumps, ROWS)),
    "lines with blanks and CR LF": "\r\n\r\n".join(map(json.dumps, ROWS)) + "\r\n",
    "array": json.dumps(ROWS),
    "array, indented": json.dumps(ROWS, indent=2),
    "object of arrays": json.dumps({"t": [0, 1, 2], "U [V]": [1.5, None, 2.5], "on": [True, None, False], "state": ["a", "b", "c"]}),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("packed", [False, True])
def test_each_shape_gives_the_same_table(tmp_path: Path, shape: str, packed: bool) -> None:
    data = SHAPES[shape].encode()
    (tmp_path / "log.json").write_bytes(gzip.compress(data) if packed else data)
    found = opened(tmp_path / "log.json")
    assert found.kind == ("JSON lines" if shape.startswith("lines") else "JSON")
    assert (found.axis, found.times.tolist()) == ("t", [0, 1, 2])
    assert found.channels == [Channel("U", "V"), Channel("on", "")]
    np.testing.assert_array_equal(found.values, [[1.5, 1], [np.nan, np.nan], [2.5, 0]])


def test_an_array_of_arrays_is_a_table_without_names(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text("[[0, 1.5], [1, 2.5], [2, 3.5]]")
    assert opened(tmp_path / "log.json").values.tolist() == [[0, 1.5], [1, 2.5], [2, 3.5]]


def test_one_line_is_read_where_the_name_says_lines(tmp_path: Path) -> None:
    (tmp_path / "log.ndjson").write_text('{"U": 1.5}')
    assert opened(tmp_path / "log.ndjson").column("U") == [1.5]


def test_what_is_nested_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"t":0,"U":1,"meta":{"a":1},"wave":[1]}\n{"t":1,"U":2}\n')
    found = opened(tmp_path / "log.jsonl")
    assert (found.channels, found.notes) == ([Channel("U", "")], ("left out, nested: meta, wave",))


def test_calendar_times_are_read(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"time":"2026-04-13T12:00:00.5Z","U":1}\n{"time":"2026-04-13T12:00:01Z","U":2}\n')
    assert opened(tmp_path / "log.jsonl").times.tolist() == [0.5, 1]


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"t":0,"U":1}\n{"t":1,"U":2}\n{"t":2,"U"')
    assert opened(tmp_path / "log.jsonl").column("U") == [1, 2]


def test_a_type_that_changes_is_missing(tmp_path: Path) -> None:
    lines = [json.dumps({"t": i, "U": i}) for i in range(40_000)]
    lines[39_000] = '{"t":39000,"U":"ERR"}'
    lines[39_001] = '{"t":39001,"U":{"a":1}}'
    lines[39_002] = '{"t":39002,"U":' + "9" * 400 + "}"
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    values = np.array(opened(tmp_path / "log.jsonl").column("U"))
    assert np.flatnonzero(np.isnan(values)).tolist() == [39_000, 39_001, 39_002]


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.integers(-(2**53), 2**53), min_size=2, max_size=80)
)
def test_numbers_come_back_from_lines_and_arrays(tmp_path_factory, values) -> None:
    if all(value is None for value in values):
        values[0] = 1
    rows = [{"t": i, "größe": value} for i, value in enumerate(values)]
    path = tmp_path_factory.mktemp("round") / "log.json"
    for text in ["\n".join(map(json.dumps, rows)), json.dumps(rows), json.dumps(rows, ensure_ascii=False, indent=1)]:
        path.write_text(text, encoding="utf-8")
        np.testing.assert_array_equal(opened(path).column("größe"), [np.nan if v is None else float(v) for v in values])
