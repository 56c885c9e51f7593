"""Tokens and people over HTTP, and the log of who was denied or saw what is not for everyone."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from domain.tokens import Role
from infra import access_log
from infra.access_log import AccessLog, Entry
from tests.api.making import campaign, errors, made, problem
from tests.conftest import Atlas, World

module_loop = pytest.mark.asyncio(loop_scope="module")

NEW = {"name": "bench 3", "email": "aiko@example.com", "role": "operator"}


async def entries(world: World, query: str = "") -> list[dict[str, Any]]:
    answer = await world.clients[Role.AUDITOR]("GET", f"/admin/access-log?{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def last(world: World) -> dict[str, Any]:
    """The newest entry but the reading of the log itself."""
    return next(e for e in await entries(world) if e["reason"] != "access log")


@module_loop
async def test_an_issued_token_is_shown_once_and_works(shared: World) -> None:
    admin = shared.clients[Role.ADMIN]
    answer = await admin("POST", "/admin/tokens", NEW)
    shown = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"/api/v1/admin/tokens/{shown['token_id']}"
    assert (shown["email"], shown["role"], shown["system_ids"], shown["revoked"]) == ("aiko@example.com", "operator", None, False)
    days = (datetime.fromisoformat(shown["expires_at"] + "Z") - datetime.now(UTC)).total_seconds() / 86_400
    assert 89.9 < days < 90.1
    person = Atlas(shared.http, shown["token"])
    assert (await person("GET", "/test-runs")).status_code == 200
    listed = await admin("GET", "/admin/tokens")
    assert listed.headers["cache-control"] == "no-store"
    assert shown["token"].rpartition("_")[2] not in listed.text
    assert listed.json()["items"][0]["token_id"] == shown["token_id"]
    assert int(listed.headers["x-total-count"]) == listed.json()["count"]


@module_loop
async def test_a_repetition_with_the_same_key_has_the_token_no_more(shared: World) -> None:
    admin = shared.clients[Role.ADMIN]
    first = await admin("POST", "/admin/tokens", NEW, idempotency_key="k")
    again = await admin("POST", "/admin/tokens", NEW, idempotency_key="k")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json() | {"token": None}
    async with shared.pool.connection() as conn:
        kept = await (await conn.execute("SELECT string_agg(convert_from(body, 'UTF8'), '') FROM idempotency")).fetchone()
    assert kept
    assert first.json()["token"].rpartition("_")[2] not in kept[0]


@module_loop
async def test_what_is_wrong_with_a_token_is_said_at_once(shared: World) -> None:
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    bad = {"name": " ", "email": "nobody", "role": "king", "system_ids": [], "expires_at": past}
    assert errors(await shared.clients[Role.ADMIN]("POST", "/admin/tokens", bad)) == {
        ("#/name", "blank"),
        ("#/email", "invalid_format"),
        ("#/role", "invalid_value"),
        ("#/system_ids", "too_short"),
        ("#/expires_at", "out_of_range"),
    }
    unknown = NEW | {"system_ids": [str(uuid4())]}
    assert errors(await shared.clients[Role.ADMIN]("POST", "/admin/tokens", unknown)) == {("#/system_ids/0", "not_found")}


@module_loop
async def test_an_admin_of_one_system_administers_no_tokens(shared: World) -> None:
    here = await campaign(shared)
    limited = await shared.client(Role.ADMIN, systems=[here.system])
    for method, path in (("POST", "/admin/tokens"), ("GET", "/admin/tokens"), ("GET", "/admin/users"), ("GET", "/admin/access-log")):
        assert problem(await limited(method, path, NEW if method == "POST" else None)) == (403, "forbidden")


@module_loop
async def test_the_last_use_of_a_token_shows_soon(shared: World) -> None:
    admin = shared.clients[Role.ADMIN]
    token = await made(admin, "/admin/tokens", NEW)
    person = Atlas(shared.http, token["token"])
    for _ in range(3):
        await person("GET", "/systems")
    for _ in range(50):
        found = next(t for t in (await admin("GET", "/admin/tokens")).json()["items"] if t["token_id"] == token["token_id"])
        if found["last_used_at"] is not None:
            break
        await asyncio.sleep(0.05)
    used = datetime.fromisoformat(found["last_used_at"] + "Z")
    assert abs((datetime.now(UTC) - used).total_seconds()) < 10


async def test_an_erased_person_is_named_nowhere_and_let_in_no_more(world: World) -> None:
    admin = world.clients[Role.ADMIN]
    token = await made(admin, "/admin/tokens", NEW, idempotency_key="k")
    person, here = Atlas(world.http, token["token"]), await campaign(world)
    step = await person("PATCH", here.step_path, {"execution_status": "passed"}, idempotency_key="p")
    assert step.status_code == 200
    shown = f"erased-user-{token['actor_id'][:8]}"
    path = f"/admin/users/{token['actor_id']}/email"
    assert (await admin("DELETE", path, idempotency_key="e")).status_code == 204
    assert (await admin("DELETE", path, idempotency_key="e")).status_code == 204
    assert problem(await admin("DELETE", path)) == (404, "not-found")
    for seen in (f"{here.run_path}/history", here.run_path, f"{here.run_path}?version=4", "/test-runs", "/admin/tokens", "/admin/users"):
        text = (await admin("GET", seen)).text
        assert "aiko" not in text
        assert shown in text, seen
    assert problem(await admin("POST", "/admin/tokens", NEW, idempotency_key="k")) == (409, "state-conflict")
    async with world.pool.connection() as conn:
        for table in ("users", "idempotency", "events", "access_log"):
            held = await (await conn.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%%aiko%%'")).fetchone()
            assert held == (0,), table
    await asyncio.sleep(2.1)
    assert problem(await person("GET", "/test-runs")) == (401, "unauthenticated")
    erasure, denial = (await entries(world, "actor=admin%40example.com"))[0], (await last(world))
    assert (erasure["reason"], erasure["status"], erasure["path"]) == ("erasure", 204, f"/api/v1{path}")
    assert (denial["reason"], denial["status"], denial["actor"]) == ("revoked token", 401, shown)
    assert [e["reason"] for e in await entries(world, f"actor={shown}")] == ["revoked token"]
    again = await made(admin, "/admin/tokens", NEW)
    assert again["actor_id"] != token["actor_id"]


@module_loop
async def test_each_denial_is_on_record_with_who_and_why(shared: World) -> None:
    here, there = await campaign(shared), await campaign(shared)
    outsider = await shared.client(Role.ENGINEER, "out@example.com", systems=[there.system])
    old = await shared.client(Role.VIEWER, "old@example.com", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    viewer = shared.clients[Role.VIEWER]

    async def seen(client: Atlas, method: str, path: str, **headers: str) -> tuple[Any, ...]:
        answer = await client(method, path, None, x_request_id="r1", **headers)
        found = await last(shared)
        assert (found["request_id"], found["method"]) == ("r1", method)
        assert answer.status_code == found["status"]
        return tuple(found[name] for name in ("status", "reason", "actor", "role", "path"))

    run = f"/api/v1{here.run_path}"
    assert await seen(viewer, "DELETE", here.run_path) == (403, "role too low", "viewer@example.com", "viewer", run)
    assert await seen(outsider, "GET", here.run_path) == (404, "out of scope", "out@example.com", "engineer", run)
    assert await seen(outsider, "DELETE", here.run_path) == (404, "out of scope", "out@example.com", "engineer", run)
    assert await seen(outsider, "GET", f"{here.run_path}?version=1") == (404, "out of scope", "out@example.com", "engineer", run)
    job = f"/job-runs/{(await made(shared.engineer, f'{here.run_path}/reports', {'scope': 'run'}))['job_run_id']}"
    for method, path in (("GET", job), ("POST", f"{job}/cancel")):
        assert await seen(outsider, method, path) == (404, "out of scope", "out@example.com", "engineer", f"/api/v1{path}")
    assert await seen(old, "GET", here.run_path) == (401, "expired token", "old@example.com", None, run)
    assert await seen(viewer, "GET", here.run_path, authorization="") == (401, "no token", None, None, run)
    assert await seen(viewer, "GET", here.run_path, authorization="Bearer x") == (401, "malformed token", None, None, run)
    assert await seen(Atlas(shared.http, viewer.token + "x"), "GET", run[7:]) == (401, "unknown token", None, None, run)


@module_loop
async def test_what_anyone_may_ask_is_not_on_record(shared: World) -> None:
    here, viewer = await campaign(shared), shared.clients[Role.VIEWER]
    before = await entries(shared, "limit=1000")
    assert (await viewer("GET", here.run_path)).status_code == 200
    assert (await viewer("GET", f"/test-runs/{uuid4()}")).status_code == 404
    assert (await viewer("GET", f"{here.run_path}/history")).status_code == 200
    assert (await shared.clients[Role.AUDITOR]("GET", f"{here.run_path}/history")).status_code == 200
    assert len(await entries(shared, "limit=1000")) == len(before) + 1  # the reading of the log


@module_loop
async def test_each_privileged_read_is_on_record(shared: World) -> None:
    here, auditor = await campaign(shared), shared.clients[Role.AUDITOR]
    await shared.engineer("DELETE", here.card_path)
    for path, reason in (
        (f"{here.run_path}/history", "deleted things"),
        (f"{here.run_path}/diff?from=1", "deleted things"),
        (f"{here.run_path}?version=2", "deleted things"),
        ("/audit/verify", "verification"),
    ):
        assert (await auditor("GET", path)).status_code == 200
        found = await last(shared)
        assert (found["reason"], found["actor"], found["path"]) == (reason, "auditor@example.com", f"/api/v1{path.split('?')[0]}")
    assert (await entries(shared))[0]["reason"] == "access log"
    there, issue = await campaign(shared), (await made(shared.engineer, "/issues", {"title": "Arcing"}))["uuid"]
    await shared.engineer("PUT", f"{there.run_path}/issues/{issue}")
    await shared.engineer("DELETE", f"/issues/{issue}")
    assert "Arcing" in (await auditor("GET", f"{there.run_path}?version=4")).text
    assert (await last(shared))["path"] == f"/api/v1{there.run_path}"


@module_loop
async def test_no_secret_and_no_query_gets_into_the_log(shared: World) -> None:
    token = shared.clients[Role.ADMIN].token
    sent = {"user-agent": f"curl {token}", "authorization": f"Bearer {token}x"}
    await shared.http.get(f"/api/v1/test-runs/{token}?access_token={token}", headers=sent)
    await shared.http.get("/api/v1/test-runs/%00%ff", headers={"user-agent": "\x7f" * 300})
    async with shared.pool.connection() as conn:
        text = await (await conn.execute("SELECT string_agg(t::text, '') FROM access_log t")).fetchone()
    assert text
    assert token.rpartition("_")[2] not in text[0]
    assert "access_token" not in text[0]
    found = (await entries(shared, "status=401"))[:2]
    assert [len(e["client"]) for e in found] == [200, len("curl [hidden]")]
    assert found[1]["path"] == "/api/v1/test-runs/[hidden]"


@module_loop
async def test_the_log_is_walked_by_cursor(shared: World) -> None:
    for _ in range(5):
        await shared.http.get("/api/v1/systems")
    auditor = shared.clients[Role.AUDITOR]
    answer = await auditor("GET", "/admin/access-log?status=401&limit=2")
    seen, total = [], int(answer.headers["x-total-count"])
    while True:
        seen += [e["entry_id"] for e in answer.json()["items"]]
        if "link" not in answer.headers:
            break
        answer = await auditor("GET", answer.headers["link"].split(">")[0].removeprefix("</api/v1"))
    assert len(set(seen)) == len(seen) == total >= 5
    assert errors(await auditor("GET", "/admin/access-log?status=99&limit=0&cursor=x")) == {
        ("query:status", "out_of_range"),
        ("query:limit", "out_of_range"),
        ("query:cursor", "invalid_value"),
    }


async def test_without_a_row_there_is_no_answer(world: World) -> None:
    here = await campaign(world)
    await world.engineer("DELETE", here.card_path)
    with psycopg.connect(world.settings.owner_url or "", autocommit=True) as owner:
        owner.execute("ALTER TABLE runledger.access_log RENAME TO away")
        refused = [
            await world.http.get("/api/v1/systems"),
            await world.clients[Role.VIEWER]("DELETE", here.run_path),
            await world.clients[Role.AUDITOR]("GET", f"{here.run_path}/history"),
            await world.clients[Role.AUDITOR]("GET", "/audit/verify"),
        ]
        person = (await world.clients[Role.ADMIN]("GET", "/admin/users")).json()["items"][0]
        erasure = await world.clients[Role.ADMIN]("DELETE", f"/admin/users/{person['actor_id']}/email")
        assert erasure.status_code >= 500
        assert (await world.clients[Role.VIEWER]("GET", here.run_path)).status_code == 200
        owner.execute("ALTER TABLE runledger.away RENAME TO access_log")
    for answer in refused:
        assert problem(answer) == (503, "unavailable")
        assert answer.headers["retry-after"] == "2"
    assert (await world.clients[Role.ADMIN]("GET", "/admin/users")).json()["items"][0] == person


async def test_a_flood_of_denials_leaves_the_pool_to_others(world: World) -> None:
    here, viewer = await campaign(world), world.clients[Role.VIEWER]
    bad = Atlas(world.http, viewer.token[:-5] + "00000")
    flood = [asyncio.create_task(bad("GET", here.run_path)) for _ in range(1_000)]
    while not all(task.done() for task in flood):
        assert (await viewer("GET", here.run_path)).status_code == 200
        await asyncio.sleep(0.01)
    denied = sum(task.result().status_code == 401 for task in flood)
    assert denied >= 900
    assert {task.result().status_code for task in flood} <= {401, 503}  # a busy machine may not write a row in time: then nobody is told
    async with world.pool.connection() as conn:
        (rows,) = await (await conn.execute("SELECT count(*) FROM access_log WHERE status = 401")).fetchone() or (0,)
    assert denied <= rows <= 1_000


async def test_a_lasting_flood_of_denials_is_answered_503_and_leaves_the_log_to_those_with_a_token(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "STRANGERS_MAX", 10)
    monkeypatch.setattr(access_log, "STRANGERS_PER_S", 0)
    bad = Atlas(world.http, world.engineer.token[:-5] + "00000")
    answers = [problem(await bad("GET", "/systems")) for _ in range(30)]
    assert answers == [(401, "unauthenticated")] * 10 + [(503, "unavailable")] * 20
    assert problem(await world.clients[Role.VIEWER]("GET", "/admin/users")) == (403, "forbidden")
    assert len(await entries(world, "status=401")) == 10
    assert len(await entries(world, "status=403")) == 1
    monkeypatch.setattr(access_log, "STRANGERS_PER_S", 1_000)
    await asyncio.sleep(0.02)
    assert problem(await bad("GET", "/systems")) == (401, "unauthenticated")


async def test_more_than_may_wait_are_refused(world: World) -> None:
    log = AccessLog(world.pool)
    entry = Entry(401, "no token", "GET", "/", None, None, None, "r", "")
    done = await asyncio.gather(*(log.record(entry) for _ in range(3_000)), return_exceptions=True)
    assert sum(result is None for result in done) == 2_000


@pytest.mark.parametrize("right", ["UPDATE access_log SET reason = ''", "DELETE FROM access_log", "TRUNCATE access_log"])
async def test_the_application_can_only_add_to_the_log(world: World, right: str) -> None:
    async with world.pool.connection() as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(right)
