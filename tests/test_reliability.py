"""RELIABILITY.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "RELIABILITY.md").read_text())
    assert len(named) > 10
    missing = [
        (file, test)
        for file, test in named
        if not (ROOT / file).exists() or (test and not re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.MULTILINE))
    ]
    assert missing == []


def test_every_promise_in_the_table_has_a_date() -> None:
    rows = [line for line in (ROOT / "RELIABILITY.md").read_text().splitlines() if line.startswith("| ") and "`tests/" in line]
    assert all(re.search(r"\| 20\d\d-\d\d-\d\d: .+ \|$", row) for row in rows)
