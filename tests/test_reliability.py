"""RELIABILITY.md names tests that exist, and leaves no promise out."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "RELIABILITY.md").read_text()
PROMISES = 18


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)
    assert len(named) > 10
    missing = [
        (file, test)
        for file, test in named
        if not (ROOT / file).exists() or (test and not re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE))
    ]
    assert missing == []


def promises() -> list[str]:
    return [line for line in TEXT.split("\n## ")[0].splitlines() if line.startswith("| ") and "`tests/" in line]


def test_every_promise_in_the_table_has_a_date() -> None:
    assert [row for row in promises() if not re.search(r"\| 20\d\d-\d\d-\d\d: .+ \|$", row)] == []


def test_no_promise_is_left_out() -> None:
    named = {int(number) for row in promises() for number in re.findall(r"\bP(\d+) ", row.split("|")[1])}
    assert named == set(range(1, PROMISES + 1))
