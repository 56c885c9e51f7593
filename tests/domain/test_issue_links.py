"""Issue links of runs, cards and steps."""

import pytest

from domain.cards import CardAdded
from domain.events import Event
from domain.issue_links import IssueLinked, IssueUnlinked, link, unlink
from domain.refusals import NotFound
from domain.runs import RunCreated
from domain.steps import StepAdded
from tests.domain.conftest import Given, number

BEGINNINGS = [
    RunCreated(number=1, title="Acceptance", description="", system_id=number(1)),
    CardAdded(title="Overvoltage", description="", order=1),
    StepAdded(card_id=number(1), title="Apply 13 V", description="", step_type="passfail", order=1),
]
LEAK, CRACK = number(7), number(8)
on_runs_cards_and_steps = pytest.mark.parametrize("begun", BEGINNINGS, ids=lambda e: type(e).__name__)


@on_runs_cards_and_steps
def test_linking_twice_records_nothing(given: Given, begun: Event) -> None:
    story = given(begun).when(lambda it: link(it.issue_ids, LEAK)).then(IssueLinked(issue_id=LEAK))
    assert story.state.issue_ids == (LEAK,)
    story.when(lambda it: link(it.issue_ids, LEAK)).nothing()


@on_runs_cards_and_steps
def test_issues_stand_in_the_order_of_linking(given: Given, begun: Event) -> None:
    linked = (IssueLinked(issue_id=LEAK), IssueLinked(issue_id=CRACK))
    assert given(begun, *linked).state.issue_ids == (LEAK, CRACK)
    assert given(begun, *linked, IssueUnlinked(issue_id=LEAK), IssueLinked(issue_id=LEAK)).state.issue_ids == (CRACK, LEAK)


@on_runs_cards_and_steps
def test_unlinking_takes_away_just_that_issue(given: Given, begun: Event) -> None:
    linked = (IssueLinked(issue_id=LEAK), IssueLinked(issue_id=CRACK))
    story = given(begun, *linked).when(lambda it: unlink(it.issue_ids, LEAK)).then(IssueUnlinked(issue_id=LEAK))
    assert story.state.issue_ids == (CRACK,)


@on_runs_cards_and_steps
def test_a_link_that_is_not_there_cannot_be_taken_away(given: Given, begun: Event) -> None:
    given(begun).when(lambda it: unlink(it.issue_ids, LEAK)).refused(NotFound, says="The issue is not linked here.")
    history = (begun, IssueLinked(issue_id=LEAK), IssueUnlinked(issue_id=LEAK))
    given(*history).when(lambda it: unlink(it.issue_ids, LEAK)).refused(NotFound)
