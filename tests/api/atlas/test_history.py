"""What happened to a run, and to the catalogue."""

from typing import Any
from uuid import UUID

import pytest

from domain.tokens import Role
from tests.api.atlas.wandering import changes, history
from tests.api.making import Campaign, campaign, errors, made, problem, version
from tests.conftest import World
from tests.workers.test_sequencer import caught_up, running

module_loop = pytest.mark.asyncio(loop_scope="module")
SEEN = (Role.AUDITOR, Role.ADMIN)


async def last(world: World, here: Campaign) -> tuple[str, str, str, dict[str, list[Any]]]:
    entry = (await history(world.clients[Role.AUDITOR], here.run_path))[-1]
    return entry["type"], entry["component_type"], entry["component_title"], changes(entry)


@module_loop
async def test_an_entry_says_who_did_what_to_what_and_when(shared: World) -> None:
    here = await campaign(shared)
    sent = {"x_request_id": "req-7", "user_agent": "rig/" + "9" * 300}
    answer = await shared.clients[Role.OPERATOR]("PATCH", here.step_path, {"execution_status": "passed"}, **sent)
    entry = (await history(shared.engineer, here.run_path))[-1]
    assert UUID(entry.pop("event_id")).version == 7
    assert entry == {
        "position": None,
        "version": 4,
        "type": "step.outcome_recorded",
        "recorded_at": answer.json()["updated_at"],
        "actor": "operator@example.com",
        "component_type": "step",
        "component_id": here.steps[0],
        "component_title": "Step 0",
        "changes": [{"field": "execution_status", "old": "todo", "new": "passed"}],
        "reason": None,
        "request_id": "req-7",
        "source": {"surface": "atlas", "client": "rig/" + "9" * 196},
        "hash": None,
    }


@module_loop
async def test_a_creation_lists_what_the_thing_began_with(shared: World) -> None:
    here = await campaign(shared)
    run, card, step = await history(shared.engineer, here.run_path)
    number = (await shared.engineer("GET", here.run_path)).json()["test_run_id"]
    assert changes(run) == {
        "test_run_id": [None, number],
        "title": [None, "Motor Controller Acceptance Test"],
        "description": [None, ""],
        "system_id": [None, here.system],
        "asset_ids": [None, []],
        "issue_ids": [None, []],
    }
    assert (run["type"], run["component_type"], run["version"]) == ("test_run.created", "run", 1)
    assert changes(card) == {
        "title": [None, "Overvoltage protection"],
        "description": [None, ""],
        "issue_ids": [None, []],
        "order": [None, 1],
    }
    assert changes(step)["test_card_id"] == [None, here.card]
    assert changes(step)["execution_status"] == [None, "todo"]
    assert changes(step)["step_type"] == [None, "passfail"]
    assert changes(step)["order"] == [None, 1]


@module_loop
async def test_every_change_is_told_field_by_field(shared: World) -> None:
    here = await campaign(shared, steps=3)
    issue = (await made(shared.engineer, "/issues", {"title": "Hot"}))["uuid"]
    one, two, three = here.steps
    run, card, step = here.run_path, here.card_path, here.step_path
    title = "Motor Controller Acceptance Test"
    at = "2026-04-13T11:00:00.5+02:00"
    for method, path, body, expected in (
        ("PATCH", run, {"title": "B"}, ("test_run.edited", "run", "B", {"title": [title, "B"]})),
        ("PATCH", card, {"order": 4}, ("card.moved", "card", "Overvoltage protection", {"order": [1, 4]})),
        (
            "PUT",
            f"{run}/cards/order",
            {"ids": [here.card]},
            ("card.moved", "run", "B", {"test_card_ids": [[here.card], [here.card]]}),
        ),
        ("PATCH", card, {"order": 4}, ("card.moved", "card", "Overvoltage protection", {"order": [1, 4]})),
        (
            "PUT",
            f"{card}/steps/order",
            {"ids": [three, one, two]},
            ("step.moved", "card", "Overvoltage protection", {"test_step_ids": [[one, two, three], [three, one, two]]}),
        ),
        ("PATCH", step, {"order": 9}, ("step.moved", "step", "Step 0", {"order": [2, 9]})),
        ("PATCH", step, {"title": "S"}, ("step.edited", "step", "S", {"title": ["Step 0", "S"]})),
        ("PUT", f"{step}/issues/{issue}", None, ("issue.linked", "step", "S", {"issue_ids": [[], [issue]]})),
        ("DELETE", f"{step}/issues/{issue}", None, ("issue.unlinked", "step", "S", {"issue_ids": [[issue], []]})),
        (
            "PATCH",
            step,
            {"execution_status": "passed_with_exception", "exception": "Hot", "ended_at": at},
            (
                "step.outcome_recorded",
                "step",
                "S",
                {
                    "execution_status": ["todo", "passed_with_exception"],
                    "exception": [None, "Hot"],
                    "ended_at": [None, "2026-04-13T09:00:00.500000"],
                },
            ),
        ),
        (
            "PATCH",
            step,
            {"execution_status": "passed_with_exception"},
            ("step.outcome_recorded", "step", "S", {"execution_status": ["passed_with_exception"] * 2}),
        ),
        ("DELETE", step, None, ("step.deleted", "step", "S", {"deleted": [False, True]})),
        ("POST", f"{step}/restore", None, ("step.restored", "step", "S", {"deleted": [True, False]})),
        ("POST", f"{run}/close", None, ("test_run.closed", "run", "B", {"status": ["open", "closed"]})),
        ("POST", f"{run}/reopen", {"reason": "Again"}, ("test_run.reopened", "run", "B", {"status": ["closed", "open"]})),
    ):
        assert (await shared.engineer(method, path, body)).status_code in (200, 204), path
        assert await last(shared, here) == expected, path
    assert (await history(shared.engineer, run))[-1]["reason"] == "Again"


@module_loop
async def test_observations_go_by_the_title_of_their_step(shared: World) -> None:
    here = await campaign(shared)
    seen = await made(shared.engineer, f"{here.step_path}/observations", {"text": "It hums."})
    assert await last(shared, here) == (
        "observation.recorded",
        "observation",
        "Step 0",
        {"test_step_id": [None, here.steps[0]], "text": [None, "It hums."]},
    )
    await shared.engineer("PATCH", here.step_path, {"title": "Later"})
    await shared.engineer("PATCH", f"{here.step_path}/observations/{seen['uuid']}", {"text": "It sings."})
    assert await last(shared, here) == ("observation.edited", "observation", "Later", {"text": ["It hums.", "It sings."]})
    first, _ = await history(shared.engineer, here.run_path, "component=observation")
    assert first["component_title"] == "Step 0"


@module_loop
async def test_filters_choose_and_counts_say_how_many(shared: World) -> None:
    here = await campaign(shared, steps=2)
    operator = shared.clients[Role.OPERATOR]
    for step in here.steps:
        await operator("PATCH", f"{here.card_path}/steps/{step}", {"execution_status": "done"})
    await shared.engineer("PUT", f"{here.card_path}/steps/order", {"ids": here.steps[::-1]})
    for query, versions in (
        ("", [1, 2, 3, 4, 5, 6, 7]),
        ("order=asc", [1, 2, 3, 4, 5, 6, 7]),
        ("order=desc", [7, 6, 5, 4, 3, 2, 1]),
        ("component=run", [1]),
        ("component=card", [2, 7]),
        ("component=step", [3, 4, 5, 6]),
        ("component=file", []),
        (f"component_id={here.steps[0]}", [3, 5]),
        (f"component=card&component_id={here.steps[0]}", []),
        ("type=step.outcome_recorded", [5, 6]),
        ("type=step.moved", [7]),
        ("actor=operator@example.com", [5, 6]),
        ("actor=operator%40example.com&order=desc", [6, 5]),
        ("actor=nobody@example.com", []),
    ):
        answer = await shared.engineer("GET", f"{here.run_path}/history?{query}")
        assert [e["version"] for e in answer.json()["items"]] == versions, query
        assert answer.headers["x-total-count"] == str(len(versions))
        assert answer.headers["x-run-version"] == "7"
        assert "link" not in answer.headers
    for query, wrong in (
        ("component=screw", {("query:component", "invalid_value")}),
        ("type=step.reordered", {("query:type", "invalid_value")}),
        ("order=up", {("query:order", "invalid_value")}),
        ("component_id=x", {("query:component_id", "invalid_format")}),
        ("limit=0&cursor=x", {("query:limit", "out_of_range"), ("query:cursor", "invalid_value")}),
        ("limit=1001", {("query:limit", "out_of_range")}),
    ):
        assert errors(await shared.engineer("GET", f"{here.run_path}/history?{query}")) == wrong, query


@module_loop
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_lead_through_the_whole_history_once(shared: World, order: str) -> None:
    here = await campaign(shared, steps=6)
    whole = await history(shared.engineer, here.run_path, f"component=step&order={order}")
    path: str | None = f"{here.run_path}/history?component=step&order={order}&limit=4"
    pages: list[Any] = []
    while path:
        answer = await shared.engineer("GET", path)
        assert answer.headers["x-total-count"] == "6"
        pages += answer.json()["items"]
        link = answer.headers.get("link")
        path = link.split(">")[0].removeprefix("</api/v1") if link else None
    assert pages == whole
    assert len(pages) == 6


@module_loop
async def test_of_what_is_deleted_the_deletion_alone_is_told(shared: World) -> None:
    here = await campaign(shared, steps=2)
    seen = await made(shared.engineer, f"{here.step_path}/observations", {"text": "It hums."})
    await shared.engineer("DELETE", f"{here.step_path}/observations/{seen['uuid']}")
    for deletion in ("DELETE", "POST", "DELETE"):
        await shared.engineer(deletion, here.step_path + ("/restore" if deletion == "POST" else ""))
    for role in Role:
        entries = await history(shared.clients[role], here.run_path)
        if role in SEEN:
            assert [e["version"] for e in entries] == list(range(1, await version(shared, here.run) + 1))
            assert all(e["changes"] for e in entries)
            continue
        told = [e for e in entries if e["component_id"] in (here.steps[0], seen["uuid"])]
        assert [(e["type"], e["version"], e["changes"]) for e in told] == [("observation.deleted", 6, []), ("step.deleted", 9, [])]
        assert "It hums." not in str(entries)
    await shared.engineer("DELETE", here.card_path)
    told = await history(shared.clients[Role.VIEWER], here.run_path)
    assert [e["type"] for e in told] == ["test_run.created", "observation.deleted", "step.deleted", "card.deleted"]
    total = await shared.clients[Role.VIEWER]("GET", f"{here.run_path}/history?limit=1")
    assert total.headers["x-total-count"] == "4"
    for path in (here.card_path, here.step_path):
        await shared.engineer("POST", f"{path}/restore")
    told = await history(shared.clients[Role.VIEWER], here.run_path)
    assert len(told) == await version(shared, here.run) - 1
    assert {e["type"] for e in told if e["component_id"] == seen["uuid"]} == {"observation.deleted"}


@module_loop
async def test_the_history_of_a_deleted_thing_is_for_auditor_and_admin(shared: World) -> None:
    here = await campaign(shared)
    asset, issue = [(await made(shared.engineer, p, b))["uuid"] for p, b in (("/assets", {"name": "a"}), ("/issues", {"title": "a"}))]
    template = (await made(shared.engineer, "/card-templates", {"title": "a", "steps": [{"title": "s"}]}))["uuid"]
    paths = (here.run_path, f"/systems/{here.system}", f"/assets/{asset}", f"/issues/{issue}", f"/card-templates/{template}")
    for path in paths:
        assert (await shared.engineer("DELETE", path)).status_code == 204
        for role in Role:
            answer = await shared.clients[role]("GET", f"{path}/history?limit=x")
            if role in SEEN:
                assert errors(answer) == {("query:limit", "invalid_type")}
                entry = (await history(shared.clients[role], path))[-1]
                assert entry["type"].endswith(".deleted")
                assert changes(entry) == {"deleted": [False, True]}
            else:
                assert problem(answer) == (404, "not-found")


@module_loop
async def test_the_catalogue_has_a_history_of_the_same_form(shared: World) -> None:
    system = (await made(shared.engineer, "/systems", {"system_name": "A"}))["system_id"]
    await shared.engineer("PUT", f"/systems/{system}", {"system_name": "B", "description": "b"})
    created, edited = await history(shared.clients[Role.VIEWER], f"/systems/{system}")
    assert (created["component_type"], created["component_title"], changes(created)) == ("system", "A", {"system_name": [None, "A"]})
    assert (edited["type"], edited["component_title"]) == ("system.edited", "B")
    assert changes(edited) == {"system_name": ["A", "B"], "description": [None, "b"]}
    template = (await made(shared.engineer, "/card-templates", {"title": "T"}))["uuid"]
    await shared.engineer("PATCH", f"/card-templates/{template}", {"steps": [{"title": "s"}]})
    edited = (await history(shared.engineer, f"/card-templates/{template}", "component=card_template"))[-1]
    steps = [{"title": "s", "description": "", "step_type": "passfail"}]
    assert changes(edited) == {"steps": [[], steps], "version": [1, 2]}
    assert errors(await shared.engineer("GET", f"/systems/{system}/history?component=step")) == {("query:component", "invalid_value")}


@module_loop
async def test_an_erased_person_has_a_name_that_tells_nothing(shared: World) -> None:
    here = await campaign(shared)
    person = await shared.client(Role.OPERATOR, "gone@example.com")
    await person("PATCH", here.step_path, {"execution_status": "passed"})
    async with shared.pool.connection() as conn:
        sql = "UPDATE users SET email = NULL WHERE email = 'gone@example.com' RETURNING actor_id"
        erased = (await (await conn.execute(sql)).fetchone() or ("",))[0]
    name = f"erased-user-{str(erased)[:8]}"
    assert [e["version"] for e in await history(shared.engineer, here.run_path, f"actor={name}")] == [4]
    assert (await history(shared.engineer, here.run_path))[-1]["actor"] == name


async def test_an_event_gets_its_position_and_hash_from_the_sequence(world: World) -> None:
    here = await campaign(world)
    async with running(world.settings), world.pool.connection() as conn:
        await caught_up(conn)
        rows = await (await conn.execute("SELECT seq, encode(chain_hash, 'hex') FROM ledger ORDER BY seq DESC LIMIT 3")).fetchall()
    told = await history(world.engineer, here.run_path, "order=desc")
    assert [(e["position"], e["hash"]) for e in told] == rows
