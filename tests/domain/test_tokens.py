"""Tokens: roles in order, the auditor beside them, revoked once."""

import pytest

from domain import tokens
from domain.refusals import NotFound
from domain.tokens import Role, TokenIssued, TokenRevoked, at_least
from tests.domain.conftest import Given, number

ISSUED = TokenIssued(key="abc", secret_sha256="0" * 64, name="bench", role=Role.OPERATOR, owner_id=number(1))
VIEWER, OPERATOR, ENGINEER, ADMIN, AUDITOR = Role
MAY = {
    VIEWER: {VIEWER},
    OPERATOR: {VIEWER, OPERATOR},
    ENGINEER: {VIEWER, OPERATOR, ENGINEER},
    ADMIN: {VIEWER, OPERATOR, ENGINEER, ADMIN, AUDITOR},
    AUDITOR: {VIEWER, AUDITOR},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("least", Role)
def test_a_role_may_what_the_table_of_the_contract_says(role: Role, least: Role) -> None:
    assert at_least(role, least) is (least in MAY[role])


def test_the_auditor_reads_everything_and_writes_nothing() -> None:
    assert at_least(AUDITOR, VIEWER)
    assert not any(at_least(AUDITOR, least) for least in (OPERATOR, ENGINEER, ADMIN))


def test_a_token_keeps_its_role_and_is_revoked_once(given: Given) -> None:
    assert given(ISSUED).state.role is OPERATOR
    story = given(ISSUED).when(tokens.revoke).then(TokenRevoked())
    assert story.state.revoked
    story.when(tokens.revoke).refused(NotFound, says="No such token.")


def test_no_limit_is_told_by_null(given: Given) -> None:
    assert (ISSUED.system_ids, ISSUED.project_ids, ISSUED.expires_at) == (None, None, None)
