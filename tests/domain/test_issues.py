"""Issues."""

from domain import issues
from domain.issues import IssueCreated, IssueDeleted, IssueEdited, IssueRestored, IssueStatus, Priority
from domain.refusals import NotFound, StateConflict
from tests.domain.conftest import Given, number

CREATED = IssueCreated(title="Leak", tags=("seal", "field"), description=({"type": "p", "text": "Drops"},))


def test_a_new_issue_is_open_low_and_unassigned(given: Given) -> None:
    issue = given(IssueCreated(title="Leak")).state
    assert (issue.status, issue.priority, issue.owner, issue.resolution_summary) == (IssueStatus.OPEN, Priority.LOW, "Unassigned", None)
    assert (issue.description, issue.tags, issue.attachment_ids, issue.session_ids) == ((), (), (), ())


def test_any_status_may_follow_any_other(given: Given) -> None:
    for before in IssueStatus:
        for after in set(IssueStatus) - {before}:
            wanted = IssueEdited(status=after)
            assert given(IssueCreated(title="Leak", status=before)).when(issues.edit, wanted).then(wanted).state.status is after


def test_only_the_members_that_differ_are_recorded(given: Given) -> None:
    wanted = IssueEdited(title="Leak", status=IssueStatus.RESOLVED, resolution_summary="New seal", tags=("seal", "field"))
    story = given(CREATED).when(issues.edit, wanted).then(IssueEdited(status=IssueStatus.RESOLVED, resolution_summary="New seal"))
    assert story.state.tags == ("seal", "field")


def test_lists_are_replaced_whole_and_their_order_matters(given: Given) -> None:
    given(CREATED).when(issues.edit, IssueEdited(tags=("field", "seal"))).then(IssueEdited(tags=("field", "seal")))
    given(CREATED).when(issues.edit, IssueEdited(tags=())).then(IssueEdited(tags=()))
    given(CREATED).when(issues.edit, IssueEdited(attachment_ids=(number(5),))).then(IssueEdited(attachment_ids=(number(5),)))


def test_an_edit_to_the_present_state_records_nothing(given: Given) -> None:
    given(CREATED).when(issues.edit, IssueEdited()).nothing()
    given(CREATED).when(issues.edit, IssueEdited(description=({"type": "p", "text": "Drops"},), priority=Priority.LOW)).nothing()


def test_an_issue_is_deleted_once_and_comes_back_as_it_was(given: Given) -> None:
    story = given(CREATED).when(issues.delete).then(IssueDeleted())
    story.when(issues.delete).refused(NotFound, says="No such issue.")
    assert story.when(issues.restore).then(IssueRestored()).state == given(CREATED).state


def test_a_live_issue_cannot_be_restored(given: Given) -> None:
    given(CREATED).when(issues.restore).refused(StateConflict, says="The issue is not deleted.")
