"""An analysis: every file read, and what was found held against what the run says was done."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.reports import Tool
from workers.analysis import correlation, scoped_limits
from workers.analysis.bounds import Bounds
from workers.analysis.correlation import RANKS, Cited
from workers.analysis.detectors import blanks, clock, drift, excursions, saturation, spikes, steps, stuck
from workers.analysis.examining import examine
from workers.analysis.findings import FileAnalysis, Finding, FindingKind, Severity, Trace
from workers.analysis.readers.opening import open_table
from workers.analysis.signals import Unreadable
from workers.analysis.subject import Subject

VERSION = "analysis/1"
OPENING = "opening/1"
TOOLS = (
    *(VERSION, OPENING, excursions.NAME, steps.NAME, spikes.NAME, drift.NAME, stuck.NAME, saturation.NAME),
    *(blanks.NAME, clock.GAPS, clock.DISORDER),
)
TRACES_MAX = 12  # kept of each severity, over all files: a report draws no more


class LocalFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file in scope as it lies here. Without a path it was not fetched, and `absence` says why."""

    file_id: UUID
    file_name: str
    path: str | None = None
    absence: str = ""
    content_type: str = "application/octet-stream"
    file_size: int = 0
    sha256: str | None = None
    s3_etag: str = ""
    s3_version_id: str | None = None


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report says. `findings` are those of every file, worst first; a finding's number is its place, from 1."""

    subject: Subject
    sources: tuple[LocalFile, ...] = ()
    files: tuple[FileAnalysis, ...] = ()
    findings: tuple[Cited, ...] = ()
    tools: tuple[Tool, ...] = ()


def analyse(subject: Subject, files: Sequence[LocalFile], bounds: Bounds) -> Analysis:
    """Same subject, files and bounds, same analysis. A file that cannot be read is a finding; an `OSError` is a failure of ours."""
    kept = Counter[int]()
    analyses = tuple(_with_few_traces(_file_analysis(subject, file, bounds), kept) for file in files)
    findings = correlation.cited(subject, analyses)
    tools = tuple(Tool(*tool.split("/")) for tool in TOOLS)
    return Analysis(subject=subject, sources=tuple(files), files=analyses, findings=findings, tools=tools)


def _file_analysis(subject: Subject, file: LocalFile, bounds: Bounds) -> FileAnalysis:
    if file.path is None:
        return _unreadable(file, file.absence)
    try:
        table = open_table(Path(file.path), file.file_name, file.content_type, bounds)
        return examine(file.file_id, file.file_name, table, scoped_limits.of_file(subject, file.file_id))
    except Unreadable as unreadable:
        return _unreadable(file, str(unreadable))


def _unreadable(file: LocalFile, why: str) -> FileAnalysis:
    finding = Finding(kind=FindingKind.UNREADABLE_FILE, severity=Severity.NOTE, file_id=file.file_id, detector=OPENING, text=why)
    return FileAnalysis(file_id=file.file_id, file_name=file.file_name, findings=(finding,), failure=why)


def _with_few_traces(file: FileAnalysis, kept: Counter[int]) -> FileAnalysis:
    """Without the traces that no report will draw, so that thousands of files take no more memory than a few."""
    return replace(file, traces=tuple(_drawn(file, kept)))


def _drawn(file: FileAnalysis, kept: Counter[int]) -> Iterator[Trace]:
    for trace in file.traces:
        rank = min((RANKS[f.severity] for f in file.findings if f.channel == trace.channel), default=None)
        if rank is not None and kept[rank] < TRACES_MAX:
            kept[rank] += 1
            yield trace
