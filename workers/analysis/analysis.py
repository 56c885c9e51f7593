"""An analysis: every file read, and what was found held against what the run says was done."""

from uuid import UUID

import msgspec

from domain.reports import Tool
from workers.analysis.correlation import Cited
from workers.analysis.findings import FileAnalysis
from workers.analysis.subject import Subject


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
