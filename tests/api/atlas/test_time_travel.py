"""A test run as it was."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.tokens import Role
from infra.settings import Settings
from tests.api.atlas.wandering import Wandering, everyone, wandered
from tests.api.making import campaign, errors, made, problem, version
from tests.conftest import World

module_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("seed", [1, 2])
def test_every_version_is_shown_as_it_was_answered_when_it_was_written(with_s3: Settings, seed: int) -> None:
    wandered(with_s3, seed, 100, as_recorded)


async def as_recorded(world: World, campaign: Wandering) -> None:
    auditor, viewer = everyone(world)
    assert len(campaign.records) > 40
    redactions = 0
    for (run, number), body in campaign.records.items():
        was = await auditor("GET", f"/test-runs/{run}?version={number}")
        assert was.status_code == 200, was.text
        assert was.content == body
        assert was.headers["x-run-version"] == str(number)
        assert "x-history-redacted" not in was.headers
        seen = await viewer("GET", f"/test-runs/{run}?version={number}")
        if seen.status_code == 404:
            assert (await viewer("GET", f"/test-runs/{run}")).status_code == 404
            continue
        assert (seen.headers.get("x-history-redacted") == "true") == (seen.content != body)
        redactions += seen.content != body
        live = set(ids(await (await viewer("GET", f"/test-runs/{run}")).aread()))
        assert not {i for i in ids(body) if i not in live} & set(ids(seen.content))
    assert redactions


def ids(body: bytes) -> list[str]:
    """Ids of the cards, steps and observations of a document."""
    cards = json.loads(body)["test_cards"]
    steps = [s for c in cards for s in c["test_steps"]]
    return [x["uuid"] for x in [*cards, *steps, *(o for s in steps for o in s["observations"])]]


async def stories(world: World) -> tuple[str, list[tuple[int, str, Any]]]:
    """A run that was retitled twice, and each (version, time, title)."""
    here = await campaign(world)
    told = []
    for title in ("first", "second"):
        answer = await world.engineer("PATCH", here.run_path, {"title": title})
        told.append((int(answer.headers["x-run-version"]), answer.json()["updated_at"], title))
    return here.run_path, told


def shifted(stamp: str, microseconds: int) -> str:
    return (datetime.fromisoformat(stamp) + timedelta(microseconds=microseconds)).isoformat()


@module_loop
async def test_a_moment_shows_what_stood_then(shared: World) -> None:
    path, told = await stories(shared)
    (first, at_first, _), (second, at_second, _) = told
    just_before = shifted(at_second, -1)
    for moment, number, title in (
        (at_first, first, "first"),
        (at_first + "Z", first, "first"),
        (just_before, first, "first"),
        (at_second, second, "second"),
        ("2999-01-01T00:00:00Z", second, "second"),
    ):
        was = await shared.clients[Role.VIEWER]("GET", f"{path}?as_of={moment}")
        assert (was.json()["title"], was.headers["x-run-version"]) == (title, str(number)), moment


@module_loop
async def test_before_its_creation_a_run_is_not_there(shared: World) -> None:
    path, _ = await stories(shared)
    created = (await shared.engineer("GET", path)).json()["created_at"]
    assert problem(await shared.clients[Role.ADMIN]("GET", f"{path}?as_of={shifted(created, -1)}")) == (404, "not-found")
    assert (await shared.engineer("GET", f"{path}?as_of={created}&x=1")).headers["x-run-version"] == "1"


@module_loop
async def test_only_versions_that_there_were_can_be_asked_for(shared: World) -> None:
    path, told = await stories(shared)
    newest = told[-1][0]
    for query, wrong in (
        ("version=0", {("query:version", "out_of_range")}),
        (f"version={newest + 1}", {("query:version", "out_of_range")}),
        ("version=-1", {("query:version", "out_of_range")}),
        ("version=two", {("query:version", "invalid_type")}),
        ("version=", {("query:version", "invalid_type")}),
        ("as_of=yesterday", {("query:as_of", "invalid_format")}),
        ("as_of=", {("query:as_of", "invalid_format")}),
        ("version=1&as_of=2026-04-13T11:00:00Z", {("query:as_of", "not_allowed")}),
    ):
        assert errors(await shared.engineer("GET", f"{path}?{query}")) == wrong, query
    assert problem(await shared.engineer("GET", f"{path}?version=1&version=1")) == (400, "malformed-request")
    assert problem(await shared.engineer("GET", f"{path}0?version=none")) == (404, "not-found")


@module_loop
async def test_a_past_state_has_a_tag_of_its_own(shared: World) -> None:
    path, told = await stories(shared)
    was = await shared.engineer("GET", f"{path}?version={told[0][0]}")
    assert was.headers["etag"].startswith(f'"2-{told[0][0]}-')
    again = await shared.engineer("GET", f"{path}?version={told[0][0]}", if_none_match=was.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    now = await shared.engineer("GET", path)
    assert (await shared.engineer("GET", f"{path}?version={told[1][0]}")).headers["etag"] == now.headers["etag"]


@module_loop
async def test_what_is_deleted_since_shows_to_auditor_and_admin_only(shared: World) -> None:
    here = await campaign(shared, steps=2)
    seen = await made(shared.engineer, f"{here.step_path}/observations", {"text": "It hums."})
    before = await version(shared, here.run)
    record = (await shared.engineer("GET", here.run_path)).content
    for gone in (f"{here.step_path}/observations/{seen['uuid']}", here.step_path, here.card_path):
        assert (await shared.engineer("DELETE", gone)).status_code == 204
        for role in Role:
            was = await shared.clients[role]("GET", f"{here.run_path}?version={before}")
            if role in (Role.AUDITOR, Role.ADMIN):
                assert was.content == record
                assert "x-history-redacted" not in was.headers
            else:
                assert was.headers["x-history-redacted"] == "true"
                assert gone.rsplit("/", 1)[1] not in was.text
        later = await shared.clients[Role.VIEWER]("GET", f"{here.run_path}?version={await version(shared, here.run)}")
        assert "x-history-redacted" not in later.headers
    for back in (here.card_path, here.step_path):
        assert (await shared.engineer("POST", f"{back}/restore")).status_code == 200
    was = (await shared.clients[Role.VIEWER]("GET", f"{here.run_path}?version={before - 1}")).json()
    assert [s["uuid"] for s in was["test_cards"][0]["test_steps"]] == here.steps


@module_loop
async def test_an_issue_that_was_deleted_since_is_left_out_too(shared: World) -> None:
    here = await campaign(shared)
    issue = (await made(shared.engineer, "/issues", {"title": "Hot"}))["uuid"]
    await shared.engineer("PUT", f"{here.step_path}/issues/{issue}")
    linked = await version(shared, here.run)
    await shared.engineer("DELETE", f"/issues/{issue}")
    viewer, auditor = shared.clients[Role.VIEWER], shared.clients[Role.AUDITOR]
    was = await viewer("GET", f"{here.run_path}?version={linked}")
    assert (was.headers["x-history-redacted"], issue in was.text) == ("true", False)
    assert issue in (await auditor("GET", f"{here.run_path}?version={linked}")).text
    while_deleted = (await shared.engineer("PATCH", here.run_path, {"title": "b"})).json()["updated_at"]
    await shared.engineer("POST", f"/issues/{issue}/restore")
    for client in (viewer, auditor):
        was = await client("GET", f"{here.run_path}?as_of={while_deleted}")
        assert (was.headers.get("x-history-redacted"), issue in was.text) == (None, False)
        assert issue in (await client("GET", f"{here.run_path}?version={linked}")).text


@module_loop
async def test_a_deleted_run_has_a_past_for_auditor_and_admin_only(shared: World) -> None:
    here = await campaign(shared)
    before = await version(shared, here.run)
    record = (await shared.engineer("GET", here.run_path)).content
    await shared.engineer("DELETE", here.run_path)
    for role in Role:
        for query in (f"version={before}", "as_of=2999-01-01T00:00:00Z", f"version={before + 1}", "version=x"):
            was = await shared.clients[role]("GET", f"{here.run_path}?{query}")
            if role not in (Role.AUDITOR, Role.ADMIN):
                assert problem(was) == (404, "not-found"), role
            elif query == "version=x":
                assert was.status_code == 422
            else:
                assert was.json()["test_cards"] == json.loads(record)["test_cards"]
    await shared.engineer("POST", f"{here.run_path}/restore")
    viewer = shared.clients[Role.VIEWER]
    assert (await viewer("GET", f"{here.run_path}?version={before}")).content == record
    assert problem(await viewer("GET", f"{here.run_path}?version={before + 1}")) == (404, "not-found")


@module_loop
async def test_names_in_the_past_are_those_of_today(shared: World) -> None:
    here = await campaign(shared)
    await shared.engineer("PUT", f"/systems/{here.system}", {"system_name": "Renamed"})
    assert (await shared.engineer("GET", f"{here.run_path}?version=1")).json()["system_name"] == "Renamed"


@module_loop
async def test_a_number_names_a_past_run_too_and_other_systems_have_none(shared: World) -> None:
    here = await campaign(shared)
    number = (await shared.engineer("GET", here.run_path)).json()["test_run_id"]
    assert (await shared.engineer("GET", f"/test-runs/{number}?version=1")).json()["uuid"] == here.run
    other = (await campaign(shared)).system
    stranger = await shared.client(Role.ADMIN, systems=[other])
    assert problem(await stranger("GET", f"{here.run_path}?version=1")) == (404, "not-found")


@module_loop
async def test_the_past_can_be_read_while_the_present_is_written(shared: World) -> None:
    here = await campaign(shared)
    reads = [shared.clients[Role.VIEWER]("GET", f"{here.run_path}?version=1") for _ in range(8)]
    edit = shared.engineer("PATCH", here.run_path, {"title": "b"})
    outcome = shared.engineer("PATCH", here.step_path, {"execution_status": "passed"})
    answers = await asyncio.gather(*reads, edit, outcome)
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers[:8]}) == 1


async def test_who_recorded_an_outcome_that_was_overwritten_contributed(world: World) -> None:
    here = await campaign(world)
    for client, status in ((world.engineer, "passed"), (world.clients[Role.OPERATOR], "failed"), (world.engineer, "passed")):
        assert (await client("PATCH", here.step_path, {"execution_status": status})).status_code == 200
    now = await world.engineer("GET", here.run_path)
    assert len(now.json()["contributors"]) == 2
    assert (await world.engineer("GET", f"{here.run_path}?version={now.headers['x-run-version']}")).content == now.content
