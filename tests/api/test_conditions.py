"""If-Match and If-None-Match."""

import asyncio
import re
from typing import Any

import pytest
from msgspec.structs import replace

from domain.tokens import Role
from tests.api.making import campaign, errors, made, problem, version
from tests.conftest import Atlas, World, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def tag(world: World, path: str) -> str:
    return (await world.engineer("GET", path)).headers["etag"]


async def test_the_tag_of_an_answered_write_is_the_tag_of_the_next_read(shared: World) -> None:
    here = await campaign(shared)
    for path, body in (
        (here.run_path, {"title": "a"}),
        (here.card_path, {"title": "a"}),
        (here.step_path, {"execution_status": "done"}),
        (f"/systems/{here.system}", {"system_name": "a"}),
    ):
        written = await shared.engineer("PUT" if path.startswith("/systems") else "PATCH", path, body)
        assert written.headers["etag"] == await tag(shared, path), path


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '{} , W/"x"', "*", " * "])
async def test_what_the_caller_has_already_is_not_sent_again(shared: World, form: str) -> None:
    here = await campaign(shared)
    for path in (here.run_path, here.card_path, here.step_path, f"/systems/{here.system}"):
        present = await tag(shared, path)
        for method in ("GET", "HEAD"):
            answer = await shared.engineer(method, path, if_none_match=form.format(present))
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", present)
            assert "content-length" not in answer.headers or answer.headers["content-length"] == "0"


async def test_what_has_changed_below_is_sent_again(shared: World) -> None:
    here = await campaign(shared)
    before = await tag(shared, here.run_path)
    await shared.engineer("PATCH", here.step_path, {"execution_status": "passed"})
    answer = await shared.engineer("GET", here.run_path, if_none_match=before)
    assert (answer.status_code, answer.json()["test_cards"][0]["test_steps"][0]["execution_status"]) == (200, "passed")


async def test_an_edit_minds_its_own_version_only(shared: World) -> None:
    here = await campaign(shared)
    run, card, step = [await tag(shared, p) for p in (here.run_path, here.card_path, here.step_path)]
    assert (await shared.engineer("PATCH", here.step_path, {"execution_status": "passed"}, if_match=step)).status_code == 200
    assert (await shared.engineer("PATCH", here.card_path, {"title": "a"}, if_match=card)).status_code == 200
    assert (await shared.engineer("PATCH", here.run_path, {"title": "a"}, if_match=run)).status_code == 200
    for path, old in ((here.run_path, run), (here.card_path, card), (here.step_path, step)):
        refused = await shared.engineer("PATCH", path, {"title": "b"}, if_match=old)
        assert problem(refused) == (412, "precondition-failed")
        assert refused.headers["etag"] == await tag(shared, path)


async def test_deleting_and_closing_mind_everything_in_the_run(shared: World) -> None:
    here = await campaign(shared, 2)
    old = {path: await tag(shared, path) for path in (here.run_path, here.card_path, here.step_path)}
    await shared.engineer("PATCH", f"{here.card_path}/steps/{here.steps[1]}", {"execution_status": "passed"})
    for method, path, suffix in (
        ("DELETE", here.step_path, ""),
        ("DELETE", here.card_path, ""),
        ("POST", here.run_path, "/close"),
        ("DELETE", here.run_path, ""),
    ):
        refused = await shared.engineer(method, path + suffix, if_match=old[path])
        assert problem(refused) == (412, "precondition-failed"), path
        assert refused.headers["etag"] == await tag(shared, path)
        if suffix:
            continue
        assert (await shared.engineer(method, path, if_match=await tag(shared, path))).status_code == 204


async def test_the_catalogue_has_tags_too(shared: World) -> None:
    system = (await made(shared.engineer, "/systems", {"system_name": "a"}))["system_id"]
    path = f"/systems/{system}"
    old = await tag(shared, path)
    assert re.fullmatch(r'"1-1-[0-9a-f]{12}"', old)
    assert (await shared.engineer("PUT", path, {"system_name": "b"}, if_match=old)).status_code == 200
    for method, body in (("PUT", {"system_name": "c"}), ("DELETE", None)):
        refused = await shared.engineer(method, path, body, if_match=old)
        assert (problem(refused), refused.headers["etag"]) == ((412, "precondition-failed"), await tag(shared, path))


@pytest.mark.parametrize("sent", ["W/{}", '"x"', '"1-1-zzzzzzzzzzzz"', '"a,b"', '""', '"99-99-000000000000"'])
async def test_a_weak_or_foreign_tag_never_matches(shared: World, sent: str) -> None:
    here = await campaign(shared)
    answer = await shared.engineer("PATCH", here.run_path, {"title": "b"}, if_match=sent.format(await tag(shared, here.run_path)))
    assert problem(answer) == (412, "precondition-failed")


@pytest.mark.parametrize("sent", ["x", '"x', 'x"', '*, "x"', '"a" "b"', '"a",', ",", " ", 'w/"x"', '"a\tb"', '"a b"'])
async def test_what_is_no_tag_is_malformed_before_anything_is_looked_for(shared: World, sent: str) -> None:
    here = await campaign(shared)
    for path in (here.run_path, "/test-runs/none", f"{here.run_path}/cards/none"):
        assert problem(await shared.engineer("PATCH", path, {"title": "b"}, if_match=sent)) == (400, "malformed-request")
    assert (await shared.http.patch(f"/api/v1{here.run_path}", headers={"if-match": sent})).status_code == 401


async def test_one_of_several_tags_is_enough(shared: World) -> None:
    here = await campaign(shared)
    present = await tag(shared, here.run_path)
    assert (await shared.engineer("PATCH", here.run_path, {"title": "b"}, if_match=f'"a,b", W/"x",{present}')).status_code == 200


async def test_a_star_asks_for_something_live(shared: World) -> None:
    here = await campaign(shared)
    assert (await shared.engineer("PATCH", here.card_path, {"title": "b"}, if_match="*")).status_code == 200
    assert (await shared.engineer("DELETE", here.card_path, if_match="*")).status_code == 204
    assert problem(await shared.engineer("PATCH", here.card_path, {"title": "b"}, if_match="*")) == (404, "not-found")
    refused = await shared.engineer("POST", f"{here.card_path}/restore", if_match="*")
    assert problem(refused) == (412, "precondition-failed")
    assert "etag" not in refused.headers


async def test_a_failed_condition_wins_over_the_state_and_loses_to_the_fields(shared: World) -> None:
    here = await campaign(shared)
    await shared.engineer("POST", f"{here.run_path}/close")
    stale = '"99-99-000000000000"'
    assert problem(await shared.engineer("PATCH", here.run_path, {"title": "b"}, if_match=stale)) == (412, "precondition-failed")
    assert problem(await shared.engineer("POST", f"{here.run_path}/close", if_match=stale)) == (412, "precondition-failed")
    assert problem(await shared.engineer("POST", f"{here.card_path}/restore", if_match=stale)) == (412, "precondition-failed")
    assert problem(await shared.engineer("PATCH", here.run_path, {"title": ""}, if_match=stale)) == (422, "validation-failed")
    unknown = {"asset_ids": [here.run]}
    assert problem(await shared.engineer("PATCH", here.run_path, unknown, if_match=stale)) == (422, "unknown-reference")
    assert problem(await shared.engineer("PATCH", here.run_path, {"title": "b"})) == (409, "closed")


async def test_of_ten_editors_with_one_tag_one_wins(shared: World) -> None:
    here = await campaign(shared)
    before, present = await version(shared, here.run), await tag(shared, here.card_path)
    edits = (shared.engineer("PATCH", here.card_path, {"title": f"by {n}"}, if_match=present) for n in range(10))
    answers = await asyncio.gather(*edits)
    assert sorted(a.status_code for a in answers) == [200] + [412] * 9
    assert await version(shared, here.run) == before + 1


async def test_reads_and_creations_ignore_if_match(shared: World) -> None:
    here = await campaign(shared)
    assert (await shared.engineer("GET", here.run_path, if_match='"x"')).status_code == 200
    assert (await shared.engineer("POST", f"{here.run_path}/cards", {"title": "a"}, if_match='"x"')).status_code == 201


async def test_a_deployment_may_ask_for_a_condition_on_every_change(shared: World) -> None:
    here = await campaign(shared)
    settings = replace(shared.settings, require_if_match=True)
    async with served(settings) as (_app, http, _pool):
        engineer, viewer = (Atlas(http, shared.clients[role].token) for role in (Role.ENGINEER, Role.VIEWER))
        changes: list[tuple[str, str, Any]] = [
            ("PATCH", here.run_path, {"title": ""}),
            ("DELETE", here.step_path, None),
            ("PUT", f"/systems/{here.system}", {}),
        ]
        for method, path, body in changes:
            assert problem(await engineer(method, path, body)) == (428, "precondition-required")
            assert problem(await viewer(method, path, body)) == (403, "forbidden")
        assert problem(await engineer("PATCH", "/test-runs/none", {})) == (404, "not-found")
        assert errors(await engineer("PATCH", here.run_path, {"title": ""}, if_match="*")) == {("#/title", "blank")}
        assert (await engineer("POST", f"{here.run_path}/cards", {"title": "no condition on a creation"})).status_code == 201
