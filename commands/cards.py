"""What may be asked of a card."""

from typing import NamedTuple
from uuid import UUID

from commands.references import References
from commands.work import Work
from domain import cards, steps
from domain.card_templates import TemplateStep
from domain.facts import Kind
from domain.refusals import FieldError, Invalid
from infra import log
from infra.append import Member


class Limits(NamedTuple):
    cards_per_run: int
    steps_per_card: int
    steps_per_run: int


async def add(work: Work, title: str | None, template_id: UUID | None, description: str | None, order: int | None, limits: Limits) -> UUID:
    """A card, from a template if one is named (title and description given win over the template's)."""
    references = References()
    references.want("#/template_id", Kind.CARD_TEMPLATE, template_id)
    await references.resolve(work, work.head.system_id if work.head else None)
    present = [m for m in await log.members(work.conn, work.root_id, Kind.CARD) if m.live]
    check_cards(limits, len(present))
    position = order or max((m.position for m in present), default=0) + 1
    if template_id is None:
        work.require_open()
        return _new(work, cards.CardAdded(title=title or "", description=description or "", order=position), ())
    template = references.stream(template_id)
    await check_steps(work, limits, [len(template.state.steps)])
    work.require_open()
    return instantiate(work, template, position, title, description)


def check_cards(limits: Limits, present: int) -> None:
    """Whether one card more fits into the run."""
    if present >= limits.cards_per_run:
        raise too_many(f"A test run holds at most {limits.cards_per_run} cards.")


async def check_steps(work: Work, limits: Limits, of_cards: list[int]) -> None:
    """Whether new cards of so many steps fit into the run."""
    if max(of_cards, default=0) > limits.steps_per_card:
        raise too_many(f"A card holds at most {limits.steps_per_card} steps.")
    present = 0 if work.head is None else await log.live_members(work.conn, work.root_id, Kind.STEP)
    if present + sum(of_cards) > limits.steps_per_run:
        raise too_many(f"A test run holds at most {limits.steps_per_run} steps.")


def instantiate(work: Work, template: log.Stream, position: int, title: str | None = None, description: str | None = None) -> UUID:
    """Copies a template's newest version into the run and pins id and version."""
    state = template.state
    added = cards.CardAdded(
        title=state.title if title is None else title,
        description=state.description if description is None else description,
        order=position,
        template_id=template.stream_id,
        template_version=state.version,
    )
    return _new(work, added, state.steps)


def _new(work: Work, added: cards.CardAdded, template_steps: tuple[TemplateStep, ...]) -> UUID:
    card_id = work.new_id()
    work.record(Kind.CARD, card_id, [added])
    work.place(Member(card_id, work.root_id, Kind.CARD, added.order, live=True))
    for position, step in enumerate(template_steps, 1):
        step_id = work.new_id()
        fact = steps.StepAdded(card_id=card_id, title=step.title, description=step.description, step_type=step.step_type, order=position)
        work.record(Kind.STEP, step_id, [fact])
        work.place(Member(step_id, card_id, Kind.STEP, position, live=True))
    return card_id


async def edit(work: Work, card_id: UUID, title: str | None, description: str | None, order: int | None) -> None:
    card = work.live(card_id)
    member = await member_of(work, work.root_id, card_id, Kind.CARD) if order is not None else None
    facts = cards.edit(card.state, member.position if member else 0, title, description, order)
    work.require_match(card)
    work.require_open()
    work.record(Kind.CARD, card_id, facts)
    if member is not None and order is not None and order != member.position:
        work.place(member._replace(position=order))


async def delete(work: Work, card_id: UUID) -> None:
    card = work.live(card_id)
    work.require_match(card, wide=True)
    work.require_open()
    await _turn(work, card, live=False)


async def restore(work: Work, card_id: UUID, limits: Limits) -> None:
    """A card that comes back needs room, like a new one."""
    card = work.streams[card_id]
    if card.state.deleted:
        check_cards(limits, await log.live_members(work.conn, work.root_id, Kind.CARD))
        await check_steps(work, limits, [sum(m.live for m in await log.members(work.conn, card_id, Kind.STEP))])
    work.require_match(card)
    work.require_open()
    await _turn(work, card, live=True)


async def _turn(work: Work, card: log.Stream, *, live: bool) -> None:
    member = await member_of(work, work.root_id, card.stream_id, Kind.CARD)
    work.record(Kind.CARD, card.stream_id, cards.restore(card.state) if live else cards.delete(card.state))
    work.place(member._replace(live=live))
    work.restructure()


async def reorder_steps(work: Work, card_id: UUID, ids: list[UUID]) -> None:
    """Renumbers every live step of the card 1..n in one event."""
    work.live(card_id)
    present = [m for m in await log.members(work.conn, card_id, Kind.STEP) if m.live]
    facts = cards.reorder_steps(tuple(m.stream_id for m in present), tuple(ids))
    work.require_open()
    if [(m.stream_id, m.position) for m in present] == [(i, n) for n, i in enumerate(ids, 1)]:
        return
    work.record(Kind.CARD, card_id, facts)
    by_id = {m.stream_id: m for m in present}
    for position, step_id in enumerate(ids, 1):
        work.place(by_id[step_id]._replace(position=position))


async def member_of(work: Work, parent_id: UUID, stream_id: UUID, kind: Kind) -> Member:
    return next(m for m in await log.members(work.conn, parent_id, kind) if m.stream_id == stream_id)


def too_many(message: str) -> Invalid:
    return Invalid(message, (FieldError("#", "limit_exceeded", message),))
