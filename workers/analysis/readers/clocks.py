"""Which column of a table tells the time, and how it is read as seconds."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.analysis.readers.numbers import numbers
from workers.analysis.signals import Channel

Seconds = NDArray[np.float64]
NS = 1_000_000_000
DAY_S = 86_400.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
EPOCH_S = (631_152_000, 2_208_988_800)  # 1990 to 2040, in which numbers are taken as Unix time
EPOCH_UNITS = (1.0, 1e-3, 1e-6, 1e-9)
SAMPLE_ROWS = 20_000
TRIED_ROWS = 50
PARSED_SHARE_MIN = 0.8
NUMBERS_SHARE_MIN = 0.5
RISING_SHARE_MIN = 0.5  # of the steps of a column that is called time
UNIT_WORDS = (
    ("s sec secs second seconds Seconds", 1.0),
    ("ms msec millis milliseconds", 1e-3),
    ("us µs μs micros microseconds", 1e-6),
    ("ns nanos nanoseconds", 1e-9),
    ("min minutes", 60.0),
    ("h hr hours", 3600.0),
    ("d days", DAY_S),
)
UNIT_S = {"": 1.0, **{word: scale for words, scale in UNIT_WORDS for word in words.split()}}
BEFORE = (
    r"(rel|relative|abs|absolute|elapsed|sample|meas|measurement|local|utc|gps|unix|epoch|log|test|run|x|system|date|start|event|master)?"
)
NAMES = (
    r"(times?|time ?stamps?|datetime|date|zeit|uhrzeit|datum|zeitstempel|zeitpunkt|temps|ts|epoch|clock|elapsed|seconds|secs?"
    r"|millis|micros|nanos|(milli|micro|nano)seconds|minutes|hours)"
)
NAMED = re.compile(rf"{BEFORE}[ _\-/]*{NAMES}[ _\-/]*(utc|local|rel|abs|elapsed|s|ms|us|ns|axis)?", re.IGNORECASE)
SHORT = {"t", "x_time", "unix"}
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%d-%b-%Y", "%Y.%m.%d", "%d.%m.%y", "%m/%d/%y")
TIMES = ("%H:%M:%S%.f", "%H:%M", "%I:%M:%S%.f %p", "%I:%M %p")
FORMATS = (
    *(f"{d}{join}{t}{zone}" for d, t, join, zone in product(DATES, TIMES, (" ", "T"), ("", "%#z", " %#z"))),
    "%Y%m%dT%H%M%S%.f", "%Y%m%dT%H%M%S%.f%#z", "%Y%m%d %H%M%S%.f", *DATES,
)  # fmt: skip
DATED = re.compile(r"\s*\d{1,4}[-/.](\d{1,2}|[A-Za-z]{3})[-/.]\d{1,4}|\s*\d{8}T\d{6}")
CLOCKED = r"^\s*\d{1,4}:\d\d(:\d\d([.,]\d+)?)?\s*$"


class Clock(NamedTuple):
    """`columns` of a frame are read as seconds since `start`. A clock that `wraps` shows the time of day only."""

    columns: tuple[str, ...]
    read: Callable[[pl.DataFrame], Seconds]
    start: datetime | None = None
    note: str = ""
    wraps: bool = False


def clock(frame: pl.DataFrame, channels: Sequence[Channel], headed: Sequence[str]) -> Clock | None:
    """Of a frame whose n-th column belongs to the n-th channel: calendar time, then a column called time, then one that looks like it.

    `headed` are the headings as written, `""` where there is none.
    """
    sample = frame.head(SAMPLE_ROWS)
    ways = (_paired, _calendar, _named, _of_day, _epoch, _even)
    return next((found for way in ways for i in range(len(channels)) if (found := way(sample, i, channels, headed))), None)


def is_time_name(name: str) -> bool:
    return name in SHORT or bool(NAMED.fullmatch(name.strip()))


def unwrapped(times: Seconds, last: float, days: float) -> tuple[Seconds, float, float]:
    """Times of day go on over midnight; `last` and `days` are carried from block to block."""
    known = np.flatnonzero(np.isfinite(times))
    if not len(known):
        return times, last, days
    steps = np.diff(times[known], prepend=last if np.isfinite(last) else times[known[0]])
    passed = days + DAY_S * np.cumsum(steps < -DAY_S / 2)
    out = times.copy()
    out[known] += passed
    return out, float(times[known[-1]]), float(passed[-1])


def _paired(frame: pl.DataFrame, i: int, channels: Sequence[Channel], headed: Sequence[str]) -> Clock | None:
    """A column of dates beside a column of times of day."""
    name, other = str(i), str(i + 1)
    if other not in frame.columns or frame[name].dtype != pl.String or frame[other].dtype != pl.String or not _is_dated(frame[name]):
        return None
    if ":" in (_first(frame[name]) or "") or not frame[other].drop_nulls().head(TRIED_ROWS).str.contains(r"^\s*\d{1,2}:\d\d").any():
        return None
    both = pl.concat_str(pl.col(name).str.strip_chars(), pl.lit(" "), pl.col(other).str.strip_chars()).alias(name)
    found = _calendar(frame.select(both), 0, channels, headed, name)
    return found and found._replace(columns=(name, other), read=lambda part: found.read(part.select(both)))


def _calendar(frame: pl.DataFrame, i: int, _channels: Sequence[Channel], _headed: Sequence[str], named: str | None = None) -> Clock | None:
    name = named or str(i)
    column = frame[name]
    match column.dtype:
        case pl.Datetime() | pl.Date():
            return _since(name, column, lambda s: s.cast(pl.Datetime("ns")).to_physical(), "")
        case pl.String if _is_dated(column) and (form := _format(column)):
            note = f"dates read as {_spoken(form)}" if "/" in form[:8] and form.startswith(("%m", "%d")) else ""
            zone = "" if "%#z" in form else "times taken as UTC"
            return _since(name, column, lambda s: _moments(s, form), ", ".join(filter(None, (note, zone))))
    return None


def _since(name: str, column: pl.Series, moments: Callable[[pl.Series], pl.Series], note: str) -> Clock | None:
    """`moments` are nanoseconds since 1970. Second 0 is the whole second in which the first row lies."""
    first = next(iter(moments(column).drop_nulls()), None)
    if first is None:
        return None
    origin = first // NS * NS
    start = EPOCH + timedelta(seconds=origin // NS)
    return Clock((name,), lambda part: _floats(moments(part[name]) - origin) / NS, start, note)


def _format(column: pl.Series) -> str | None:
    """The one that fits most of the first moments; of two that fit as many, the one in which time goes on."""
    tried = column.drop_nulls().head(TRIED_ROWS)
    sample = column.drop_nulls().head(SAMPLE_ROWS)
    fitting = [form for form in FORMATS if _moments(tried, form).count() >= PARSED_SHARE_MIN * len(tried)]
    told = [(moments.count(), -int((moments.diff() < 0).sum()), form) for form in fitting if len(moments := _moments(sample, form))]
    return max(told, key=lambda t: t[:2])[2] if told else None


def _moments(column: pl.Series, form: str) -> pl.Series:
    plain = column.str.strip_chars().str.replace(",", ".", literal=True).str.replace(r" ?UTC$", "Z")
    if form in DATES:
        found = plain.str.to_date(form, strict=False).cast(pl.Datetime("ns"))
    else:
        found = plain.str.to_datetime(form, strict=False, time_unit="ns", ambiguous="earliest")
    return pl.select(pl.when(found.dt.year() >= EPOCH.year).then(found.to_physical())).to_series()


def _named(frame: pl.DataFrame, i: int, channels: Sequence[Channel], _headed: Sequence[str]) -> Clock | None:
    name, channel = str(i), channels[i]
    if not is_time_name(channel.name) and not (channel.unit and channel.unit in UNIT_S and channel.name.lower() in {"t", "x"}):
        return None
    if frame[name].dtype == pl.Duration:
        return Clock((name,), lambda part: _floats(part[name].cast(pl.Duration("ns")).to_physical()) / NS)
    values = _numeric(frame[name])
    unit = channel.unit or next((word for word in UNIT_S if len(word) > 1 and re.search(rf"(^|[ _]){word}$", channel.name.lower())), "")
    if found := _unix(frame, name, unit):
        return found
    return _relative(name, unit) if values is not None and _rises(values, RISING_SHARE_MIN) else None


def _of_day(frame: pl.DataFrame, i: int, channels: Sequence[Channel], _headed: Sequence[str]) -> Clock | None:
    name = str(i)
    if frame[name].dtype == pl.Time:
        return Clock((name,), lambda part: _floats(part[name].to_physical()) / NS, note="time of day", wraps=True)
    if frame[name].dtype != pl.String:
        return None
    told = frame[name].drop_nulls()
    if not len(told) or told.str.contains(CLOCKED).mean() < PARSED_SHARE_MIN:  # type: ignore[operator]
        return None
    wraps = not re.search(r"elapsed|rel|duration|dauer", channels[i].name.lower())
    return Clock((name,), lambda part: _seconds(part[name]), note="time of day" if wraps else "", wraps=wraps)


def _seconds(column: pl.Series) -> Seconds:
    parts = column.str.strip_chars().str.replace(",", ".", literal=True).str.split_exact(":", 2).struct.unnest()
    hours, minutes, seconds = (parts[f"field_{n}"].cast(pl.Float64, strict=False) for n in range(3))
    return _floats(hours * 3600 + minutes * 60 + seconds.fill_null(0.0))


def _epoch(frame: pl.DataFrame, i: int, channels: Sequence[Channel], _headed: Sequence[str]) -> Clock | None:
    """Unix time under any name, where it rises."""
    values = _numeric(frame[str(i)])
    return _unix(frame, str(i), channels[i].unit) if values is not None and len(values) > 2 and _rises(values, 1.0) else None


def _even(frame: pl.DataFrame, i: int, channels: Sequence[Channel], headed: Sequence[str]) -> Clock | None:
    """The first column: in a unit of time and rising, or without a heading and rising evenly."""
    values = _numeric(frame[str(i)])
    if i or len(channels) < 2 or values is None or len(values) < 3 or not _rises(values, 1.0):
        return None
    if channels[i].unit and channels[i].unit in UNIT_S:
        return _relative(str(i), channels[i].unit)
    steps = np.diff(values)
    if any(headed) or steps.min() <= 0 or steps.max() > 1.5 * steps.min():
        return None
    return _relative(str(i), "")._replace(note="first column taken as time in seconds")


def _unix(frame: pl.DataFrame, name: str, unit: str) -> Clock | None:
    """Seconds, milli-, micro- or nanoseconds since 1970, told by their size."""
    values = _numeric(frame[name])
    for scale in [UNIT_S[unit]] if unit in UNIT_S and unit else EPOCH_UNITS:
        if values is not None and len(values) and EPOCH_S[0] <= float(np.median(values)) * scale <= EPOCH_S[1]:
            return _unix_clock(frame[name], scale)
    return None


def _unix_clock(column: pl.Series, scale: float) -> Clock:
    """Whole numbers are read as such: nanoseconds since 1970 do not fit a float."""
    whole = (
        column.cast(pl.Int64, strict=False).count() == numbers(column).count() if column.dtype == pl.String else column.dtype.is_integer()
    )
    read: Callable[[pl.Series], pl.Series] = (lambda s: s.cast(pl.Int64, strict=False)) if whole else numbers
    first = next(iter(read(column).drop_nulls()))
    per_s = round(1 / scale)
    start_s = int(first // per_s)
    name, unit = column.name, {1: "s", 1000: "ms", 1_000_000: "µs"}.get(per_s, "ns")
    start = EPOCH + timedelta(seconds=start_s)
    return Clock((name,), lambda part: _floats(read(part[name]) - start_s * per_s) / per_s, start, f"time is Unix time in {unit}")


def _relative(name: str, unit: str) -> Clock:
    scale = UNIT_S.get(unit, 1.0)
    note = f"time in {unit}" if scale != 1 else ""
    per_s = round(1 / scale) if scale < 1 else 0  # division keeps 0.001 s of 1 ms exact
    return Clock((name,), lambda part: _floats(numbers(part[name])) / per_s if per_s else _floats(numbers(part[name])) * scale, note=note)


def _numeric(column: pl.Series) -> Seconds | None:
    """None where the column is no number in most rows."""
    if not (column.dtype.is_numeric() or column.dtype == pl.String):
        return None
    values = _floats(numbers(column).drop_nulls())
    values = values[np.isfinite(values)]
    return values if len(values) and len(values) >= NUMBERS_SHARE_MIN * column.count() else None


def _rises(values: Seconds, share_min: float) -> bool:
    steps = np.diff(values)
    return not len(steps) or (bool((steps >= 0).mean() >= share_min) and bool(values.max() > values.min()))


def _is_dated(column: pl.Series) -> bool:
    return column.dtype == pl.String and any(DATED.match(text) for text in _told(column))


def _told(column: pl.Series) -> Iterator[str]:
    yield from column.drop_nulls().head(TRIED_ROWS)


def _first(column: pl.Series) -> str | None:
    return next(_told(column), None)


def _spoken(form: str) -> str:
    return "month/day/year" if form.startswith("%m") else "day/month/year"


def _floats(column: pl.Series) -> Seconds:
    return column.cast(pl.Float64).to_numpy()
