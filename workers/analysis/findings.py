"""What an analysis says about data files: statistics, findings and the traces that plots are drawn from."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class FindingKind(StrEnum):
    """What was found; each is told by one detector."""

    LIMIT_EXCURSION = "limit_excursion"
    LEVEL_STEP = "level_step"
    SPIKE = "spike"
    DRIFT = "drift"
    STUCK = "stuck"
    SATURATED = "saturated"
    MISSING_SAMPLES = "missing_samples"
    TIME_DISORDER = "time_disorder"
    UNREADABLE_FILE = "unreadable_file"


class Severity(StrEnum):
    """`breach`: a written limit does not hold; `anomaly`: a signal behaves as none should; `note`: worth knowing."""

    BREACH = "breach"
    ANOMALY = "anomaly"
    NOTE = "note"


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A bound as written in a text. `channel` narrows it to channels of that name where the text names one.

    `low` and `high` are in `unit`, inclusive; `within_s` is a time in which something must have happened.
    `source` says where it stands (`step "Apply 13V to input rail"`), `text` is what stands there.
    """

    unit: str
    low: float | None = None
    high: float | None = None
    within_s: float | None = None
    channel: str | None = None
    source: str = ""
    text: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found. Times are seconds on the file's axis; `start_at` and `end_at` are naive UTC where the file has calendar time.

    `detector` is name and version (`spikes/1`). `value` is the worst one, in `unit`. `text` is a sentence in plain words.
    """

    kind: FindingKind
    severity: Severity
    file_id: UUID
    detector: str
    text: str
    channel: str = ""
    unit: str = ""
    start_s: float | None = None
    end_s: float | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    value: float | None = None
    limit: Limit | None = None


class ChannelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one channel over the whole file; quantiles by share (`0.01`, `0.5`, `0.99`), None without a value."""

    name: str
    unit: str
    count: int
    missing: int
    gaps: int
    minimum: float | None = None
    mean: float | None = None
    maximum: float | None = None
    std: float | None = None
    quantiles: dict[str, float] = {}


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A channel thinned for drawing: lowest and highest value in each stretch of time; NaN is None on the wire."""

    channel: str
    unit: str
    times: list[float]
    low: list[float | None]
    high: list[float | None]


class FileAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything said of one file. `failure` is why it could not be read; then the rest is empty.

    Without `has_times` what counts as seconds elsewhere are row numbers.
    """

    file_id: UUID
    file_name: str
    format: str = ""
    rows: int = 0
    start_s: float | None = None
    end_s: float | None = None
    start_at: datetime | None = None
    has_times: bool = True
    notes: tuple[str, ...] = ()
    channels: tuple[ChannelSummary, ...] = ()
    findings: tuple[Finding, ...] = ()
    traces: tuple[Trace, ...] = ()
    failure: str | None = None
