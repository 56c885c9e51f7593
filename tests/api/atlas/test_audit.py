"""Verification of the ledger over HTTP."""

import asyncio
from typing import Any

import psycopg
import pytest

from api.atlas import audit
from domain.tokens import Role
from tests.api.making import campaign, errors, problem
from tests.conftest import World
from tests.faults.tampering import signed


async def verified(world: World, query: str = "") -> Any:
    answer = await world.clients[Role.AUDITOR]("GET", f"/audit/verify{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_clean_ledger_is_told_so(world: World) -> None:
    assert (await verified(world))["to_position"] == 0
    await campaign(world)
    last = await signed(world.settings)
    found = await verified(world)
    assert (found["ok"], found["from_position"], found["to_position"], found["events"], found["problems"]) == (True, 1, last, last, [])
    assert len(bytes.fromhex(found["head_hash"])) == 32
    assert found["signed_position"] == last
    assert "Z" not in found["checked_at"]


async def test_damage_is_an_answer_and_no_error(world: World) -> None:
    await campaign(world)
    last = await signed(world.settings)
    with psycopg.connect(world.settings.owner_url or "", autocommit=True) as owner:
        schema = world.settings.schema
        where = f"(originator_id, originator_version) = (SELECT originator_id, originator_version FROM {schema}.ledger WHERE seq = 3)"
        owner.execute(f"UPDATE {schema}.events SET kind = 'x' WHERE {where}")
    found = await verified(world)
    assert found["ok"] is False
    assert [(p["position"], p["kind"]) for p in found["problems"]] == [(3, "event_altered")]
    assert set(found["problems"][0]) == {"position", "kind", "detail"}
    assert (await verified(world, f"?from=4&to={last + 5}"))["to_position"] == last
    assert (await verified(world, "?from=2&to=3"))["ok"] is False


async def test_a_range_must_make_sense(world: World) -> None:
    client = world.clients[Role.ADMIN]
    for query, code in (
        ("from=0", "out_of_range"), ("from=x", "invalid_type"), ("from=3&to=2", "out_of_range"), ("to=1000001", "limit_exceeded"),
    ):  # fmt: skip
        assert [found for _, found in errors(await client("GET", f"/audit/verify?{query}"))] == [code]
    assert problem(await client("GET", "/audit/verify?from=1&from=2")) == (400, "malformed-request")


async def test_one_request_goes_only_so_far(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "POSITIONS_MAX", 4)
    await campaign(world)
    last = await signed(world.settings)
    assert ((await verified(world))["to_position"], (await verified(world, "?from=5"))["from_position"]) == (4, 5)
    assert last > 4


async def test_other_requests_are_answered_while_a_verification_takes_its_time(world: World) -> None:
    await campaign(world)
    await signed(world.settings)
    with psycopg.connect(world.settings.owner_url or "") as owner:
        owner.execute(f"LOCK TABLE {world.settings.schema}.ledger IN ACCESS EXCLUSIVE MODE")
        verifying = asyncio.create_task(verified(world))
        await asyncio.sleep(0.2)
        answer = await asyncio.wait_for(world.engineer("GET", "/test-runs"), 5)
        assert (answer.status_code, verifying.done()) == (200, False)
    assert (await verifying)["ok"]
