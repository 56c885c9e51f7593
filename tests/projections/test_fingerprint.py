"""A projector that writes something else makes other views: their fingerprint must tell."""

import hashlib
from uuid import UUID

import msgspec

from domain.cards import CardAdded, CardDeleted, CardEdited, CardMoved, CardRestored, StepsReordered
from domain.data_files import FileAssociated, FileDeleted, FileDissociated, FileRegistered, FileRestored, FileVerified
from domain.events import Event, name_of
from domain.facts import Kind
from domain.issue_links import IssueLinked
from domain.observations import ObservationDeleted, ObservationEdited, ObservationRecorded
from domain.reports import InputFile, ReportCompleted, ReportFailed, ReportRequested, ReportStarted, Scope
from domain.runs import CardsReordered, RunAssetsChanged, RunClosed, RunCreated, RunDeleted, RunEdited, RunReopened, RunRestored
from domain.steps import ExecutionStatus, StepAdded, StepDeleted, StepEdited, StepMoved, StepOutcomeRecorded, StepRestored
from infra import mapper
from infra.replay import Stored
from projections import views
from projections.fold import Fold

RUN, CARD, OTHER, STEP, NEXT, SEEN, ISSUE, ACTOR, MATE, FILE, REPORT, FAILED = (
    UUID(f"018f4e2a-7c1b-7d3e-9f00-0000000000{n:02}") for n in range(1, 13)
)
INPUTS = (InputFile(file_id=FILE, s3_etag="e"),)
PASSED = StepOutcomeRecorded(status=ExecutionStatus.PASSED)

STORY: list[tuple[Kind, UUID, Event]] = [
    (Kind.RUN, RUN, RunCreated(number=7, title="Run", description="", system_id=ISSUE)),
    (Kind.RUN, RUN, RunEdited(title="Renamed")),
    (Kind.RUN, RUN, RunAssetsChanged(asset_ids=(ISSUE,))),
    (Kind.RUN, RUN, IssueLinked(issue_id=ISSUE)),
    (Kind.CARD, CARD, CardAdded(title="Card", description="", order=1)),
    (Kind.CARD, OTHER, CardAdded(title="Other", description="", order=2, template_id=ISSUE, template_version=3)),
    (Kind.CARD, CARD, CardEdited(description="d")),
    (Kind.CARD, CARD, CardMoved(order=4)),
    (Kind.CARD, CARD, IssueLinked(issue_id=ISSUE)),
    (Kind.STEP, STEP, StepAdded(card_id=CARD, title="Step", description="", step_type="passfail", order=1)),
    (Kind.STEP, NEXT, StepAdded(card_id=CARD, title="Next", description="", step_type="checklist", order=2)),
    (Kind.STEP, STEP, StepEdited(title="Apply 13 V")),
    (Kind.STEP, STEP, StepMoved(order=3)),
    (Kind.STEP, STEP, PASSED),
    (Kind.STEP, NEXT, StepOutcomeRecorded(status=ExecutionStatus.PASSED_WITH_EXCEPTION, exception="late")),
    (Kind.STEP, STEP, IssueLinked(issue_id=ISSUE)),
    (Kind.OBSERVATION, SEEN, ObservationRecorded(step_id=STEP, text="smoke")),
    (Kind.OBSERVATION, SEEN, ObservationEdited(text="no smoke")),
    (Kind.OBSERVATION, SEEN, ObservationDeleted()),
    (
        Kind.FILE,
        FILE,
        FileRegistered(file_name="a.csv", s3_url="s3://b/a.csv", file_size=9, content_type="text/csv", s3_version_id=None, s3_etag="e"),
    ),
    (Kind.FILE, FILE, FileAssociated(card_id=CARD)),
    (Kind.FILE, FILE, FileAssociated(card_id=CARD, step_id=STEP)),
    (Kind.FILE, FILE, FileDissociated(card_id=CARD)),
    (Kind.FILE, FILE, FileVerified(sha256="00")),
    (Kind.FILE, FILE, FileDeleted()),
    (Kind.FILE, FILE, FileRestored()),
    (
        Kind.REPORT,
        REPORT,
        ReportRequested(title="Run Analysis", scope=Scope.STEP, job_run_id=ACTOR, card_id=CARD, step_id=STEP, file_ids=(FILE,)),
    ),
    (Kind.REPORT, REPORT, ReportStarted(attempt=1, run_version=30, files=INPUTS)),
    (Kind.REPORT, REPORT, ReportStarted(attempt=2, run_version=31, files=INPUTS)),
    (Kind.REPORT, REPORT, ReportCompleted(attempt=2, run_version=31, summary="s", content="c", files=INPUTS)),
    (Kind.REPORT, REPORT, IssueLinked(issue_id=ISSUE)),
    (Kind.REPORT, FAILED, ReportRequested(title="Card Analysis", scope=Scope.CARD, job_run_id=MATE, card_id=CARD)),
    (Kind.REPORT, FAILED, ReportFailed(attempt=3, reason="gone")),
    (Kind.RUN, RUN, CardsReordered(card_ids=(OTHER, CARD))),
    (Kind.CARD, CARD, StepsReordered(step_ids=(NEXT, STEP))),
    (Kind.CARD, CARD, CardDeleted()),
    (Kind.CARD, CARD, CardRestored()),
    (Kind.STEP, NEXT, StepDeleted()),
    (Kind.CARD, CARD, CardDeleted()),
    (Kind.CARD, CARD, CardRestored()),
    (Kind.STEP, NEXT, StepRestored()),
    (Kind.RUN, RUN, RunClosed()),
    (Kind.RUN, RUN, RunReopened(reason="more")),
    (Kind.RUN, RUN, RunDeleted()),
    (Kind.RUN, RUN, RunRestored()),
]

# fingerprint -> SHA-256 of the rows that the story gives. A new digest under an old fingerprint: raise views.VERSION.
ROWS = {"ee763fea0735162c": "83d919f473ac3c14dd8edbc1b5d99045f11b0c220b99012da2023ea42fb1cdbc"}


def told() -> list[Stored]:
    versions: dict[UUID, int] = {}
    lines = []
    for wide, (kind, stream, event) in enumerate(STORY, 1):
        versions[stream] = versions.get(stream, 0) + 1
        at, actor = f"2026-04-13 11:00:{wide:02d}+00", ACTOR if wide % 5 else MATE
        state = msgspec.Raw(mapper.encode(event))
        lines.append(Stored(stream, versions[stream], RUN, wide, kind, name_of(event), mapper.number_of(event), at, state, actor))
    return lines


def test_other_rows_have_another_fingerprint() -> None:
    fold = Fold()
    fold.apply(told())
    rows = {name: sorted(msgspec.json.encode(row, order="sorted") for row in table.values()) for name, table in fold.rows.items()}
    digest = hashlib.sha256(msgspec.json.encode(rows)).hexdigest()
    assert {views.fingerprint(): digest} == ROWS
