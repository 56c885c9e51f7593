"""Findings held against the run: during which steps each happened, and whose limit it breaks."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import replace

from workers.analysis.findings import FileAnalysis, Finding, Severity
from workers.analysis.subject import NumberedStep, Subject

RANKS = {severity: rank for rank, severity in enumerate((Severity.BREACH, Severity.ANOMALY, Severity.NOTE))}
STEPS_MAX = 20  # named of a finding


class Cited(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with its file's name and the first steps during which it happened; `more_steps` counts those beyond STEPS_MAX.

    `by_time`: the steps' own times say so; else they are the steps that the file belongs to.
    `outside`: it breaks a limit of a step that was carried out at another time, and is a note for that reason.
    """

    finding: Finding
    file_name: str
    step_ids: tuple[UUID, ...] = ()
    more_steps: int = 0
    by_time: bool = False
    outside: bool = False


class TimedStep(NamedTuple):
    source: str
    step_id: UUID
    start: datetime
    end: datetime


def cited(subject: Subject, files: Iterable[FileAnalysis]) -> tuple[Cited, ...]:
    """All findings, worst first, then in the order of the files and of time."""
    numbered = list(subject.steps())
    steps = timed(numbered)
    every = [(number, _cited(subject, numbered, steps, file, finding)) for number, file in enumerate(files) for finding in file.findings]
    return tuple(c for _, c in sorted(every, key=lambda e: (RANKS[e[1].finding.severity], e[0], e[1].finding.start_s or 0.0)))


def timed(steps: Iterable[NumberedStep]) -> list[TimedStep]:
    """The steps that have both a start and an end; the others have no time in which anything happens."""
    return [
        TimedStep(numbered.source, numbered.step.uuid, numbered.step.started_at, numbered.step.ended_at)
        for numbered in steps
        if numbered.step.started_at and numbered.step.ended_at
    ]


def during(steps: Iterable[TimedStep], start: datetime, end: datetime) -> list[TimedStep]:
    """The steps whose time meets this one; both ends belong to it."""
    return [step for step in steps if step.start <= end and start <= step.end]


def _cited(subject: Subject, numbered: list[NumberedStep], steps: list[TimedStep], file: FileAnalysis, finding: Finding) -> Cited:
    made = Cited(finding=finding, file_name=file.file_name)
    if finding.start_at is not None:
        met = during(steps, finding.start_at, finding.end_at or finding.start_at)
        if _is_outside(steps, met, finding):
            made = replace(made, finding=replace(finding, severity=Severity.NOTE), outside=True)
        if met:
            return _named(made, [step.step_id for step in met], by_time=True)
    belongs_to = {a.test_step_id for a in subject.associations(file.file_id)}
    return _named(made, [s.step.uuid for s in numbered if s.step.uuid in belongs_to], by_time=False) if belongs_to else made


def _named(made: Cited, step_ids: list[UUID], *, by_time: bool) -> Cited:
    return replace(made, step_ids=tuple(step_ids[:STEPS_MAX]), more_steps=max(0, len(step_ids) - STEPS_MAX), by_time=by_time)


def _is_outside(steps: list[TimedStep], met: list[TimedStep], finding: Finding) -> bool:
    """A step's limit holds while the step is carried out: not before and not after, where its time is known."""
    if finding.limit is None:
        return False
    source = finding.limit.source
    return any(step.source == source for step in steps) and not any(step.source == source for step in met)
