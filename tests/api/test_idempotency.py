"""The same key gives the same answer, once."""

import asyncio
from typing import Any

import psycopg
import pytest
from psycopg import sql

from domain.tokens import Role
from tests.api.making import campaign, made, problem, version
from tests.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEPT = ("etag", "location", "x-command-id", "x-run-version")


def told(answer: Any) -> tuple[Any, ...]:
    return answer.status_code, answer.content, *(answer.headers.get(name) for name in KEPT)


async def test_every_kind_of_write_is_answered_again_as_the_first_time(shared: World) -> None:
    here, client = await campaign(shared, 2), shared.engineer
    issue = (await made(client, "/issues", {"title": "a"}))["uuid"]
    writes = [
        ("PATCH", here.run_path, {"title": "b"}),
        ("PATCH", here.run_path, {}),
        ("POST", f"{here.run_path}/cards", {"title": "b"}),
        ("PUT", f"{here.run_path}/cards/order", None),
        ("POST", f"{here.run_path}/results", {"results": [{"test_step_id": here.steps[0], "execution_status": "passed"}]}),
        ("PUT", f"{here.step_path}/issues/{issue}", None),
        ("DELETE", f"{here.step_path}/issues/{issue}", None),
        ("POST", f"{here.step_path}/observations", {"text": "a"}),
        ("DELETE", here.step_path, None),
        ("POST", f"{here.step_path}/restore", None),
        ("DELETE", here.card_path, None),
        ("POST", f"{here.run_path}/close", None),
        ("POST", f"{here.run_path}/reopen", {"reason": "more"}),
        ("DELETE", here.run_path, None),
        ("POST", f"{here.run_path}/restore", None),
        ("DELETE", f"/issues/{issue}", None),
    ]
    for n, (method, path, body) in enumerate(writes):
        if path.endswith("/cards/order"):
            body = {"ids": [c["uuid"] for c in reversed((await client("GET", here.run_path)).json()["test_cards"])]}  # noqa: PLW2901
        first = await client(method, path, body, idempotency_key=f"{here.run} {n}")
        assert first.status_code < 300, (method, path, first.text)
        assert "idempotency-replayed" not in first.headers
        again = await client(method, path, body, idempotency_key=f"{here.run} {n}")
        assert (told(again), again.headers.get("idempotency-replayed")) == (told(first), "true"), (method, path)


async def test_another_request_with_the_key_is_refused(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    await client("PATCH", here.run_path, b'{"title": "a"}', idempotency_key="other")
    for method, path, body in (
        ("PATCH", here.run_path, b'{"title":"a"}'),
        ("PATCH", f"{here.run_path}?x=1", b'{"title": "a"}'),
        ("PATCH", here.card_path, b'{"title": "a"}'),
        ("DELETE", here.run_path, b""),
        ("PATCH", here.run_path, b'{"title": ""}'),
    ):
        assert problem(await client(method, path, body, idempotency_key="other")) == (422, "idempotency-key-reused"), (method, path, body)


async def test_a_key_belongs_to_its_actor(shared: World) -> None:
    here = await campaign(shared)
    first = await shared.engineer("PATCH", here.run_path, {"title": "a"}, idempotency_key="mine")
    other = await shared.clients[Role.ADMIN]("PATCH", here.run_path, {"title": "b"}, idempotency_key="mine")
    same_person = await shared.client(Role.ENGINEER)
    assert (other.status_code, other.json()["title"]) == (200, "b")
    assert told(await same_person("PATCH", here.run_path, {"title": "a"}, idempotency_key="mine")) == told(first)


async def test_a_refused_request_leaves_its_key_free(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    for body, status in (({"title": ""}, 422), ({"title": "a", "x": 1}, 422), ({"title": "fine"}, 200), ({"title": "fine"}, 200)):
        assert (await client("PATCH", here.card_path, body, idempotency_key="free")).status_code == status


@pytest.mark.parametrize("key", ["x" * 256, "é", "a\tb", "a\x7fb"])
async def test_a_key_of_another_form_is_malformed(shared: World, key: str) -> None:
    here = await campaign(shared)
    before = await version(shared, here.run)
    headers = [(b"authorization", f"Bearer {shared.engineer.token}".encode()), (b"idempotency-key", key.encode())]
    for method, path in (
        ("PATCH", here.run_path),
        ("DELETE", here.run_path),
        ("PATCH", "/test-runs/none"),
        ("POST", f"{here.run_path}/close"),
    ):
        assert problem(await shared.http.request(method, f"/api/v1{path}", headers=headers)) == (400, "malformed-request")
    assert await version(shared, here.run) == before


@pytest.mark.parametrize("key", ["x", "x" * 255, "a b", "!~\"'"])
async def test_printable_ascii_is_a_key(shared: World, key: str) -> None:
    here = await campaign(shared)
    assert (await shared.engineer("POST", f"{here.run_path}/cards", {"title": "a"}, idempotency_key=key)).status_code == 201


async def test_a_replay_minds_scope_and_role_of_the_token_that_asks(shared: World) -> None:
    here = await campaign(shared)
    elsewhere = (await made(shared.engineer, "/systems", {"system_name": "b"}))["system_id"]
    assert (await shared.engineer("DELETE", here.run_path, idempotency_key="scope")).status_code == 204
    outside = await shared.client(Role.ENGINEER, systems=[elsewhere])
    lower = await shared.client(Role.VIEWER, "engineer@example.com")
    for client in (outside, lower):
        assert problem(await client("DELETE", here.run_path, idempotency_key="scope")) == (404, "not-found")
    assert (await shared.engineer("DELETE", here.run_path, idempotency_key="scope")).status_code == 204
    assert problem(await shared.engineer("DELETE", here.run_path)) == (404, "not-found")
    assert problem(await shared.engineer("DELETE", here.run_path, idempotency_key="another")) == (404, "not-found")


async def test_a_replay_comes_before_conditions_fields_and_state(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    tag = (await client("GET", here.run_path)).headers["etag"]
    first = await client("PATCH", here.run_path, {"title": "a"}, idempotency_key="before", if_match=tag)
    await client("PATCH", here.run_path, {"title": "b"})
    await client("POST", f"{here.run_path}/close")
    again = await client("PATCH", here.run_path, {"title": "a"}, idempotency_key="before", if_match=tag)
    assert told(again) == told(first)
    assert (await client("GET", here.run_path)).json()["title"] == "b"


async def test_after_seven_days_a_key_names_its_command_and_stays_used(shared: World) -> None:
    here, client = await campaign(shared), shared.engineer
    first = await client("PATCH", here.run_path, {"title": "a"}, idempotency_key="old")
    for days, status in (("6 days 23:59", 200), ("7 days 00:01", 409)):
        async with await psycopg.AsyncConnection.connect(str(shared.settings.owner_url), autocommit=True) as conn:
            table = sql.Identifier(shared.settings.schema, "idempotency")
            aged = sql.SQL("UPDATE {} SET recorded_at = now() - %s::interval WHERE key = 'old'").format(table)
            await conn.execute(aged, (days,))
        again = await client("PATCH", here.run_path, {"title": "a"}, idempotency_key="old")
        assert again.status_code == status
    assert problem(again) == (409, "state-conflict")
    assert first.headers["x-command-id"] in again.json()["detail"]
    assert problem(await client("PATCH", here.run_path, {"title": "b"}, idempotency_key="old")) == (422, "idempotency-key-reused")


async def test_fifty_at_once_make_one_run(shared: World) -> None:
    system = (await made(shared.engineer, "/systems", {"system_name": "PDU"}))["system_id"]
    body = {"title": "Once", "system_id": system}
    asked = (shared.engineer("POST", "/test-runs", body, idempotency_key="fifty") for _ in range(50))
    answers = await asyncio.gather(*asked)
    done = [a for a in answers if a.status_code == 201]
    assert len({(a.content, a.headers["x-command-id"]) for a in done}) == 1
    for waiting in (a for a in answers if a.status_code != 201):
        assert (problem(waiting), waiting.headers["retry-after"]) == ((409, "request-in-progress"), "1")
    assert (await shared.engineer("GET", f"/test-runs?system_id={system}")).json()["count"] == 1
