"""Pictures of channels as SVG: the trace, limits as lines, what was found as shaded times, the steps along the top."""

import html
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from workers.analysis import figures
from workers.analysis.axes import Scale, labels, ticks, time_unit, widened
from workers.analysis.findings import Finding, Limit, Severity, Trace
from workers.analysis.plain import one_line
from workers.analysis.units import converted

WIDTH, HEIGHT = 680, 230  # pixels
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 26, 42  # pixels around the area of the trace
HEADROOM = 13  # pixels above the trace, for the numbers of findings
COLUMNS_MAX = 400  # points of the trace, each a lowest and a highest value
SHADES_MAX = 30
LIMITS_MAX = 4
NARROWEST = 2.0  # pixels of a shade
GAP_MIN = 3  # times the usual distance of two places: there the line is broken
STEPS_MAX = 30
LINE, SHADES, LIMIT = "#1f4e79", {Severity.BREACH: "#c0392b", Severity.ANOMALY: "#b9770e", Severity.NOTE: "#6b7680"}, "#a4262c"
INK, FAINT, STRIP = "#333333", "#d9d9d9", ("#c9d6e2", "#e3e9ef")
FONT = "Libertinus Serif, Arial, sans-serif"


class Mark(NamedTuple):
    """A finding to shade, under the number that the report gives it."""

    number: int
    finding: Finding


class Window(NamedTuple):
    """The time of a step, in seconds on the file's axis."""

    number: str
    start_s: float
    end_s: float


class Plot(NamedTuple):
    """What one picture shows. `start_at` is the moment of second 0; without a time axis `times` are rows."""

    trace: Trace
    marks: Sequence[Mark]
    windows: Sequence[Window] = ()
    start_at: datetime | None = None
    has_times: bool = True


def drawn(plot: Plot) -> str | None:
    """The picture, below 15 kB whatever it shows, or None where the trace holds no value."""
    columns = list(_columns(plot.trace))
    values = [v for _, low, high in columns for v in (low, high) if math.isfinite(v)]
    if not values:
        return None
    limits = list(_limit_lines(plot, min(values), max(values)))
    low, high = widened(min([*values, *(v for v, _ in limits)]), max([*values, *(v for v, _ in limits)]))
    first, last = min(time for time, *_ in columns), max(time for time, *_ in columns)  # times may run backwards
    x = Scale(first, last if last > first else first + 1, LEFT, WIDTH - RIGHT)
    y = Scale(low, high, HEIGHT - BOTTOM, TOP + HEADROOM)
    if not (x.is_drawable and y.is_drawable):
        return None
    parts = [*_shades(plot, x), *_steps(plot, x), *_grid(plot, x, y), *_limits(limits, y), _line(columns, x, y)]
    about = html.escape(one_line(f"{plot.trace.channel} over time", 120))
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
    return "\n".join([f'{opening}font-family="{FONT}" font-size="11" aria-label="{about}">', *parts, "</svg>"])


def _columns(trace: Trace) -> Iterator[tuple[float, float, float]]:
    """The trace as (time, lowest, highest) at COLUMNS_MAX places at most; NaN where a stretch holds no value, or none was taken."""
    points = [(t, _value(a), _value(b)) for t, a, b in zip(trace.times, trace.low, trace.high, strict=True) if math.isfinite(t)]
    count = min(len(points), COLUMNS_MAX)
    groups = [points[n * len(points) // count : (n + 1) * len(points) // count] for n in range(count)]
    usual = statistics.median([after[0][0] - before[0][0] for before, after in pairwise(groups)] or [math.inf])
    last = math.inf
    for group in groups:
        if group[0][0] - last > usual * GAP_MIN:
            yield group[0][0], math.nan, math.nan
        last = group[-1][0]
        seen = [(a, b) for _, a, b in group if math.isfinite(a) and math.isfinite(b)]
        yield group[0][0], min((a for a, _ in seen), default=math.nan), max((b for _, b in seen), default=math.nan)


def _value(value: float | None) -> float:
    return math.nan if value is None else value


def _limit_lines(plot: Plot, lowest: float, highest: float) -> Iterator[tuple[float, str]]:
    """Each bound once, if the channel's unit can tell it and it is not so far off that it would flatten the trace."""
    reach = (highest - lowest) or abs(highest) or 1.0
    bounds = dict.fromkeys(b for mark in plot.marks if mark.finding.limit for b in _bounds(mark.finding.limit, plot.trace.unit))
    near = [(value, text) for value, text in bounds if lowest - reach <= value <= highest + reach]
    yield from ((value, one_line(text, 40)) for value, text in near[:LIMITS_MAX])


def _bounds(limit: Limit, unit: str) -> Iterator[tuple[float, str]]:
    """In the channel's unit, named as they were written."""
    for word, bound in (("min", limit.low), ("max", limit.high)):
        value = bound if limit.unit == unit or bound is None else converted(bound, limit.unit, unit)
        if bound is not None and value is not None:
            yield value, f"{word} {figures.quantity(bound, limit.unit)}"


def _shades(plot: Plot, x: Scale) -> Iterator[str]:
    """One path for each severity; numbers where there is room."""
    timed = ((m.finding.start_s, m) for m in plot.marks if m.finding.start_s is not None)
    spans = [(*_span(start, m.finding.end_s, x), m) for start, m in sorted(timed, key=lambda each: (each[0], each[1].number))]
    shown = [(left, right, mark) for left, right, mark in spans if right > LEFT and left < WIDTH - RIGHT][:SHADES_MAX]
    for severity, colour in SHADES.items():
        boxes = "".join(_box(left, right, TOP, HEIGHT - BOTTOM) for left, right, m in shown if m.finding.severity is severity)
        if boxes:
            yield f'<path d="{boxes}" fill="{colour}" fill-opacity="0.16"/>'
    yield '<g text-anchor="middle" font-size="10">'
    labelled = -math.inf
    for left, right, mark in shown:
        middle = (left + right) / 2
        if middle - labelled >= 22:
            yield f'<text x="{middle:.1f}" y="{TOP + 11}" fill="{SHADES[mark.finding.severity]}">F{mark.number}</text>'
            labelled = middle
    yield "</g>"


def _span(start: float, end: float | None, x: Scale) -> tuple[float, float]:
    """In pixels, wide enough to be seen; outside the area if the time is."""
    end = start if end is None else end
    if end < x.low or start > x.high:
        return -math.inf, -math.inf
    left, right = x.within(start), x.within(end)
    return left, max(right, left + NARROWEST)


def _box(left: float, right: float, top: float, bottom: float) -> str:
    return f"M{left:.1f} {top}H{right:.1f}V{bottom}H{left:.1f}Z"


def _steps(plot: Plot, x: Scale) -> Iterator[str]:
    """A strip above the trace: each step's time as a bar, with its number where there is room."""
    spans = [(*_span(window.start_s, window.end_s, x), window.number) for window in plot.windows]
    shown = [span for span in spans if math.isfinite(span[0])][:STEPS_MAX]
    for first, fill in enumerate(STRIP):
        boxes = "".join(_box(left, right, 6, 20) for left, right, _ in shown[first :: len(STRIP)])
        if boxes:
            yield f'<path d="{boxes}" fill="{fill}"/>'
    yield f'<g text-anchor="middle" font-size="10" fill="{INK}">'
    for left, right, number in shown:
        if right - left > 7 * len(number):
            yield f'<text x="{(left + right) / 2:.1f}" y="17">{html.escape(number)}</text>'
    yield "</g>"


def _grid(plot: Plot, x: Scale, y: Scale) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    values = ticks(y.low, y.high, 5)
    for value, label in zip(values, labels(values), strict=True):
        at = y.place(value)
        yield f'<line x1="{LEFT}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}" stroke="{FAINT}" stroke-width="0.7"/>'
        yield f'<text x="{LEFT - 6}" y="{at + 3.5:.1f}" text-anchor="end" fill="{INK}">{label}</text>'
    seconds, unit = time_unit(max(abs(x.low), abs(x.high))) if plot.has_times else (1.0, "")
    values = ticks(x.low / seconds, x.high / seconds, 8)
    for value, label in zip(values, labels(values), strict=True):
        at = x.place(value * seconds)
        yield f'<line x1="{at:.1f}" y1="{bottom}" x2="{at:.1f}" y2="{bottom + 4}" stroke="{INK}" stroke-width="0.8"/>'
        yield f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="middle" fill="{INK}">{label}</text>'
    yield f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="{INK}" stroke-width="0.8"/>'
    middle, height = (LEFT + right) / 2, (TOP + bottom) / 2
    since = f" since {figures.moment(plot.start_at)} UTC" if plot.start_at else ""
    below = f"time in {unit}{since}" if plot.has_times else "row"
    yield f'<text x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle" fill="{INK}">{below}</text>'
    unit_text = one_line(plot.trace.unit, 12)
    beside = html.escape(one_line(plot.trace.channel, 28) + (f" in {unit_text}" if unit_text else ""))
    yield f'<text x="12" y="{height:.0f}" text-anchor="middle" fill="{INK}" transform="rotate(-90 12 {height:.0f})">{beside}</text>'


def _limits(lines: Iterable[tuple[float, str]], y: Scale) -> Iterator[str]:
    right = WIDTH - RIGHT
    for value, text in lines:
        at = y.place(value)
        yield f'<line x1="{LEFT}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}" stroke="{LIMIT}" stroke-width="1" stroke-dasharray="6 4"/>'
        yield f'<text x="{right - 2}" y="{at - 3:.1f}" text-anchor="end" font-size="10" fill="{LIMIT}">{html.escape(text)}</text>'


def _line(columns: Iterable[tuple[float, float, float]], x: Scale, y: Scale) -> str:
    """One path through the lowest and highest values, the nearer first, so that a thinned trace fills what it covered."""
    path, last = [], math.nan
    for time, low, high in columns:
        if not math.isfinite(low):
            last = math.nan
            continue
        ends = (y.place(low), y.place(high))
        first, then = ends if not abs(last - ends[0]) > abs(last - ends[1]) else ends[::-1]
        if abs(first - then) < 1:
            first = then = (first + then) / 2
        command, rest = ("L", "") if math.isfinite(last) else ("M", "h.1")  # a lone value is a dot
        path.append(f"{command}{x.place(time):.1f} {first:.1f}{f'V{then:.1f}' if first != then else rest}")
        last = then
    return f'<path d="{"".join(path)}" fill="none" stroke="{LINE}" stroke-width="1.1" stroke-linejoin="round" stroke-linecap="round"/>'
