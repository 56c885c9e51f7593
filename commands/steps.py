"""What may be asked of a step."""

from typing import NamedTuple
from uuid import UUID

from commands.cards import Limits, check_steps, member_of, too_many
from commands.work import Work
from domain import steps
from domain.events import Event
from domain.facts import Kind
from domain.refusals import FieldError, Invalid, NotFound, UnknownReference
from domain.steps import Outcome
from infra import log
from infra.append import Member


class Result(NamedTuple):
    """One entry of a bulk recording."""

    step_id: UUID
    outcome: Outcome


async def add(work: Work, card_id: UUID, title: str, description: str, step_type: str, order: int | None, limits: Limits) -> UUID:
    present = [m for m in await log.members(work.conn, card_id, Kind.STEP) if m.live]
    await _check_room(work, len(present), limits)
    work.require_open()
    position = order or max((m.position for m in present), default=0) + 1
    step_id = work.new_id()
    fact = steps.StepAdded(card_id=card_id, title=title, description=description, step_type=step_type, order=position)
    work.record(Kind.STEP, step_id, [fact])
    work.place(Member(step_id, card_id, Kind.STEP, position, live=True))
    return step_id


async def _check_room(work: Work, present: int, limits: Limits) -> None:
    """Whether one step more fits into a card of so many, and into the run."""
    if present >= limits.steps_per_card:
        raise too_many(f"A card holds at most {limits.steps_per_card} steps.")
    await check_steps(work, limits, [1])


def of_card(work: Work, card_id: UUID, step_id: UUID) -> log.Stream:
    """The live step, if it is a step of this live card."""
    work.live(card_id)
    step = work.live(step_id)
    if step.state.card_id != card_id:
        raise NotFound("No such step.")
    return step


async def change(
    work: Work, card_id: UUID, step_id: UUID, outcome: Outcome, title: str | None, description: str | None, order: int | None
) -> None:
    """Definition and outcome of a step; the outcome is recorded even if equal when a status is named."""
    step = of_card(work, card_id, step_id)
    member = await member_of(work, card_id, step_id, Kind.STEP) if order is not None else None
    facts = steps.edit(step.state, member.position if member else 0, title, description, order)
    facts += steps.record_outcome(step.state, outcome)
    work.require_match(step)
    work.require_open()
    work.record(Kind.STEP, step_id, facts)
    if member is not None and order is not None and order != member.position:
        work.place(member._replace(position=order))


async def record_all(work: Work, results: list[Result]) -> None:
    """Many outcomes in one append: all or nothing, every bad entry named."""
    await work.more(list({r.step_id for r in results}))
    await work.more(list({s.state.card_id for s in work.streams.values() if s.kind is Kind.STEP}))
    decided = _decided(work, results)
    work.require_open()
    for result, facts in zip(results, decided, strict=True):
        work.record(Kind.STEP, result.step_id, facts)


def _decided(work: Work, results: list[Result]) -> list[list[Event]]:
    """The facts of each entry."""
    unknown: list[FieldError] = []
    errors: list[FieldError] = []
    decided: list[list[Event]] = []
    seen: set[UUID] = set()
    for i, result in enumerate(results):
        pointer = f"#/results/{i}"
        if result.step_id in seen:
            errors.append(FieldError(f"{pointer}/test_step_id", "duplicate", "names a step a second time"))
        elif not _alive(work, result.step_id):
            unknown.append(FieldError(f"{pointer}/test_step_id", "not_found", f"names no step of this test run: {result.step_id}"))
        else:
            try:
                decided.append(steps.record_outcome(work.streams[result.step_id].state, result.outcome, pointer))
            except Invalid as refusal:
                errors += refusal.errors
        seen.add(result.step_id)
    if errors:
        raise Invalid.all((*errors, *unknown))
    if unknown:
        raise UnknownReference.all(tuple(unknown))
    return decided


def _alive(work: Work, step_id: UUID) -> bool:
    return work.has(Kind.STEP, step_id) and not work.streams[work.streams[step_id].state.card_id].state.deleted


async def delete(work: Work, card_id: UUID, step_id: UUID) -> None:
    step = of_card(work, card_id, step_id)
    work.require_match(step, wide=True)
    work.require_open()
    await _turn(work, step, live=False)


async def restore(work: Work, step_id: UUID, limits: Limits) -> None:
    """A step that comes back needs room, like a new one."""
    step = work.streams[step_id]
    if step.state.deleted:
        await _check_room(work, sum(m.live for m in await log.members(work.conn, step.state.card_id, Kind.STEP)), limits)
    work.require_match(step)
    work.require_open()
    await _turn(work, step, live=True)


async def _turn(work: Work, step: log.Stream, *, live: bool) -> None:
    member = await member_of(work, step.state.card_id, step.stream_id, Kind.STEP)
    work.record(Kind.STEP, step.stream_id, steps.restore(step.state) if live else steps.delete(step.state))
    work.place(member._replace(live=live))
    work.restructure()
