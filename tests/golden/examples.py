"""What each golden file must be read as. Every member has a value of its own, so that a lost one shows.

A new event or a new schema number: write its example here, then `python -m tests.golden.missing` writes its file.
"""

from datetime import UTC, datetime
from uuid import UUID

from domain.assets import AssetCreated, AssetDeleted, AssetEdited, AssetRestored
from domain.card_templates import (
    CardTemplateCreated,
    CardTemplateDeleted,
    CardTemplateEdited,
    CardTemplateRestored,
    TemplateStep,
)
from domain.cards import CardAdded, CardDeleted, CardEdited, CardMoved, CardRestored, StepsReordered
from domain.data_files import FileAssociated, FileDeleted, FileDissociated, FileRegistered, FileRestored, FileVerified
from domain.events import Event, name_of
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.issues import IssueCreated, IssueDeleted, IssueEdited, IssueRestored, IssueStatus, Priority
from domain.observations import ObservationDeleted, ObservationEdited, ObservationRecorded
from domain.reports import InputFile, ReportCancelled, ReportCompleted, ReportFailed, ReportRequested, ReportStarted, Scope, Tool
from domain.runs import (
    CardsReordered,
    RunAssetsChanged,
    RunClosed,
    RunCreated,
    RunDeleted,
    RunEdited,
    RunReopened,
    RunRestored,
)
from domain.steps import ExecutionStatus, StepAdded, StepDeleted, StepEdited, StepMoved, StepOutcomeRecorded, StepRestored
from domain.systems import SystemCreated, SystemDeleted, SystemEdited, SystemRestored
from domain.tokens import Role, TokenIssued, TokenRevoked
from infra import mapper

IDS = tuple(UUID(f"018f4e2a-7c1b-7d3e-9f00-00000000000{n}") for n in range(10))
AT, LATER = datetime(2026, 4, 13, 11, 0, 0, 250_001, UTC), datetime(2026, 4, 13, 11, 5, tzinfo=UTC)
TEXT = 'Überspannung "13 V"\n\\ 🔋'
STEPS = (TemplateStep(title="Apply 13 V", description=TEXT, step_type="passfail"), TemplateStep(title="Wait"))
INPUTS = (InputFile(file_id=IDS[1], s3_etag='"9b2c"', s3_version_id="v1", sha256="0" * 64),)

NEWEST: tuple[Event, ...] = (
    RunCreated(number=42, title=TEXT, description="d", system_id=IDS[1], asset_ids=IDS[2:4]),
    RunEdited(title=TEXT),
    RunAssetsChanged(asset_ids=IDS[1:3]),
    RunClosed(reason=TEXT),
    RunReopened(reason=TEXT),
    RunDeleted(),
    RunRestored(),
    CardsReordered(card_ids=IDS[1:4]),
    CardAdded(title=TEXT, description="d", order=3, template_id=IDS[1], template_version=2),
    CardEdited(description=TEXT),
    CardMoved(order=4),
    CardDeleted(),
    CardRestored(),
    StepsReordered(step_ids=IDS[1:4]),
    StepAdded(card_id=IDS[1], title=TEXT, description="d", step_type="passfail", order=5),
    StepEdited(title=TEXT, description=""),
    StepMoved(order=6),
    StepOutcomeRecorded(status=ExecutionStatus.PASSED_WITH_EXCEPTION, exception=TEXT, started_at=AT, ended_at=LATER),
    StepDeleted(),
    StepRestored(),
    ObservationRecorded(step_id=IDS[1], text=TEXT, observed_at=AT),
    ObservationEdited(text=TEXT, observed_at=LATER),
    ObservationDeleted(),
    FileRegistered(
        file_name=TEXT, s3_url="s3://runledger/a/b.csv", file_size=204_800, content_type="text/csv", s3_version_id="v1", s3_etag='"9b2c"'
    ),
    FileVerified(sha256="0" * 64),
    FileAssociated(card_id=IDS[1], step_id=IDS[2]),
    FileDissociated(card_id=IDS[1], step_id=IDS[2]),
    FileDeleted(),
    FileRestored(),
    ReportRequested(
        title=TEXT, scope=Scope.STEP, job_run_id=IDS[1], card_id=IDS[2], step_id=IDS[3], analysis_context="c", file_ids=IDS[1:3],
        issue_ids=IDS[3:4],
    ),
    ReportStarted(attempt=1, run_version=7, files=INPUTS),
    ReportCompleted(attempt=1, run_version=7, summary="s", content="# c", files=INPUTS, tools=(Tool("analysis", "1"),)),
    ReportFailed(attempt=3, reason="r"),
    ReportCancelled(),
    IssueLinked(issue_id=IDS[1]),
    IssueUnlinked(issue_id=IDS[1]),
    SystemCreated(system_name=TEXT, description="d"),
    SystemEdited(system_name=TEXT, description=None),
    SystemDeleted(),
    SystemRestored(),
    AssetCreated(name=TEXT, serial_number="s", part_number="p", revision="r", system_id=IDS[1], description="d"),
    AssetEdited(name=TEXT, serial_number=None, part_number="p", revision="r", system_id=IDS[1], description="d"),
    AssetDeleted(),
    AssetRestored(),
    IssueCreated(
        title=TEXT, description=({"type": "p", "children": [1, 2.5, None]},), status=IssueStatus.IN_PROGRESS, priority=Priority.HIGH,
        tags=("a", "b"), owner="Ada", resolution_summary="r", attachment_ids=IDS[1:2], session_ids=IDS[2:4], system_id=IDS[4],
    ),
    IssueEdited(
        title=TEXT, description=({"type": "p"},), status=IssueStatus.RESOLVED, priority=Priority.MEDIUM, tags=(), owner="Ada",
        resolution_summary=None, attachment_ids=IDS[1:2], session_ids=(), system_id=None,
    ),
    IssueDeleted(),
    IssueRestored(),
    CardTemplateCreated(title=TEXT, description="d", steps=STEPS, system_id=IDS[1]),
    CardTemplateEdited(title=TEXT, description="d", steps=STEPS[:1], system_id=None),
    CardTemplateDeleted(),
    CardTemplateRestored(),
    TokenIssued(
        key="Ab3dEf6h", secret_sha256="0" * 64, name=TEXT, role=Role.AUDITOR, owner_id=IDS[1], system_ids=IDS[2:3], project_ids=("proj_1",),
        expires_at=LATER,
    ),
    TokenRevoked(),
)  # fmt: skip

# What a stored event of an older schema number is read as today.
OLDER: dict[tuple[str, int], Event] = {
    ("test_run.edited", 1): RunEdited(description=TEXT),
    ("card.edited", 1): CardEdited(title=TEXT, description=""),
    ("step.edited", 1): StepEdited(title=TEXT),
}

EXPECTED: dict[tuple[str, int], Event] = {**OLDER, **{(name_of(event), mapper.number_of(event)): event for event in NEWEST}}
