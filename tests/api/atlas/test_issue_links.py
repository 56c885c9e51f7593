"""Issues linked to a run, a card or a step."""

import pytest

from domain.tokens import Role
from tests.api.making import campaign, made, problem, version
from tests.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_issues_are_shown_where_they_are_linked_in_the_order_of_linking(shared: World) -> None:
    here, client = await campaign(shared), shared.clients[Role.OPERATOR]
    one, two = [(await made(shared.engineer, "/issues", {"title": t, "priority": "high"}))["uuid"] for t in ("a", "b")]
    for path in (here.run_path, here.card_path, here.step_path):
        for issue in (two, one.upper(), two):
            assert (await client("PUT", f"{path}/issues/{issue}")).status_code == 204
        issues = (await client("GET", path)).json()["issues"]
        assert issues == [{"uuid": i, "title": t, "status": "open", "priority": "high"} for i, t in ((two, "b"), (one, "a"))]
    assert await version(shared, here.run) == 3 + 6
    await shared.engineer("PATCH", f"/issues/{one}", {"title": "c", "status": "resolved", "priority": "low"})
    assert (await client("GET", here.step_path)).json()["issues"][1] == {"uuid": one, "title": "c", "status": "resolved", "priority": "low"}


async def test_a_deleted_issue_is_hidden_until_it_is_restored(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    issue = (await made(client, "/issues", {"title": "a"}))["uuid"]
    await client("PUT", f"{here.step_path}/issues/{issue}")
    await client("DELETE", f"/issues/{issue}")
    assert (await client("GET", here.step_path)).json()["issues"] == []
    for method in ("PUT", "DELETE"):
        assert problem(await client(method, f"{here.step_path}/issues/{issue}")) == (404, "not-found")
    await client("POST", f"/issues/{issue}/restore")
    assert [i["uuid"] for i in (await client("GET", here.step_path)).json()["issues"]] == [issue]


async def test_what_is_not_linked_cannot_be_unlinked(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    issue = (await made(client, "/issues", {"title": "a"}))["uuid"]
    await client("PUT", f"{here.card_path}/issues/{issue}")
    for path in (here.run_path, here.step_path):
        assert problem(await client("DELETE", f"{path}/issues/{issue}")) == (404, "not-found")
    assert (await client("DELETE", f"{here.card_path}/issues/{issue}")).status_code == 204
    assert problem(await client("DELETE", f"{here.card_path}/issues/{issue}")) == (404, "not-found")


async def test_only_an_issue_is_linked(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    asset = (await made(client, "/assets", {"name": "a"}))["uuid"]
    for other in (asset, here.run, here.card, here.system, "x", "none"):
        assert problem(await client("PUT", f"{here.run_path}/issues/{other}")) == (404, "not-found")
