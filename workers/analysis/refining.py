"""In a large file, whose series are thinned, short faults are looked at again row by row."""

from collections.abc import Callable, Sequence

import numpy as np

from workers.analysis.findings import Finding, FindingKind
from workers.analysis.series import Floats, Series
from workers.analysis.signals import Table

EXCERPTS_MAX = 64
ROWS_MAX = 20_000  # of an excerpt; the edges of a longer fault are as good as exact beside its length
MARGIN_ROWS = 500  # on either side, which tell the noise
Again = Callable[[str, Series], list[Finding]]


def refined(findings: Sequence[Finding], table: Table, step_s: float, rows: int, again: Again) -> list[Finding]:
    """The findings, exact to the row where that can be told: reads the table once more, if there is anything to look at.

    `rows` is the size of a bucket. `again` finds spikes and steps of a channel in an excerpt.
    """
    short = [f for f in findings if _is_short(f, step_s)][:EXCERPTS_MAX] if rows > 1 and step_s > 0 else []
    if not short:
        return list(findings)
    exact: dict[int, Finding] = {}
    for finding, excerpt in zip(short, _excerpts(short, table, step_s * (MARGIN_ROWS + 2 * rows)), strict=True):
        same = [each for each in again(finding.channel, excerpt) if each.kind is finding.kind and _overlap(each, finding, step_s * rows)]
        if len(same) == 1:
            exact[id(finding)] = same[0]
    return [exact.get(id(finding), finding) for finding in findings]


def _is_short(finding: Finding, step_s: float) -> bool:
    if finding.kind not in {FindingKind.SPIKE, FindingKind.LEVEL_STEP} or finding.start_s is None or finding.end_s is None:
        return False
    return finding.end_s - finding.start_s <= ROWS_MAX * step_s


def _overlap(a: Finding, b: Finding, edge_s: float) -> bool:
    return (a.start_s or 0) <= (b.end_s or 0) + edge_s and (a.end_s or 0) >= (b.start_s or 0) - edge_s


def _excerpts(findings: Sequence[Finding], table: Table, margin_s: float) -> list[Series]:
    columns = {channel.name: i for i, channel in enumerate(table.channels)}
    windows = [(columns[f.channel], (f.start_s or 0) - margin_s, (f.end_s or 0) + margin_s) for f in findings]
    parts: list[list[tuple[Floats, Floats]]] = [[] for _ in windows]
    for block in table.blocks():
        for (column, start, end), part in zip(windows, parts, strict=True):
            inside = (block.times >= start) & (block.times <= end)
            if inside.any():
                part.append((block.times[inside], block.values[inside, column]))
    return [_series(part) for part in parts]


def _series(parts: list[tuple[Floats, Floats]]) -> Series:
    """At most twice ROWS_MAX rows, should the times repeat."""
    times = np.concatenate([np.empty(0), *(times for times, _ in parts)])[: 2 * ROWS_MAX]
    values = np.concatenate([np.empty(0), *(values for _, values in parts)])[: 2 * ROWS_MAX]
    return Series(times, times, values, values, values, 1)
