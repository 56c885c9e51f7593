"""Atlas: linking issues to a run, a card, a step or a report."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from litestar import Response, delete, put

from api import parameters
from api.atlas.cards import card_id_of
from api.atlas.reports import report_id_of
from api.atlas.runs import target
from api.atlas.steps import of_step, step_id_of
from api.exchange import Exchange, Req
from api.openapi.operation import Operation
from commands import issue_links
from commands.steps import of_card
from commands.work import Query, Target, Work
from domain.facts import Kind
from domain.tokens import Role
from infra import log

RUN = "/test-runs/{run_id:str}/issues/{issue_id:str}"
CARD = "/test-runs/{run_id:str}/cards/{card_id:str}/issues/{issue_id:str}"
STEP = "/test-runs/{run_id:str}/cards/{card_id:str}/steps/{step_id:str}/issues/{issue_id:str}"
REPORT = "/test-runs/{run_id:str}/reports/{report_id:str}/issues/{issue_id:str}"

Change = Callable[[Work, log.Stream, UUID], Awaitable[None]]
Find = Callable[[Work], log.Stream]


async def _change(request: Req, exchange: Exchange, where: Target, find: Find, change: Change, issue_id: str) -> Response[bytes]:
    issue = parameters.path_uuid(issue_id, "issue")
    where = where._replace(beside=(Kind.ISSUE, issue))

    async def decide(work: Work) -> Query:
        await change(work, find(work), issue)
        return Query(204)

    return await exchange.write(request, where, Role.OPERATOR, decide)


async def _on_run(request: Req, exchange: Exchange, change: Change, run_id: str, issue_id: str) -> Response[bytes]:
    return await _change(request, exchange, target(run_id, with_root=True), lambda work: work.root, change, issue_id)


async def _on_card(request: Req, exchange: Exchange, change: Change, run_id: str, card_id: str, issue_id: str) -> Response[bytes]:
    card = card_id_of(card_id)
    where = target(run_id, below=((Kind.CARD, card),))
    return await _change(request, exchange, where, lambda work: work.live(card), change, issue_id)


async def _on_step(
    request: Req, exchange: Exchange, change: Change, run_id: str, card_id: str, step_id: str, issue_id: str
) -> Response[bytes]:
    card, step = card_id_of(card_id), step_id_of(step_id)
    where = of_step(run_id, card, step)
    return await _change(request, exchange, where, lambda work: of_card(work, card, step), change, issue_id)


async def _on_report(request: Req, exchange: Exchange, change: Change, run_id: str, report_id: str, issue_id: str) -> Response[bytes]:
    report = report_id_of(report_id)
    where = target(run_id, below=((Kind.REPORT, report),))
    return await _change(request, exchange, where, lambda work: work.live(report), change, issue_id)


@put(RUN, operation=Operation("Link an issue to a test run", Role.OPERATOR, status=204, if_match=False))
async def link_to_run(request: Req, exchange: Exchange, run_id: str, issue_id: str) -> Response[bytes]:
    return await _on_run(request, exchange, issue_links.link, run_id, issue_id)


@delete(RUN, status_code=200, operation=Operation("Take a link away from a test run", Role.OPERATOR, status=204, if_match=False))
async def unlink_from_run(request: Req, exchange: Exchange, run_id: str, issue_id: str) -> Response[bytes]:
    return await _on_run(request, exchange, issue_links.unlink, run_id, issue_id)


@put(CARD, operation=Operation("Link an issue to a card", Role.OPERATOR, status=204, if_match=False))
async def link_to_card(request: Req, exchange: Exchange, run_id: str, card_id: str, issue_id: str) -> Response[bytes]:
    return await _on_card(request, exchange, issue_links.link, run_id, card_id, issue_id)


@delete(CARD, status_code=200, operation=Operation("Take a link away from a card", Role.OPERATOR, status=204, if_match=False))
async def unlink_from_card(request: Req, exchange: Exchange, run_id: str, card_id: str, issue_id: str) -> Response[bytes]:
    return await _on_card(request, exchange, issue_links.unlink, run_id, card_id, issue_id)


@put(STEP, operation=Operation("Link an issue to a step", Role.OPERATOR, status=204, if_match=False))
async def link_to_step(request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str, issue_id: str) -> Response[bytes]:
    return await _on_step(request, exchange, issue_links.link, run_id, card_id, step_id, issue_id)


@delete(STEP, status_code=200, operation=Operation("Take a link away from a step", Role.OPERATOR, status=204, if_match=False))
async def unlink_from_step(request: Req, exchange: Exchange, run_id: str, card_id: str, step_id: str, issue_id: str) -> Response[bytes]:
    return await _on_step(request, exchange, issue_links.unlink, run_id, card_id, step_id, issue_id)


@put(REPORT, operation=Operation("Link an issue to a report", Role.OPERATOR, status=204, if_match=False))
async def link_to_report(request: Req, exchange: Exchange, run_id: str, report_id: str, issue_id: str) -> Response[bytes]:
    return await _on_report(request, exchange, issue_links.link, run_id, report_id, issue_id)


@delete(REPORT, status_code=200, operation=Operation("Take a link away from a report", Role.OPERATOR, status=204, if_match=False))
async def unlink_from_report(request: Req, exchange: Exchange, run_id: str, report_id: str, issue_id: str) -> Response[bytes]:
    return await _on_report(request, exchange, issue_links.unlink, run_id, report_id, issue_id)


HANDLERS = [
    link_to_run,
    unlink_from_run,
    link_to_card,
    unlink_from_card,
    link_to_step,
    unlink_from_step,
    link_to_report,
    unlink_from_report,
]
