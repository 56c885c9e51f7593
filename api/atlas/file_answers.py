"""Data files and reports as they stand inside runs, cards and steps."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.atlas.linked_answers import IssueReference
from api.openapi.envelopes import Stamp

Scope = Annotated[str, Meta(description="`run`, `card` or `step`.", pattern="^(run|card|step)$")]
Progress = Annotated[
    str,
    Meta(
        description="`pending`, `running`, then one of `completed`, `failed`, `cancelled`.",
        pattern="^(pending|running|completed|failed|cancelled)$",
    ),
]


class Association(msgspec.Struct):
    """What a file belongs to."""

    test_card_id: UUID
    test_step_id: Annotated[UUID | None, Meta(description="Null: the card as a whole.")]


class DataFile(msgspec.Struct):
    """A file in S3, as it was registered."""

    uuid: UUID
    file_name: str
    s3_url: str
    file_size: Annotated[int, Meta(description="Bytes.")]
    content_type: str
    uploaded_by: str
    created_at: Annotated[Stamp, Meta(description="When it was registered.")]
    associations: Annotated[list[Association], Meta(description="Live cards and steps, oldest first.")]
    s3_version_id: Annotated[str | None, Meta(description="Pinned at registration; null where the bucket keeps none.")]
    s3_etag: Annotated[str, Meta(description="Pinned at registration.")]
    sha256: Annotated[str | None, Meta(description="Hexadecimal; null until the object has been read once.")]


class ReportSummary(msgspec.Struct):
    """A report inside a card or step."""

    uuid: UUID
    title: str
    scope: Scope
    status: Progress
    summary: str
    created_at: Stamp


class Report(msgspec.Struct):
    """An analysis of a run, card or step."""

    uuid: UUID
    title: Annotated[str, Meta(description="Fixed when the report was requested.")]
    scope: Scope
    status: Progress
    content: Annotated[str, Meta(description='Markdown; `""` until completed.')]
    summary: Annotated[str, Meta(description='`""` until completed.', max_length=500)]
    issues: list[IssueReference]
    test_data: Annotated[list[DataFile], Meta(description="Files in scope when the report was requested.")]
    job_run_id: UUID | None
    created_by: str
    created_at: Stamp
    test_card_id: UUID | None
    test_step_id: UUID | None
    manifest: Annotated[dict[str, Any] | None, Meta(description="The run version and the files that were read; null until running.")]
    completed_at: Stamp | None
    failure_reason: str | None


class JobRun(msgspec.Struct):
    """The work behind a report."""

    uuid: UUID
    job_type: Annotated[str, Meta(pattern="^test_run_report$")]
    status: Progress
    test_run_id: Annotated[UUID, Meta(description="The run's UUID.")]
    report_id: UUID
    attempt: Annotated[int, Meta(ge=0, le=3, description="How often the work was begun.")]
    created_at: Stamp
    started_at: Stamp | None
    ended_at: Stamp | None
    error: Annotated[str | None, Meta(description="Why the report failed.")]
