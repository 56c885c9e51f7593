"""Whoever is erased is named nowhere: every GET is asked, after work of every kind, and the chain still holds."""

import msgspec

from domain.tokens import Role
from tests.api.test_matrix import CLOSED_ROUTES, ask, fill, ground
from tests.api.test_what_a_limited_token_sees import text_of
from tests.conftest import World
from tests.faults.tampering import sequenced, signed

NAME = "aiko"
MORE = {
    "/api/v1/test-runs/search": ["q=a&mode=semantic"],
    "/api/v1/test-runs/{run_id}/reports/{report_id}": ["format=html"],
    "/api/v1/admin/access-log": ["actor={shown}"],
    "/api/v1/test-runs/{run_id}/history": ["actor={shown}"],
}
SHOWN_IN = {  # where the name that hides them must stand
    *("/test-runs", "/test-runs/{run_id}", "/test-runs/{run_id}/history", "/test-runs/{run_id}/data/{file_id}", "/systems/{system_id}"),
    *("/test-runs/{run_id}/reports/{report_id}", "/test-runs/{run_id}/evidence", "/admin/access-log", "/admin/users", "/admin/tokens"),
    *("/test-runs/{run_id}/cards/{card_id}/steps/{step_id}/observations", "/issues/{issue_id}/history"),
}


async def test_an_erased_person_is_named_in_no_answer_and_the_chain_still_verifies(world: World) -> None:
    admin = world.clients[Role.ADMIN]
    person = world.clients[Role.ENGINEER] = await world.client(Role.ENGINEER, f"{NAME}@example.com")
    here = await ground(world)
    assert (await person("GET", "/admin/users")).status_code == 403
    step = fill("/test-runs/{run_id}/cards/{card_id}/steps/{step_id}", here)
    assert (await person("PATCH", step, {"execution_status": "passed"})).status_code == 200
    people = (await admin("GET", "/admin/users")).json()["items"]
    actor = next(each["actor_id"] for each in people if each["actor"] == f"{NAME}@example.com")
    assert (await admin("DELETE", f"/admin/users/{actor}/email")).status_code == 204
    await sequenced(world.settings)
    await signed(world.settings)
    shown, found = f"erased-user-{actor[:8]}", set()
    for route in [r for r in CLOSED_ROUTES if r["method"] == "GET"]:
        for query in [route.get("query", ""), *MORE.get(route["path"], [])]:
            answer = await ask(admin, route | {"query": query.format(shown=shown)}, here)
            assert answer.status_code == 200, (route["path"], query, answer.text)
            assert NAME not in text_of(answer), (route["path"], query)
            if shown in text_of(answer):
                found.add(route["path"].removeprefix("/api/v1"))
    assert found >= SHOWN_IN, SHOWN_IN - found
    verified = msgspec.json.decode((await admin("GET", "/audit/verify")).content)
    assert (verified["ok"], verified["problems"]) == (True, [])
    async with world.pool.connection() as conn:
        held = await (await conn.execute("SELECT count(*) FROM events WHERE position(%s::bytea IN state) > 0", (NAME.encode(),))).fetchone()
    assert held == (0,)
