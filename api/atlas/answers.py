"""What Atlas answers with, written down for the API document; PostgreSQL makes the answers themselves."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from api.atlas.file_answers import DataFile, Report, ReportSummary
from api.atlas.linked_answers import IssueReference
from api.openapi.envelopes import Stamp
from domain.steps import ExecutionStatus

RunNumber = Annotated[
    str, Meta(description="The number of the run for people, without gaps.", pattern=r"^TR-\d{4,}$", examples=["TR-0042"])
]
Share = Annotated[float, Meta(ge=0, le=1, description="Share of steps that are not `todo`, from 0 to 1, not rounded; 0.0 without steps.")]
Position = Annotated[int, Meta(ge=1, description="Lists sort by this, then by `created_at`, then by `uuid`.")]
Contributors = Annotated[list[str], Meta(description="The creator, then everyone who changed the run or anything in it.")]
RunStatus = Annotated[str, Meta(description="`open` or `closed`.", pattern="^(open|closed)$")]


class Observation(msgspec.Struct):
    """A note of what was seen at a step."""

    uuid: UUID
    text: str
    observed_at: Annotated[Stamp | None, Meta(description="As claimed by the client.")]
    created_by: str
    created_at: Stamp
    updated_at: Stamp


class Step(msgspec.Struct):
    """One thing to do or check, with its outcome."""

    uuid: UUID
    title: str
    description: str
    order: Position
    step_type: Annotated[str, Meta(description="One of the deployment's step types.", examples=["passfail"])]
    execution_status: ExecutionStatus
    exception: Annotated[str | None, Meta(description="Only with `passed_with_exception`.")]
    started_at: Annotated[Stamp | None, Meta(description="As claimed by the client.")]
    ended_at: Annotated[Stamp | None, Meta(description="As claimed by the client.")]
    observations: Annotated[list[Observation], Meta(description="Oldest first.")]
    test_data: Annotated[list[DataFile], Meta(description="Files associated with this step.")]
    issues: Annotated[list[IssueReference], Meta(description="Linked to the step itself.")]
    reports: Annotated[list[ReportSummary], Meta(description="Reports on this step, newest first.")]
    created_at: Stamp
    updated_at: Stamp


class Card(msgspec.Struct):
    """A group of steps."""

    uuid: UUID
    title: str
    description: str
    order: Position
    test_steps: Annotated[list[Step], Meta(description="Live steps by `order`.")]
    issues: Annotated[list[IssueReference], Meta(description="Linked to the card itself.")]
    test_data: Annotated[list[DataFile], Meta(description="Files associated with the card or a step of it.")]
    reports: Annotated[list[ReportSummary], Meta(description="Reports on the card or a step of it, newest first.")]
    created_at: Stamp
    updated_at: Annotated[Stamp, Meta(description="Latest change of the card, its steps, links or reports.")]
    template_id: Annotated[UUID | None, Meta(description="The template that the card was made from.")]
    template_version: Annotated[int | None, Meta(description="Pinned when the card was made.")]


class Run(msgspec.Struct):
    """A test run with everything in it."""

    uuid: UUID
    test_run_id: RunNumber
    title: str
    description: Annotated[str, Meta(description='May be `""`.')]
    system_id: UUID
    system_name: Annotated[str, Meta(description="The system's name today, also when it was deleted.")]
    test_cards: Annotated[list[Card], Meta(description="Live cards by `order`.")]
    test_data: Annotated[list[DataFile], Meta(description="All live files, oldest first.")]
    reports: Annotated[list[Report], Meta(description="All reports of any scope, newest first.")]
    contributors: Contributors
    created_by: str
    created_at: Stamp
    updated_at: Annotated[Stamp, Meta(description="Latest event anywhere in the run.")]
    status: RunStatus
    closed_at: Stamp | None
    asset_ids: Annotated[list[UUID], Meta(description="In the order given.")]
    issues: Annotated[list[IssueReference], Meta(description="Linked to the run itself.")]


class RunSummary(msgspec.Struct):
    """A test run in a list."""

    uuid: UUID
    test_run_id: RunNumber
    title: str
    system_id: UUID
    system_name: str
    completion_pct: Share
    step_status_counts: Annotated[dict[str, int], Meta(description="Steps by status; only statuses that occur.")]
    contributors: Contributors
    asset_names: Annotated[list[str], Meta(description="Linked assets in the order given, also deleted ones.")]
    asset_count: int
    issue_count: Annotated[int, Meta(description="Distinct live issues linked to the run, its cards or its steps.")]
    card_count: int
    file_count: int
    report_count: int
    created_by: str
    created_at: Stamp
    updated_at: Stamp
    status: RunStatus
