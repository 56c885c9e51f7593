"""Where a finding is made, and how its sentence names channels, amounts and moments."""

import math
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from workers.analysis.findings import Finding, FindingKind, Limit, Severity
from workers.analysis.signals import Channel, TimeAxis

DECIMALS_MAX = 6
WORD_LETTERS_MIN = 3  # `bus`, but not `U12` or `I_load`


class Scene(NamedTuple):
    """A channel of a file. `step_s` is the usual time between two rows; `axis` None means that times are row numbers."""

    file_id: UUID
    channel: Channel
    axis: TimeAxis | None
    step_s: float

    @property
    def name(self) -> str:
        """The channel as a sentence begins with it: `bus_voltage` is `Bus voltage`, `I_load` stays."""
        words = self.channel.name.replace("_", " ")
        return words[:1].upper() + words[1:] if len(words.split(" ")[0]) >= WORD_LETTERS_MIN and words.islower() else self.channel.name

    def amount(self, value: float) -> str:
        return f"{number(value)} {self.channel.unit}".strip()

    def moment(self, time: float) -> str:
        return f"{time:.{self._decimals}f} s" if self.axis else f"row {int(time) + 1}"

    def lasting(self, span: float) -> str:
        """A length of time, or a number of rows."""
        if self.axis is None:
            return counted(round(span) + 1, "row")
        return f"{span + (0 if span else self.step_s):.{self._decimals}f} s"

    def finding(
        self,
        kind: FindingKind,
        detector: str,
        text: str,
        start: float,
        end: float,
        value: float | None = None,
        *,
        severity: Severity = Severity.ANOMALY,
        limit: Limit | None = None,
    ) -> Finding:
        """`start` and `end` are seconds on the axis, or row numbers; calendar times are added where the file gives them."""
        begin = self.axis.start if self.axis else None
        return Finding(
            kind=kind,
            severity=severity,
            file_id=self.file_id,
            detector=detector,
            text=text,
            channel=self.channel.name,
            unit=self.channel.unit,
            start_s=finite(start),
            end_s=finite(end),
            start_at=calendar(begin, start),
            end_at=calendar(begin, end),
            value=None if value is None else finite(value),
            limit=limit,
        )

    @property
    def _decimals(self) -> int:
        return min(max(math.ceil(-math.log10(self.step_s) - 1e-6), 0), DECIMALS_MAX) if self.step_s > 0 else 2


def calendar(begin: datetime | None, seconds: float) -> datetime | None:
    """None where the file gives no calendar time, or one outside the years 1 to 9999."""
    try:
        return begin + timedelta(seconds=seconds) if begin and math.isfinite(seconds) else None
    except OverflowError:
        return None


def finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def number(value: float) -> str:
    """Four significant digits, without an exponent where a person would write none."""
    plain = 1e-4 <= abs(value) < 1e7
    digits = max(3 - math.floor(math.log10(abs(value))), 0) if plain else 0
    text = f"{value:.{digits}f}" if plain else f"{value:.4g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
