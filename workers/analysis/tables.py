"""Tables and lists in Markdown that end before they grow too long, and say so."""

from collections.abc import Iterable, Sequence

FINDINGS_MAX = 6


def table(header: Sequence[str], aligned: str, rows: Iterable[Sequence[str]], bytes_max: int) -> list[str]:
    """A GitHub table: `aligned` has `l` or `r` for each column; cells are Markdown on one line. Followed by an empty line."""
    rule = [{"l": ":---", "r": "---:"}[a] for a in aligned]
    lines, left_out = within((_row(row) for row in rows), bytes_max)
    return [_row(header), _row(rule), *lines, "", *left_out]


def items(texts: Iterable[str], bytes_max: int) -> list[str]:
    """A list of one line each, followed by an empty line."""
    lines, left_out = within((f"- {text}" for text in texts), bytes_max)
    return [*lines, "", *left_out]


def named(numbers: Sequence[int]) -> str:
    """Findings by their numbers: `F1, F4`, the first FINDINGS_MAX of them."""
    more = [f"{len(numbers) - FINDINGS_MAX} more"] if len(numbers) > FINDINGS_MAX else []
    return ", ".join([*(f"F{number}" for number in numbers[:FINDINGS_MAX]), *more])


def within(lines: Iterable[str], bytes_max: int) -> tuple[list[str], list[str]]:
    """The lines that fit, and a paragraph that counts the others, if any."""
    taken: list[str] = []
    left_out, free = 0, bytes_max
    for line in lines:
        free -= len(line.encode()) + 1
        if free >= 0:
            taken.append(line)
        else:
            left_out += 1
    return taken, [f"*{left_out} more, left out for length.*", ""] if left_out else []


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
