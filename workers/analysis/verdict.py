"""What the outcomes and the findings come to: one word, and the sentences that say why."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from domain.steps import ExecutionStatus
from workers.analysis import figures
from workers.analysis.analysis import Analysis
from workers.analysis.correlation import Cited
from workers.analysis.findings import FindingKind, Severity
from workers.analysis.subject import NumberedStep

STATUS_WORDS = {
    ExecutionStatus.PASSED: "passed",
    ExecutionStatus.PASSED_WITH_EXCEPTION: "passed with exception",
    ExecutionStatus.DONE: "done",
    ExecutionStatus.FAILED: "failed",
    ExecutionStatus.TODO: "open",
}
HELD_GOOD = {ExecutionStatus.PASSED, ExecutionStatus.PASSED_WITH_EXCEPTION, ExecutionStatus.DONE}


class Word(StrEnum):
    NOT_PASSED = "Not passed"
    REVIEW = "Needs review"
    INCOMPLETE = "Incomplete"
    EXCEPTIONS = "Passed with exceptions"
    PASSED = "Passed"
    NO_OUTCOMES = "No outcomes"


class Contradiction(NamedTuple):
    """A step recorded as good, although limits were broken during it; `findings` are their numbers."""

    step: NumberedStep
    findings: list[int]


def word(analysis: Analysis) -> Word:
    statuses = {s.step.execution_status for s in analysis.subject.steps()}
    if ExecutionStatus.FAILED in statuses:
        return Word.NOT_PASSED
    if {c.finding.severity for c in analysis.findings} & {Severity.BREACH, Severity.ANOMALY}:
        return Word.REVIEW
    if not statuses:
        return Word.NO_OUTCOMES
    if ExecutionStatus.TODO in statuses:
        return Word.INCOMPLETE
    return Word.EXCEPTIONS if ExecutionStatus.PASSED_WITH_EXCEPTION in statuses else Word.PASSED


def sentences(analysis: Analysis) -> Iterator[str]:
    """Plain text of ours only: no title, name or note of a user in it."""
    steps = analysis.subject.steps()
    yield _outcomes(steps)
    if times := _times(steps):
        yield times
    yield _findings(analysis)
    if unread := sum(f.failure is not None for f in analysis.files):
        yield f"{figures.counted(unread, 'file')} could not be analysed."


def contradictions(analysis: Analysis) -> list[Contradiction]:
    breaches: dict[UUID, list[int]] = {}
    for number, cited in enumerate(analysis.findings, 1):
        for step_id in cited.step_ids if cited.finding.severity is Severity.BREACH else ():
            breaches.setdefault(step_id, []).append(number)
    good = (s for s in analysis.subject.steps() if s.step.execution_status in HELD_GOOD)
    return [Contradiction(s, breaches[s.step.uuid]) for s in good if s.step.uuid in breaches]


def finding_numbers(analysis: Analysis) -> dict[Severity, list[tuple[int, Cited]]]:
    """Findings by severity, each with its number; files that could not be read are told elsewhere."""
    told: dict[Severity, list[tuple[int, Cited]]] = {severity: [] for severity in Severity}
    for number, cited in enumerate(analysis.findings, 1):
        if cited.finding.kind is not FindingKind.UNREADABLE_FILE:
            told[cited.finding.severity].append((number, cited))
    return told


def _outcomes(steps: tuple[NumberedStep, ...]) -> str:
    if not steps:
        return "The run has no steps in scope."
    counts = Counter(s.step.execution_status for s in steps)
    done = len(steps) - counts[ExecutionStatus.TODO]
    kinds = ", ".join(f"{counts[status]} {text}" for status, text in STATUS_WORDS.items() if counts[status])
    return f"{done} of {figures.counted(len(steps), 'step')} ({100 * done // len(steps)} %) have an outcome: {kinds}."


def _times(steps: tuple[NumberedStep, ...]) -> str:
    spans = [(s.step.started_at, s.step.ended_at) for s in steps if s.step.started_at and s.step.ended_at]
    if not spans:
        return ""
    total = sum(_seconds(start, end) for start, end in spans)
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    return f"Timed steps took {figures.duration(total)} in all, from {figures.moment(first)} to {figures.moment(last)} UTC."


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


def _findings(analysis: Analysis) -> str:
    read = sum(f.failure is None for f in analysis.files)
    if not read:
        return "No data file was analysed."
    told = finding_numbers(analysis)
    breaches, anomalies, notes = (len(told[s]) for s in (Severity.BREACH, Severity.ANOMALY, Severity.NOTE))
    found = [
        figures.counted(breaches, "broken limit"),
        figures.counted(anomalies, "anomaly", "anomalies"),
        figures.counted(notes, "note"),
    ]
    return f"{figures.counted(read, 'data file')} analysed: {', '.join(found)}."
