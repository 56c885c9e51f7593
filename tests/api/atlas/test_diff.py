"""What lies between two versions of a run."""

from typing import Any

import pytest

from domain.tokens import Role
from infra.settings import Settings
from tests.api.atlas.wandering import Wandering, everyone, wandered
from tests.api.making import campaign, errors, made, problem, version
from tests.conftest import Atlas, World

module_loop = pytest.mark.asyncio(loop_scope="module")


async def diff(client: Atlas, path: str, query: str) -> list[Any]:
    answer = await client("GET", f"{path}/diff?{query}")
    assert answer.status_code == 200, answer.text
    return [(c["change"], c["component_title"], {f["field"]: [f["old"], f["new"]] for f in c["fields"]}) for c in answer.json()["changes"]]


@module_loop
async def test_a_diff_tells_what_came_what_went_and_what_changed(shared: World) -> None:
    here = await campaign(shared, steps=2)
    first = await version(shared, here.run)
    await shared.engineer("PATCH", here.run_path, {"title": "B"})
    await shared.engineer("PATCH", here.run_path, {"title": "C"})
    await shared.engineer("PATCH", here.step_path, {"execution_status": "failed"})
    await shared.engineer("DELETE", f"{here.card_path}/steps/{here.steps[1]}")
    await made(shared.engineer, f"{here.step_path}/observations", {"text": "It hums."})
    auditor = shared.clients[Role.AUDITOR]
    run, step, gone, seen = await diff(auditor, here.run_path, f"from={first}")
    assert run == ("changed", "C", {"title": ["Motor Controller Acceptance Test", "C"]})
    assert step == ("changed", "Step 0", {"execution_status": ["todo", "failed"]})
    assert (gone[0], gone[1], gone[2]["title"], gone[2]["order"]) == ("removed", "Step 1", ["Step 1", None], [2, None])
    assert seen == ("added", "Step 0", {"test_step_id": [None, here.steps[0]], "text": [None, "It hums."]})
    answer = await auditor("GET", f"{here.run_path}/diff?from={first}&to={first + 1}")
    assert answer.json() == {
        "from": first,
        "to": first + 1,
        "changes": [
            {
                "component_type": "run",
                "component_id": here.run,
                "component_title": "B",
                "change": "changed",
                "fields": [{"field": "title", "old": "Motor Controller Acceptance Test", "new": "B"}],
            }
        ],
    }
    assert answer.headers["x-run-version"] == str(first + 1)
    assert await diff(auditor, here.run_path, f"from={first}&to={first}") == []


@module_loop
async def test_what_is_deleted_since_is_left_out_for_most(shared: World) -> None:
    here = await campaign(shared)
    await shared.engineer("PATCH", here.step_path, {"execution_status": "passed"})
    await shared.engineer("DELETE", here.card_path)
    for query, told in (
        ("from=1", []),
        ("from=1&to=3", ["added", "added"]),
        ("from=3&to=4", ["changed"]),
        ("from=4&to=5", ["removed", "removed"]),
    ):
        for role in Role:
            answer = await shared.clients[role]("GET", f"{here.run_path}/diff?{query}")
            seen = [c["change"] for c in answer.json()["changes"]], answer.headers.get("x-history-redacted")
            if role in (Role.AUDITOR, Role.ADMIN):
                assert seen == (told, None), query
            else:
                assert seen == ([], "true" if told else None), query


@module_loop
async def test_only_versions_in_their_order_are_compared(shared: World) -> None:
    here = await campaign(shared)
    for query, wrong in (
        ("", {("query:from", "required")}),
        ("to=2", {("query:from", "required")}),
        ("from=0", {("query:from", "out_of_range")}),
        ("from=x&to=9", {("query:from", "invalid_type"), ("query:to", "out_of_range")}),
        ("from=3&to=2", {("query:from", "out_of_range")}),
    ):
        assert errors(await shared.engineer("GET", f"{here.run_path}/diff?{query}")) == wrong, query


@module_loop
async def test_a_deleted_run_has_differences_for_auditor_and_admin(shared: World) -> None:
    here = await campaign(shared)
    await shared.engineer("DELETE", here.run_path)
    assert problem(await shared.engineer("GET", f"{here.run_path}/diff?from=x")) == (404, "not-found")
    for role in (Role.AUDITOR, Role.ADMIN):
        told = await diff(shared.clients[role], here.run_path, "from=3")
        assert told == [("changed", "Motor Controller Acceptance Test", {"deleted": [False, True]})]


def test_differences_are_those_of_the_documents(with_s3: Settings) -> None:
    wandered(with_s3, 9, 100, as_documents_differ)


async def as_documents_differ(world: World, campaign: Wandering) -> None:
    auditor, viewer = everyone(world)
    met = set()
    for run, newest in {run: max(n for r, n in campaign.records if r == run) for run, _ in campaign.records}.items():
        for first in range(1, newest, 3):
            query = f"from={first}&to={newest}"
            old, new = [await things(auditor, run, n) for n in (first, newest)]
            told = (await auditor("GET", f"/test-runs/{run}/diff?{query}")).json()["changes"]
            assert {c["component_id"] for c in told if c["change"] == "added"} == new.keys() - old.keys()
            assert {c["component_id"] for c in told if c["change"] == "removed"} == old.keys() - new.keys()
            for c in told:
                before, after = old.get(c["component_id"], {}), new.get(c["component_id"], {})
                for f in c["fields"]:
                    met.add(f["field"])
                    assert f["field"] not in before or before[f["field"]] == f["old"]
                    assert f["field"] not in after or after[f["field"]] == f["new"]
            changed = {c["component_id"]: {f["field"] for f in c["fields"]} for c in told if c["change"] == "changed"}
            for i in old.keys() & new.keys():
                differing = {f for f in old[i] if old[i][f] != new[i][f]}
                assert differing <= changed.get(i, set())
            if (await viewer("GET", f"/test-runs/{run}")).status_code == 200:
                seen = (await viewer("GET", f"/test-runs/{run}/diff?{query}")).json()["changes"]
                assert all(c in told for c in seen)
    assert {"title", "order", "execution_status", "text", "issue_ids"} <= met


async def things(client: Atlas, run: str, number: int) -> dict[str, dict[str, Any]]:
    """The run and everything in it by id, with what of them does not follow from other things."""
    shown = (await client("GET", f"/test-runs/{run}?version={number}")).json()
    steps = [s for c in shown["test_cards"] for s in c["test_steps"]]
    derived = ("updated_at", "contributors", "closed_at", "test_cards", "test_steps", "observations", "issues")
    derived += ("test_data", "reports", "associations", "manifest", "content", "completed_at")
    found = [*shown["test_data"], *shown["reports"], shown, *shown["test_cards"], *steps, *(o for s in steps for o in s["observations"])]
    return {x["uuid"]: {f: v for f, v in x.items() if f not in derived} for x in found}
