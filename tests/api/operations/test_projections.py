"""What an operator sees of views and followers, and what can be asked of them."""

import asyncio
from uuid import UUID, uuid4

from domain.tokens import Role
from infra import followers
from projections import views
from tests.api.making import errors, problem
from tests.conftest import World
from tests.workers.test_sequencer import make_system
from workers import rebuilding


async def test_the_standing_of_views_sequence_and_followers_is_shown(world: World) -> None:
    await make_system(world, 1)
    shown = (await world.clients[Role.ADMIN]("GET", "/admin/projections")).json()
    assert (shown["views"]["fingerprint"], shown["views"]["current"]) == (views.fingerprint(), True)
    assert set(shown["views"]["rows"]) == {table.name for table in views.TABLES}
    assert shown["sequence"]["seq"] == 0
    assert shown["sequence"]["events"] == 6  # five tokens and a system
    assert (shown["followers"], shown["parked"], shown["rebuilds"]) == ([], [], [])
    assert shown["embedding"] == {"model": None, "documents": 0, "embedded": 0, "waiting": 0}


async def test_a_rebuild_that_is_asked_for_is_done_by_the_worker(world: World) -> None:
    admin = world.clients[Role.ADMIN]
    await make_system(world, 1)
    asked = await admin("POST", "/admin/rebuild", idempotency_key="once")
    assert (asked.status_code, asked.json()["state"]) == (202, "asked")
    repeated = await admin("POST", "/admin/rebuild", idempotency_key="once")
    assert (repeated.status_code, repeated.content, repeated.headers["idempotency-replayed"]) == (202, asked.content, "true")
    again = await admin("POST", "/admin/rebuild")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/state-conflict")
    stopping = asyncio.Event()
    working = asyncio.create_task(rebuilding.run(world.settings, stopping))
    for _ in range(300):
        found = (await admin("GET", "/admin/projections")).json()["rebuilds"]
        if found[0]["state"] not in ("asked", "running"):
            break
        await asyncio.sleep(0.1)
    stopping.set()
    await working
    assert [(r["rebuild_id"], r["state"], r["done"], r["differences"]) for r in found] == [(asked.json()["rebuild_id"], "done", 6, [])]
    assert (await admin("POST", "/admin/rebuild")).status_code == 202


async def test_a_parked_root_is_shown_and_asked_for_again(world: World) -> None:
    admin, root = world.clients[Role.ADMIN], uuid4()
    async with world.pool.connection() as conn:
        await followers.hold(conn, "relay")
        await followers.park(conn, "relay", root, 3, 5, "ValueError: no")
    answer = await admin("POST", "/admin/followers/relay/retry", {"root_id": str(root), "reason": "mended"})
    assert (answer.status_code, answer.json()["wanted"]) == (200, "retry")
    shown = (await admin("GET", "/admin/projections")).json()
    assert [(p["follower"], UUID(p["root_id"]), p["wanted"], p["reason"]) for p in shown["parked"]] == [("relay", root, "retry", "mended")]
    assert [(f["name"], f["parked"]) for f in shown["followers"]] == [("relay", 1)]
    wrong = await admin("POST", "/admin/followers/relay/skip", {"root_id": str(root), "reason": " "})
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "blank")
    unknown = {"root_id": str(uuid4()), "reason": "x"}
    other_root = await admin("POST", "/admin/followers/relay/skip", unknown)
    assert (problem(other_root), errors(other_root)) == ((422, "unknown-reference"), {("#/root_id", "not_found")})
    assert problem(await admin("POST", "/admin/followers/nobody/skip", unknown)) == (404, "not-found")
