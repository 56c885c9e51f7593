"""What may be asked of a test run."""

from uuid import UUID

import msgspec

from commands import cards
from commands.references import References
from commands.work import Work
from domain import issue_links, runs
from domain.events import Event
from domain.facts import Kind
from infra import log
from infra.append import NewRoot


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    system_id: UUID
    description: str = ""
    asset_ids: list[UUID] = []
    issue_ids: list[UUID] = []
    template_ids: list[UUID] = []


async def create(work: Work, wanted: NewRun, limits: cards.Limits) -> UUID:
    """A run with a card for each template, all or nothing. The number is taken last, so a refused creation takes none."""
    references = References()
    references.want("#/system_id", Kind.SYSTEM, wanted.system_id)
    references.want_all("#/asset_ids", Kind.ASSET, wanted.asset_ids)
    references.want_all("#/issue_ids", Kind.ISSUE, wanted.issue_ids)
    references.want_all("#/template_ids", Kind.CARD_TEMPLATE, wanted.template_ids)
    await references.resolve(work, wanted.system_id)
    templates = [references.stream(t) for t in wanted.template_ids]
    if len(templates) > limits.cards_per_run:
        raise cards.too_many(f"A test run holds at most {limits.cards_per_run} cards.")
    await cards.check_steps(work, limits, [len(t.state.steps) for t in templates])
    run_id, number = work.new_id(), await log.next_number(work.conn, "test_run")
    work.begin_root(run_id, NewRoot(Kind.RUN, number, wanted.system_id))
    facts: list[Event] = [
        runs.RunCreated(
            number=number,
            title=wanted.title,
            description=wanted.description,
            system_id=wanted.system_id,
            asset_ids=tuple(dict.fromkeys(wanted.asset_ids)),
        )
    ]
    facts += [issue_links.IssueLinked(issue_id=i) for i in dict.fromkeys(wanted.issue_ids)]
    work.record(Kind.RUN, run_id, facts)
    for position, template in enumerate(templates, 1):
        cards.instantiate(work, template, position)
    return run_id


async def edit(work: Work, title: str | None, description: str | None, asset_ids: list[UUID] | None) -> None:
    run = work.root
    if asset_ids is not None:
        references = References()
        references.want_all("#/asset_ids", Kind.ASSET, asset_ids)
        await references.resolve(work, run.state.system_id)
    assets = None if asset_ids is None else tuple(dict.fromkeys(asset_ids))
    facts = runs.edit(run.state, title, description, assets)
    work.require_match(run)
    work.require_open()
    work.record(Kind.RUN, run.stream_id, facts)


async def delete(work: Work) -> None:
    work.require_match(work.root, wide=True)
    work.require_open()
    work.record(Kind.RUN, work.root_id, runs.delete(work.root.state))
    work.turn("deleted")


async def restore(work: Work) -> None:
    work.require_match(work.root)
    work.record(Kind.RUN, work.root_id, runs.restore(work.root.state))
    work.turn("open")


async def close(work: Work, reason: str | None) -> None:
    work.require_match(work.root, wide=True)
    work.record(Kind.RUN, work.root_id, runs.close(work.root.state, reason))
    work.turn("closed")


async def reopen(work: Work, reason: str) -> None:
    work.require_match(work.root)
    work.record(Kind.RUN, work.root_id, runs.reopen(work.root.state, reason))
    work.turn("open")


async def reorder_cards(work: Work, ids: list[UUID]) -> None:
    """Renumbers every live card 1..n in one event."""
    present = [m for m in await log.members(work.conn, work.root_id, Kind.CARD) if m.live]
    facts = runs.reorder_cards(tuple(m.stream_id for m in present), tuple(ids))
    work.require_open()
    if [(m.stream_id, m.position) for m in present] == [(i, n) for n, i in enumerate(ids, 1)]:
        return
    work.record(Kind.RUN, work.root_id, facts)
    by_id = {m.stream_id: m for m in present}
    for position, card_id in enumerate(ids, 1):
        work.place(by_id[card_id]._replace(position=position))
