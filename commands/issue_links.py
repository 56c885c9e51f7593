"""Linking issues to a run, a card, a step or a report."""

from uuid import UUID

from commands.work import Work
from domain import issue_links
from domain.facts import Kind
from infra import log


async def link(work: Work, target: log.Stream, issue_id: UUID) -> None:
    """Linking twice is fine. That the issue is there was seen when the target was opened."""
    _require_open(work, target)
    work.record(target.kind, target.stream_id, issue_links.link(target.state.issue_ids, issue_id))


async def unlink(work: Work, target: log.Stream, issue_id: UUID) -> None:
    facts = issue_links.unlink(target.state.issue_ids, issue_id)
    _require_open(work, target)
    work.record(target.kind, target.stream_id, facts)


def _require_open(work: Work, target: log.Stream) -> None:
    """A report is no evidence, so its links may change when the run is closed."""
    if target.kind is not Kind.REPORT:
        work.require_open()
