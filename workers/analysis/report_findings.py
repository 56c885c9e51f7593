"""The part of a report on what was found: a table, a sentence for each finding, and pictures of the channels around them."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from workers.analysis import figures, plots
from workers.analysis.analysis import Analysis
from workers.analysis.correlation import Cited
from workers.analysis.findings import FileAnalysis, Finding, FindingKind, Limit, Severity, Trace
from workers.analysis.plain import escaped
from workers.analysis.plots import Mark, Plot, Window
from workers.analysis.subject import NumberedStep
from workers.analysis.tables import items, named, table

TABLE_BYTES_MAX = 40_000
SENTENCES_BYTES_MAX = 40_000
PLOTS_MAX = 12
NAME_MAX = 80  # characters
TEXT_MAX = 300
STEPS_MAX = 2  # named of a finding
HEADER = ["", "Severity", "File", "Channel", "When", "Value", "Limit", "Step", "Detector"]


def findings(analysis: Analysis) -> list[str]:
    told = [(n, c) for n, c in enumerate(analysis.findings, 1) if c.finding.kind is not FindingKind.UNREADABLE_FILE]
    if not told:
        return []
    steps = {s.step.uuid: s for s in analysis.subject.steps()}
    timed = {file.file_id for file in analysis.files if file.has_times}
    rows = (_row(number, cited, steps, has_times=cited.finding.file_id in timed) for number, cited in told)
    sentences = (_sentence(number, cited) for number, cited in told)
    lines = ["## Findings", "", *table(HEADER, "lllllrrll", rows, TABLE_BYTES_MAX), *items(sentences, SENTENCES_BYTES_MAX)]
    return [*lines, *_pictures(analysis)]


def _row(number: int, cited: Cited, steps: dict[UUID, NumberedStep], *, has_times: bool) -> tuple[str, ...]:
    finding = cited.finding
    return (
        f"F{number}",
        f"**{finding.severity}**" if finding.severity is Severity.BREACH else str(finding.severity),
        escaped(cited.file_name, NAME_MAX),
        escaped(finding.channel, NAME_MAX),
        _when(finding) if has_times else _rows(finding),
        escaped(figures.quantity(finding.value, finding.unit), NAME_MAX) if finding.channel else "",
        escaped(_bound(finding.limit), NAME_MAX) if finding.limit else "",
        _during(cited, steps),
        escaped(finding.detector, NAME_MAX),
    )


def _when(finding: Finding) -> str:
    if finding.start_s is None:
        return ""
    start = figures.quantity(finding.start_s, "s") if finding.start_at is None else figures.moment(finding.start_at)
    length = (finding.end_s or finding.start_s) - finding.start_s
    return f"{start}, {figures.duration(length)}" if length > 0 else start


def _rows(finding: Finding) -> str:
    """Of a file without times."""
    if finding.start_s is None:
        return ""
    last = finding.start_s if finding.end_s is None else finding.end_s
    return f"row {finding.start_s:.0f}" if last <= finding.start_s else f"rows {finding.start_s:.0f} to {last:.0f}"


def _bound(limit: Limit) -> str:
    parts = [
        f"min {figures.quantity(limit.low, limit.unit)}" if limit.low is not None else "",
        f"max {figures.quantity(limit.high, limit.unit)}" if limit.high is not None else "",
        f"within {figures.duration(limit.within_s)}" if limit.within_s is not None else "",
    ]
    return ", ".join(filter(None, parts))


def _during(cited: Cited, steps: dict[UUID, NumberedStep]) -> str:
    numbers = [steps[step_id].number for step_id in cited.step_ids[:STEPS_MAX]]
    unnamed = len(cited.step_ids) - len(numbers) + cited.more_steps
    return ", ".join(numbers) + (f" +{unnamed}" if unnamed else "") + ("" if cited.by_time or not numbers else " (file)")


def _sentence(number: int, cited: Cited) -> str:
    finding = cited.finding
    said = [f"**F{number}** {escaped(finding.text.rstrip('.'), TEXT_MAX)}."]
    if finding.limit is not None and finding.limit.source:
        wording = f"\N{LEFT DOUBLE QUOTATION MARK}{escaped(finding.limit.text, TEXT_MAX)}\N{RIGHT DOUBLE QUOTATION MARK} in "
        said.append(f"Limit: {wording if finding.limit.text else ''}{escaped(finding.limit.source, TEXT_MAX)}.")
    if cited.outside:
        said.append("It lies outside the time of the step whose limit this is.")
    return " ".join(said)


def _pictures(analysis: Analysis) -> Iterator[str]:
    """At most PLOTS_MAX, those of the worst findings first."""
    drawn = 0
    for file, trace, marks in _marked_traces(analysis):
        plot = Plot(trace, marks, _windows(analysis, file), file.start_at, file.has_times)
        picture = plots.drawn(plot)
        if picture is None:
            continue
        drawn += 1
        name, channel = escaped(file.file_name, NAME_MAX), escaped(trace.channel, NAME_MAX)
        yield from [picture, "", f"*Figure {drawn}: {channel} in {name}, with {named([mark.number for mark in marks])}.*", ""]
        if drawn == PLOTS_MAX:
            return


def _marked_traces(analysis: Analysis) -> Iterator[tuple[FileAnalysis, Trace, list[Mark]]]:
    """What concerns a file as a whole is marked at each of its channels."""
    files = {file.file_id: file for file in analysis.files}
    marked: dict[tuple[UUID, str], list[Mark]] = {}
    for number, cited in enumerate(analysis.findings, 1):
        marked.setdefault((cited.finding.file_id, cited.finding.channel), []).append(Mark(number, cited.finding))
    for (file_id, channel), marks in marked.items():
        own = [*marks, *marked.get((file_id, ""), [])]
        yield from ((files[file_id], trace, own) for trace in files[file_id].traces if trace.channel == channel)


def _windows(analysis: Analysis, file: FileAnalysis) -> list[Window]:
    """The times of the steps on the file's axis, where it has calendar time."""
    if file.start_at is None:
        return []
    spans = [(s.number, s.step.started_at, s.step.ended_at) for s in analysis.subject.steps()]
    second = timedelta(seconds=1)
    return [Window(n, (start - file.start_at) / second, (end - file.start_at) / second) for n, start, end in spans if start and end]
