"""The parts of a report on its sources: each file's channels in figures, what was not analysed, and where everything comes from."""

from collections.abc import Iterator
from datetime import timedelta

from workers.analysis import figures
from workers.analysis.analysis import Analysis, LocalFile
from workers.analysis.findings import ChannelSummary, FileAnalysis
from workers.analysis.plain import escaped
from workers.analysis.tables import items, table

FILE_BYTES_MAX = 12_000
FILES_BYTES_MAX = 50_000
UNREAD_BYTES_MAX = 10_000
SOURCES_BYTES_MAX = 20_000
NAME_MAX = 80  # characters
TEXT_MAX = 300
QUANTILES_MAX = 5
UNITS = ["", "Unit", "Values", "Missing", "Gaps", "Min", "Mean", "Max", "Std"]


def files(analysis: Analysis) -> list[str]:
    """Files with findings first; those for which there is no room are named only."""
    read = [f for f in analysis.files if f.failure is None]
    worst = {cited.finding.file_id: n for n, cited in reversed(list(enumerate(analysis.findings)))}
    lines: list[str] = []
    free, unshown = FILES_BYTES_MAX, 0
    for file in sorted(read, key=lambda f: worst.get(f.file_id, len(worst))):
        section = list(_file(file))
        free -= sum(len(line.encode()) + 1 for line in section)
        if free < 0:
            unshown += 1
        else:
            lines += section
    more = [f"*{figures.counted(unshown, 'more file')} analysed; their figures are left out for length.*", ""] if unshown else []
    return ["## Data files", "", *lines, *more] if read else []


def not_analysed(analysis: Analysis) -> list[str]:
    unread = [f"{escaped(f.file_name, NAME_MAX)}: {escaped(f.failure, TEXT_MAX)}" for f in analysis.files if f.failure is not None]
    return ["## Not analysed", "", *items(unread, UNREAD_BYTES_MAX)] if unread else []


def provenance(analysis: Analysis) -> list[str]:
    subject = analysis.subject
    about = f"Run {escaped(subject.run.test_run_id)} at version {subject.run_version}, scope {subject.scope}."
    made = ", ".join(f"{escaped(tool.part)} {escaped(tool.version)}" for tool in analysis.tools)
    lines = ["## Provenance", "", f"{about} Made by {made}. The same run and files give the same report.", ""]
    if context := escaped(subject.analysis_context, TEXT_MAX):
        lines += [f"Context given: \N{LEFT DOUBLE QUOTATION MARK}{context}\N{RIGHT DOUBLE QUOTATION MARK}", ""]
    rows = (_source(file) for file in analysis.sources)
    sources = table(["File", "Size", "SHA-256", "S3 version"], "lrll", rows, SOURCES_BYTES_MAX) if analysis.sources else []
    return [*lines, *sources]


def _source(file: LocalFile) -> tuple[str, ...]:
    digest = f"`{escaped(file.sha256)}`" if file.sha256 else figures.NONE
    return escaped(file.file_name, NAME_MAX), figures.size(file.file_size), digest, escaped(file.s3_version_id or "none", NAME_MAX)


def _file(file: FileAnalysis) -> Iterator[str]:
    yield from [f"### {escaped(file.file_name, NAME_MAX)}", ""]
    facts = [escaped(file.format, NAME_MAX), figures.counted(file.rows, "row"), *_span(file)]
    notes = f" Read with: {', '.join(escaped(note, TEXT_MAX) for note in file.notes)}." if file.notes else ""
    yield from [f"{', '.join(filter(None, facts))}.{notes}", ""]
    if file.channels:
        shares = sorted({share for channel in file.channels for share in channel.quantiles}, key=float)[:QUANTILES_MAX]
        header = [*UNITS, *("Median" if float(share) == 0.5 else f"{100 * float(share):.4g} %" for share in shares)]
        yield from table(header, "ll" + "r" * (len(header) - 2), (_channel(c, shares) for c in file.channels), FILE_BYTES_MAX)


def _span(file: FileAnalysis) -> Iterator[str]:
    if file.start_s is None or file.end_s is None or not file.has_times:
        return
    if file.start_at is not None:
        start = file.start_at + timedelta(seconds=file.start_s)
        end = file.start_at + timedelta(seconds=file.end_s)
        yield f"{figures.moment(start)} to {figures.moment(end)} UTC"
    yield figures.duration(file.end_s - file.start_s)


def _channel(channel: ChannelSummary, shares: list[str]) -> tuple[str, ...]:
    values = [channel.minimum, channel.mean, channel.maximum, channel.std, *(channel.quantiles.get(share) for share in shares)]
    counts = [str(channel.count), str(channel.missing), str(channel.gaps)]
    return escaped(channel.name, NAME_MAX), escaped(channel.unit, NAME_MAX), *counts, *map(figures.number, values)
