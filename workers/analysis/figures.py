"""Figures as an engineer writes them: four significant digits, powers of a thousand, units."""

import math
from datetime import datetime, timedelta

DIGITS = 4  # significant
NONE = "\N{EN DASH}"
PREFIXES = {-9: "n", -6: "µ", -3: "m", 3: "k", 6: "M", 9: "G"}
PREFIXED = frozenset({"V", "A", "W", "Hz", "Ω", "Ohm", "ohm", "s", "F", "H", "Pa", "J", "N"})  # units that take a prefix


def number(value: float | None) -> str:
    """`12.35`, `20480`, `1.25e6`, `-42e-6`; whole thousands as exponents, as `e` so that it can be copied into a program."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        return _digits(value)
    mantissa, exponent = _engineering(value)
    return f"{_digits(mantissa)}e{exponent}"


def quantity(value: float | None, unit: str) -> str:
    """A number and its unit, with a prefix for very small and very large ones: `9.41 V`, `42 ms`, `1.2 MHz`, `12 %`."""
    text = number(value)
    if text == NONE or not unit:
        return text
    if value and unit in PREFIXED and not 0.1 <= abs(value) < 1e4:
        mantissa, exponent = _engineering(value)
        if exponent in PREFIXES:
            return f"{_digits(mantissa)} {PREFIXES[exponent]}{unit}"
    return f"{text} {unit}"


def duration(seconds: float) -> str:
    """`35.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`; below a second as `quantity` has it."""
    if abs(seconds) < 60:
        return quantity(seconds, "s")
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(n for n, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)


def moment(at: datetime | None) -> str:
    """`2026-04-13 11:05:20.12`: UTC, as precise as it is, to a millisecond."""
    if at is None:
        return NONE
    rounded = at.replace(microsecond=0) + timedelta(milliseconds=round(at.microsecond / 1000))
    fraction = f"{rounded.microsecond // 1000:03d}".rstrip("0")
    return f"{rounded:%Y-%m-%d %H:%M:%S}" + (f".{fraction}" if fraction else "")


def counted(amount: int, one: str, many: str = "") -> str:
    """`1 step`, `3 steps`."""
    return f"{amount} {one if amount == 1 else many or one + 's'}"


def size(octets: int) -> str:
    """`204.8 kB`, in powers of a thousand."""
    return quantity(octets, "B") if octets < 1000 else f"{_digits(octets / 1000 ** _thousands(octets))} {' kMGT'[_thousands(octets)]}B"


def _thousands(octets: int) -> int:
    return min(4, (len(str(octets)) - 1) // 3)


def _digits(value: float) -> str:
    places = max(0, DIGITS - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _engineering(value: float) -> tuple[float, int]:
    """The value as mantissa and a power of ten that is a multiple of three, after rounding: 999,999 is 1e6."""
    rounded, power = f"{value:.{DIGITS - 1}e}".split("e")
    exponent = int(power) // 3 * 3
    return float(rounded) * 10.0 ** (int(power) - exponent), exponent
