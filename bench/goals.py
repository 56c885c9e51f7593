"""Goals as they are written in the table, and whether a line holds them."""

import operator
import re
from typing import Protocol

_CONDITION = re.compile(r"(?:(?P<of>p50|p95|p99|ratio) )?(?P<sign>[<≤≥=]) (?P<bound>[\d,]+(?:\.\d+)?)(?: ?(?:ms|s|MB|/s|events/s))?")
_SIGNS = {"<": operator.lt, "≤": operator.le, "≥": operator.ge, "=": operator.eq}


class Measured(Protocol):
    """What a goal can speak of."""

    @property
    def ours(self) -> float: ...
    @property
    def floor(self) -> float | None: ...
    @property
    def p50_ms(self) -> float | None: ...
    @property
    def p95_ms(self) -> float | None: ...
    @property
    def p99_ms(self) -> float | None: ...


def holds(goal: str, line: Measured) -> bool | None:
    """Whether every condition of a goal like `ratio ≥ 0.40, p99 < 60 ms` holds; None without a goal.

    A condition without a name is about the figure itself. What cannot be read, or speaks of what was not measured, is a ValueError.
    """
    if not goal:
        return None
    ratio = None if not line.floor else line.ours / line.floor
    figures = {"p50": line.p50_ms, "p95": line.p95_ms, "p99": line.p99_ms, "ratio": ratio, None: line.ours}
    return all(_holds(text, figures) for text in goal.split(", "))


def _holds(text: str, figures: dict[str | None, float | None]) -> bool:
    read = _CONDITION.fullmatch(text)
    figure = figures[read["of"]] if read else None
    if read is None or figure is None:
        raise ValueError(f"no goal that this line can hold: {text!r}")
    return bool(_SIGNS[read["sign"]](figure, float(read["bound"].replace(",", ""))))
