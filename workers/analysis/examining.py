"""One pass over a file: statistics, detectors and traces of every channel."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import numpy as np

from workers.analysis.detectors.blanks import Blanks
from workers.analysis.detectors.clock import Clock
from workers.analysis.detectors.drift import drift
from workers.analysis.detectors.excursions import Excursions
from workers.analysis.detectors.saturation import saturation
from workers.analysis.detectors.spikes import spikes
from workers.analysis.detectors.steps import level_steps
from workers.analysis.detectors.stuck import stuck
from workers.analysis.findings import FileAnalysis, Finding, Limit, Trace
from workers.analysis.limit_matching import Bound, bounds
from workers.analysis.merging import told_once
from workers.analysis.nature import Nature, commands, nature
from workers.analysis.plateaus import Plateaus
from workers.analysis.refining import refined
from workers.analysis.scene import Scene, finite
from workers.analysis.series import Floats, Series, Thinning
from workers.analysis.signals import Block, Channel, Table
from workers.analysis.statistics import Statistics
from workers.analysis.traces import trace

TRACES_MAX = 64  # channels; those with findings come first
TIME_MAX_S = 1e13  # 300,000 years; a time beyond was not read as one
PORTION_CELLS_MAX = 1_000_000
PORTION_ROWS_MIN = 4_096
KEPT_MOST = 0.5  # of the values keep a limit that may speak of another channel


class Watch:
    """What is followed row by row of one channel."""

    def __init__(self, limits: list[Bound]) -> None:
        self.plateaus = Plateaus()
        self.blanks = Blanks()
        self.excursions = [(limit.sure, Excursions(limit.limit, limit.bound, limit.sign)) for limit in limits]

    def take(self, times: Floats, values: Floats) -> None:
        self.plateaus.take(times, values)
        self.blanks.take(times, values)
        for _, each in self.excursions:
            each.take(times, values)

    def findings(self, scene: Scene, series: Series, kind: Nature, step: float, commanded: Floats) -> Iterator[Finding]:
        yield from self.blanks.findings(scene)
        for sure, each in self.excursions:
            if sure or each.inside >= KEPT_MOST * self.blanks.values:
                yield from each.findings(scene)
        if kind is Nature.MEASURED:
            plateaus = self.plateaus.finish()
            yield from stuck(plateaus, scene)
            yield from saturation(plateaus, scene)
            yield from spikes(series, scene, step)
            yield from level_steps(series, scene, step, commanded)
            yield from drift(series, scene)


class Course:
    """What is followed of the file as a whole."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.statistics = Statistics(tuple(channels))
        self.thinning = Thinning(len(channels))
        self.clock = Clock()
        self.rows = 0
        self.start, self.end = np.inf, -np.inf

    def take(self, block: Block) -> None:
        self.statistics.take(block)
        self.thinning.take(block)
        self.clock.take(block.times)
        self.rows += len(block.times)
        times = block.times[np.isfinite(block.times)]
        if len(times):
            self.start, self.end = min(self.start, float(times.min())), max(self.end, float(times.max()))


def examine(file_id: UUID, file_name: str, table: Table, limits: Sequence[Limit]) -> FileAnalysis:
    """Reads the table once, in bounded memory; a large one with short faults twice. The same table and limits give the same answer."""
    course = Course(table.channels)
    matched = bounds(table.channels, limits)
    watches = [Watch([bound for bound in matched if bound.channel == i]) for i in range(len(table.channels))]
    for block in table.blocks():
        for portion in _portions(block):
            course.take(portion)
            for i, watch in enumerate(watches):
                watch.take(portion.times, np.ascontiguousarray(portion.values[:, i]))
    series = course.thinning.series()
    findings, notes = _findings(file_id, table, course, watches, series)
    return FileAnalysis(
        file_id=file_id,
        file_name=file_name,
        format=table.format,
        rows=course.rows,
        start_s=finite(course.start),
        end_s=finite(course.end),
        start_at=table.axis.start if table.axis else None,
        has_times=table.axis is not None,
        notes=(*table.notes, *notes),
        channels=course.statistics.summaries(),
        findings=tuple(findings),
        traces=tuple(_traces(table.channels, series, findings)),
    )


def _portions(block: Block) -> Iterator[Block]:
    """A wide block in pieces, so that what is computed on the way stays small; absurd times as unread ones."""
    rows = max(PORTION_CELLS_MAX // max(block.values.shape[1], 1), PORTION_ROWS_MIN)
    for start in range(0, len(block.times), rows):
        times = block.times[start : start + rows]
        yield Block(np.where(np.abs(times) < TIME_MAX_S, times, np.nan), block.values[start : start + rows])


def _findings(file_id: UUID, table: Table, course: Course, watches: list[Watch], series: list[Series]) -> tuple[list[Finding], list[str]]:
    step_s, rows = course.clock.step_s(), series[0].rows if series else 1
    found = course.clock.findings(Scene(file_id, Channel("", ""), table.axis, step_s)) if table.axis else []
    known = [nature(each, channel.unit) for each, channel in zip(series, table.channels, strict=False)]
    commanded = commands(series, [kind for kind, _ in known])
    scenes = {channel.name: Scene(file_id, channel, table.axis, step_s) for channel in table.channels}
    steps = {channel.name: step for channel, (_, step) in zip(table.channels, known, strict=False)}
    for channel, watch, each, (kind, step) in zip(table.channels, watches, series, known, strict=False):
        found += watch.findings(scenes[channel.name], each, kind, step, commanded)
    findings, notes = told_once(found, step_s * rows)

    def again(name: str, excerpt: Series) -> list[Finding]:
        scene, step = scenes[name], steps[name]
        return [*spikes(excerpt, scene, step), *level_steps(excerpt, scene, step, commanded)]

    findings = refined(findings, table, step_s, rows, again)
    if table.axis and course.clock.is_coarse():
        notes.append("many times repeat: the clock counts in steps longer than the time between two rows")
    return findings, notes


def _traces(channels: Sequence[Channel], series: list[Series], findings: list[Finding]) -> list[Trace]:
    """In the order of the channels."""
    told = {finding.channel for finding in findings}
    order = sorted(range(len(series)), key=lambda i: channels[i].name not in told)[:TRACES_MAX]
    return [trace(channels[i], series[i]) for i in sorted(order)]
