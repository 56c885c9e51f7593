"""Axes of plots: round ticks over a range, and the scale from values to places in the picture."""

import math
from typing import NamedTuple

TIME_UNITS = ((1.0, "s", 600.0), (60.0, "min", 4 * 3600.0), (3600.0, "h", 4 * 86_400.0), (86_400.0, "d", math.inf))
FINEST = 1e-9  # of the larger end: a narrower range is none
SMALLEST = 1e-290


class Scale(NamedTuple):
    """Maps `low`..`high` to `start`..`end`, in pixels."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def is_drawable(self) -> bool:
        """Whether a float can tell places of the range apart."""
        span = self.high - self.low
        return math.isfinite(span) and span > max(abs(self.low), abs(self.high)) * FINEST and span > SMALLEST

    def within(self, value: float) -> float:
        """The place of the value, or of the nearest end."""
        return self.place(min(max(value, self.low), self.high))


def widened(low: float, high: float) -> tuple[float, float]:
    """A range with some room at both ends, never empty."""
    room = max((high - low) * 0.06, max(abs(low), abs(high)) * 1e-6) or 1.0
    return low - room, high + room


def ticks(low: float, high: float, about: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within the range, about so many."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * 0.75)
    return [n * step for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def labels(values: list[float]) -> list[str]:
    """The ticks in figures, with as many places as tell them apart; very large and small ones with a common power of a thousand."""
    largest = max(map(abs, values), default=0.0)
    if len(values) < 2 or not largest:
        return [f"{value:g}" for value in values]
    power = 3 * math.floor(math.log10(largest) / 3)
    exponent = 0 if -3 <= power < 6 else power
    places = max(0, exponent - math.floor(math.log10(values[1] - values[0]) + 1e-9))
    return [f"{value / 10.0**exponent:.{places}f}" + (f"e{exponent}" if exponent and value else "") for value in values]


def time_unit(span_s: float) -> tuple[float, str]:
    """Seconds in a unit, and the unit, in which a span of time reads well."""
    return next((seconds, unit) for seconds, unit, most in TIME_UNITS if span_s <= most)
