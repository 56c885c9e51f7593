"""What a language model is told of an analysis, and what its words are held against: findings, counts and the verdict."""

import re
from collections import Counter
from datetime import datetime
from uuid import UUID

import msgspec

from domain.reports import Scope
from domain.steps import ExecutionStatus
from workers.analysis import figures, verdict
from workers.analysis.analysis import Analysis
from workers.analysis.correlation import Cited
from workers.analysis.findings import Limit, Severity
from workers.analysis.plain import one_line
from workers.analysis.scene import WORD_LETTERS_MIN
from workers.analysis.subject import NumberedStep

FINDINGS_MAX = 60
STEPS_MAX = 20
FINDING_STEPS_MAX = 3
NAME_MAX = 100  # characters, as of the texts
TEXT_MAX = 300
INTEREST_MAX = 1_000
REMARKABLE = {ExecutionStatus.FAILED, ExecutionStatus.PASSED_WITH_EXCEPTION}


class StepSeen(msgspec.Struct, frozen=True):
    """`number` is how a report names the step (`2.3`), `status` a word of a report."""

    number: str
    title: str
    status: str


class FindingSeen(msgspec.Struct, frozen=True, kw_only=True):
    """`start` and `end` are moments in UTC, else `""`; `start_s` and `end_s` are seconds on the file's axis, None where it counts rows."""

    id: str
    severity: Severity
    text: str
    file: str
    channel: str = ""
    value: float | None = None
    unit: str = ""
    limits: tuple[str, ...] = ()
    start: str = ""
    end: str = ""
    start_s: float | None = None
    end_s: float | None = None
    steps: tuple[StepSeen, ...] = ()


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Names, titles and `interest` are words of users and files; all else is ours. `findings` are the worst first."""

    title: str
    interest: str
    scope: Scope
    verdict: str
    sentences: tuple[str, ...]
    counts: dict[str, int]
    steps: tuple[StepSeen, ...] = ()
    findings: tuple[FindingSeen, ...] = ()


def as_spoken(name: str) -> re.Pattern[str]:
    """Finds a name, also where a sentence has it as `Bus voltage` for `bus_voltage`; nothing where there is none."""
    words = "[_ ]".join(map(re.escape, re.split("[_ ]", one_line(name))))
    return re.compile(rf"(?<!\w){words or '(?!)'}(?!\w)", re.IGNORECASE if len(name) >= WORD_LETTERS_MIN else 0)


def of(analysis: Analysis) -> Evidence:
    steps = {s.step.uuid: s for s in analysis.subject.steps()}
    remarkable = [s for s in steps.values() if s.step.execution_status in REMARKABLE]
    return Evidence(
        title=one_line(analysis.subject.run.title, NAME_MAX),
        interest=one_line(analysis.subject.analysis_context, INTEREST_MAX),
        scope=analysis.subject.scope,
        verdict=verdict.word(analysis).value,
        sentences=tuple(verdict.sentences(analysis)),
        counts=_counts(analysis, list(steps.values())),
        steps=tuple(map(_step, remarkable[:STEPS_MAX])),
        findings=tuple(_finding(number, cited, steps) for number, cited in enumerate(analysis.findings[:FINDINGS_MAX], 1)),
    )


def _counts(analysis: Analysis, steps: list[NumberedStep]) -> dict[str, int]:
    """Under the names that `claims` gives to what a text counts."""
    statuses = Counter(s.step.execution_status for s in steps)
    told = verdict.finding_numbers(analysis)
    unread = sum(file.failure is not None for file in analysis.files)
    return {
        "steps": len(steps),
        "steps with an outcome": len(steps) - statuses[ExecutionStatus.TODO],
        **{f"steps {word}": statuses[status] for status, word in verdict.STATUS_WORDS.items()},
        "broken limits": len(told[Severity.BREACH]),
        "anomalies": len(told[Severity.ANOMALY]),
        "notes": len(told[Severity.NOTE]),
        "findings": len(analysis.findings),
        "data files": len(analysis.files) - unread,
        "data files not analysed": unread,
    }


def _step(numbered: NumberedStep) -> StepSeen:
    return StepSeen(numbered.number, one_line(numbered.step.title, NAME_MAX), verdict.STATUS_WORDS[numbered.step.execution_status])


def _finding(number: int, cited: Cited, steps: dict[UUID, NumberedStep]) -> FindingSeen:
    finding = cited.finding
    timed = not re.search(r"\brows?\b", finding.text)
    text = as_spoken(finding.channel).sub(lambda name: one_line(name[0], NAME_MAX), one_line(finding.text))
    return FindingSeen(
        id=f"F{number}",
        severity=finding.severity,
        text=one_line(text, TEXT_MAX),
        file=one_line(cited.file_name, NAME_MAX),
        channel=one_line(finding.channel, NAME_MAX),
        value=finding.value,
        unit=one_line(finding.unit, NAME_MAX),
        limits=_limits(finding.limit),
        start=_moment(finding.start_at),
        end=_moment(finding.end_at),
        start_s=finding.start_s if timed else None,
        end_s=finding.end_s if timed else None,
        steps=tuple(_step(steps[step_id]) for step_id in cited.step_ids[:FINDING_STEPS_MAX] if step_id in steps),
    )


def _limits(limit: Limit | None) -> tuple[str, ...]:
    """The bounds as figures; the words in which they were written stay out."""
    if limit is None:
        return ()
    bounds = [("min", limit.low, limit.unit), ("max", limit.high, limit.unit), ("within", limit.within_s, "s")]
    return tuple(f"{name} {figures.quantity(bound, unit)}" for name, bound, unit in bounds if bound is not None)


def _moment(at: datetime | None) -> str:
    return "" if at is None else figures.moment(at)
