"""ARCHITECTURE.md lists every event type that the log may hold, and no other."""

import re
from pathlib import Path

from domain.events import name_of
from domain.facts import EVENTS

PAGE = Path(__file__).parent.parent / "ARCHITECTURE.md"


def rows(page: str) -> list[str]:
    """The table rows under the heading Events."""
    _, _, after = page.partition("\n## Events\n")
    section = re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


def listed(page: str) -> list[str]:
    """The stored names in the first column; a row may name several."""
    return [name for row in rows(page) for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_every_event_is_in_the_table_once() -> None:
    assert sorted(listed(PAGE.read_text())) == sorted(map(name_of, EVENTS))


def test_the_table_is_read_to_the_next_heading_only() -> None:
    page = "# A\n\n## Events\n\n| name | says |\n|---|---|\n| `a.done` | x |\n| `b.begun`, `b.ended` | y |\n\n## Next\n\n| `c.done` | z |\n"
    assert listed(page) == ["a.done", "b.begun", "b.ended"]


def test_every_row_says_what_the_event_says() -> None:
    for row in rows(PAGE.read_text()):
        assert all(cell.strip() for cell in row.strip("|").split("|")), row
