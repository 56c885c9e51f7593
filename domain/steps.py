"""Test steps: what was to be done, and with which outcome it was done."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain.events import Event
from domain.issue_links import IssueLinked, IssueUnlinked, link_issue, unlink_issue
from domain.refusals import FieldError, Invalid, NotFound, StateConflict


class ExecutionStatus(StrEnum):
    TODO = "todo"
    DONE = "done"
    PASSED = "passed"
    PASSED_WITH_EXCEPTION = "passed_with_exception"
    FAILED = "failed"


class StepAdded(Event, frozen=True, tag="step.added"):
    card_id: UUID
    title: str
    description: str
    step_type: str
    order: int


class StepEdited(Event, frozen=True, tag="step.edited"):
    """Only the members that changed are set; None means unchanged."""

    title: str | None = None
    description: str | None = None


class StepMoved(Event, frozen=True, tag="step.moved"):
    order: int


class StepOutcomeRecorded(Event, frozen=True, tag="step.outcome_recorded"):
    """The whole outcome as it stands after the recording; the times are the client's claims."""

    status: ExecutionStatus
    exception: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


class StepDeleted(Event, frozen=True, tag="step.deleted"):
    pass


class StepRestored(Event, frozen=True, tag="step.restored"):
    pass


class Step(msgspec.Struct, frozen=True, kw_only=True):
    card_id: UUID
    title: str
    description: str
    status: ExecutionStatus = ExecutionStatus.TODO
    exception: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    issue_ids: tuple[UUID, ...] = ()
    deleted: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller wants recorded; UNSET leaves a member as it is."""

    status: ExecutionStatus | UnsetType = UNSET
    exception: str | None | UnsetType = UNSET
    started_at: datetime | None | UnsetType = UNSET
    ended_at: datetime | None | UnsetType = UNSET


def evolve(step: Step | None, event: Event) -> Step | None:
    if step is None:
        return _begin(event)
    match event:
        case StepEdited(title=title, description=description):
            return replace(
                step,
                title=step.title if title is None else title,
                description=step.description if description is None else description,
            )
        case StepOutcomeRecorded():
            return replace(step, status=event.status, exception=event.exception, started_at=event.started_at, ended_at=event.ended_at)
        case StepDeleted():
            return replace(step, deleted=True)
        case StepRestored():
            return replace(step, deleted=False)
        case IssueLinked() | IssueUnlinked():
            return replace(step, issue_ids=(link_issue if isinstance(event, IssueLinked) else unlink_issue)(step.issue_ids, event.issue_id))
    return step


def _begin(event: Event) -> Step | None:
    match event:
        case StepAdded():
            return Step(card_id=event.card_id, title=event.title, description=event.description)
    return None


def record_outcome(step: Step, wanted: Outcome, pointer: str = "#") -> list[Event]:
    """Records the outcome even if equal when a status is named (repeating a test is a fact); else only a difference.

    `pointer` is where the outcome stands in the caller's body, for error messages.
    """
    status = step.status if wanted.status is UNSET else wanted.status
    exception = step.exception if wanted.exception is UNSET else (wanted.exception or None)
    started = step.started_at if wanted.started_at is UNSET else wanted.started_at
    ended = step.ended_at if wanted.ended_at is UNSET else wanted.ended_at
    if status is not ExecutionStatus.PASSED_WITH_EXCEPTION:
        if wanted.exception is not UNSET and wanted.exception:
            raise Invalid.one(f"{pointer}/exception", "not_allowed", "goes with the status passed_with_exception only")
        exception = None
    if started is not None and ended is not None and ended < started:
        at = "started_at" if wanted.ended_at is UNSET else "ended_at"
        raise Invalid((f"{pointer}/{at}: ended_at must not be before started_at"), (_before_start(f"{pointer}/{at}"),))
    after = StepOutcomeRecorded(status=status, exception=exception, started_at=started, ended_at=ended)
    before = StepOutcomeRecorded(status=step.status, exception=step.exception, started_at=step.started_at, ended_at=step.ended_at)
    return [] if wanted.status is UNSET and after == before else [after]


def _before_start(pointer: str) -> FieldError:
    return FieldError(pointer, "out_of_range", "ended_at must not be before started_at")


def edit(step: Step, present_order: int, title: str | None, description: str | None, order: int | None) -> list[Event]:
    facts: list[Event] = []
    new_title = title if title is not None and title != step.title else None
    new_description = description if description is not None and description != step.description else None
    if new_title is not None or new_description is not None:
        facts.append(StepEdited(title=new_title, description=new_description))
    if order is not None and order != present_order:
        facts.append(StepMoved(order=order))
    return facts


def delete(step: Step) -> list[Event]:
    if step.deleted:
        raise NotFound("No such step.")
    return [StepDeleted()]


def restore(step: Step) -> list[Event]:
    if not step.deleted:
        raise StateConflict("The step is not deleted.")
    return [StepRestored()]
