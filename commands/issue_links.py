"""Linking issues to a run, a card or a step."""

from uuid import UUID

from commands.work import Work
from domain import issue_links
from domain.facts import Kind
from domain.refusals import NotFound
from infra import log


async def link(work: Work, target: log.Stream, issue_id: UUID) -> None:
    """Linking twice is fine. An unknown, deleted or out-of-scope issue is NotFound: it stands in the path."""
    found = (await log.references(work.conn, [issue_id])).get(issue_id)
    if found is None or found[0].kind != Kind.ISSUE or found[0].status == "deleted" or not work.ask.actor.sees(found[0].system_id):
        raise NotFound("No such issue.")
    work.require_open()
    work.record(target.kind, target.stream_id, issue_links.link(target.state.issue_ids, issue_id))


async def unlink(work: Work, target: log.Stream, issue_id: UUID) -> None:
    facts = issue_links.unlink(target.state.issue_ids, issue_id)
    work.require_open()
    work.record(target.kind, target.stream_id, facts)
