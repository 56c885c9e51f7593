"""Linking issues to a run, a card or a step."""

from uuid import UUID

from commands.work import Work
from domain import issue_links
from infra import log


async def link(work: Work, target: log.Stream, issue_id: UUID) -> None:
    """Linking twice is fine. That the issue is there was seen when the target was opened."""
    work.require_open()
    work.record(target.kind, target.stream_id, issue_links.link(target.state.issue_ids, issue_id))


async def unlink(work: Work, target: log.Stream, issue_id: UUID) -> None:
    facts = issue_links.unlink(target.state.issue_ids, issue_id)
    work.require_open()
    work.record(target.kind, target.stream_id, facts)
