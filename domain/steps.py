"""Test steps: what was to be done, and with which outcome it was done."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import issue_links, tombstones
from domain.differences import applied, asked, edited
from domain.events import Event
from domain.issue_links import IssueLinked, IssueUnlinked
from domain.refusals import FieldError, Invalid


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
    """Only the members that changed are set."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


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
    match step, event:
        case None, StepAdded():
            return Step(card_id=event.card_id, title=event.title, description=event.description)
        case Step(), StepEdited():
            return applied(step, event)
        case Step(), StepOutcomeRecorded():
            return replace(step, status=event.status, exception=event.exception, started_at=event.started_at, ended_at=event.ended_at)
        case Step(), StepDeleted():
            return replace(step, deleted=True)
        case Step(), StepRestored():
            return replace(step, deleted=False)
        case Step(), IssueLinked() | IssueUnlinked():
            return replace(step, issue_ids=issue_links.evolve(step.issue_ids, event))
    return step


def record_outcome(step: Step, wanted: Outcome, pointer: str = "#") -> list[Event]:
    """Records the outcome even if equal when a status is named (repeating a test is a fact); else only a difference.

    `pointer` is where the outcome stands in the caller's body, for error messages.
    """
    before = StepOutcomeRecorded(status=step.status, exception=step.exception, started_at=step.started_at, ended_at=step.ended_at)
    after = _resulting(before, wanted)
    if errors := [*_misplaced_exception(after, wanted, pointer), *_ended_before_started(after, wanted, pointer)]:
        raise Invalid.all(tuple(errors))
    return [] if wanted.status is UNSET and after == before else [after]


def _resulting(before: StepOutcomeRecorded, wanted: Outcome) -> StepOutcomeRecorded:
    """An empty exception is none, and leaving `passed_with_exception` clears it."""
    after = replace(before, **{f: v for f in wanted.__struct_fields__ if (v := getattr(wanted, f)) is not UNSET})
    noted = after.status is ExecutionStatus.PASSED_WITH_EXCEPTION and after.exception
    return replace(after, exception=after.exception if noted else None)


def _misplaced_exception(after: StepOutcomeRecorded, wanted: Outcome, pointer: str) -> Iterator[FieldError]:
    if wanted.exception and after.status is not ExecutionStatus.PASSED_WITH_EXCEPTION:
        yield FieldError(f"{pointer}/exception", "not_allowed", "goes with the status passed_with_exception only")


def _ended_before_started(after: StepOutcomeRecorded, wanted: Outcome, pointer: str) -> Iterator[FieldError]:
    if after.started_at is None or after.ended_at is None or after.started_at <= after.ended_at:
        return
    if wanted.ended_at is UNSET:
        yield FieldError(f"{pointer}/started_at", "out_of_range", "must not be after ended_at")
    else:
        yield FieldError(f"{pointer}/ended_at", "out_of_range", "must not be before started_at")


def edit(step: Step, present_order: int, title: str | None, description: str | None, order: int | None) -> list[Event]:
    facts = edited(step, StepEdited(title=asked(title), description=asked(description)))
    if order is not None and order != present_order:
        facts.append(StepMoved(order=order))
    return facts


def delete(step: Step) -> list[Event]:
    return tombstones.delete("step", step.deleted, StepDeleted())


def restore(step: Step) -> list[Event]:
    return tombstones.restore("step", step.deleted, StepRestored())
