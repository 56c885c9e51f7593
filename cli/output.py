"""What people and programs read: tables or JSON on stdout, notes on stderr. Colours only on a terminal without NO_COLOR."""

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_COLUMNS = 200  # a pipe has no width; lines of a table stay whole

screen = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
aside = Console(stderr=True, highlight=False, soft_wrap=True)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout instead of text.")


def document(value: Any) -> None:
    """The value as JSON on stdout."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def members(struct: msgspec.Struct) -> dict[str, Any]:
    """The struct as a document's members."""
    return msgspec.structs.asdict(struct)


def line(value: Any) -> None:
    """The value as JSON on one line of stdout, at once: for who waits for it."""
    click.echo(msgspec.json.encode(value))
    sys.stdout.flush()


def note(text: str) -> None:
    """A line for the person, beside the data."""
    aside.print(Text(text))


def warn(text: str) -> None:
    aside.print(Text.assemble(("Warning: ", "yellow"), text))


def table(headings: Iterable[str], rows: Iterable[Iterable[str | Text]]) -> None:
    """A table on stdout; its text is shown as it is, never read as markup."""
    lines = box.SIMPLE_HEAD if screen.is_terminal else None
    shown = Table(box=lines, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for place, heading in enumerate(headings):
        shown.add_column(heading, overflow="fold", no_wrap=place == 0)
    for row in rows:
        shown.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    screen.print(shown)


def day(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
