"""The words of runs: what is not stale is true, and a common word is found by them as it is by reading every document."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import app as application
from cli.tokens import issue
from commands import tokens
from domain.steps import ExecutionStatus
from domain.tokens import Role
from infra import database, storage
from infra.database import Connection
from infra.settings import Settings
from projections import rebuild, run_words, search, synonyms, views
from projections.search import Meaning, SearchFilter
from projections.search_query import understood
from projections.word_counts import Counts
from tests.api.making import made
from tests.conftest import Atlas, World
from tests.projections.test_inline_equals_fold import Campaign, operation
from tests.words_of_runs import STALE, WRONG

SELDOM = 301  # documents: a word that tells has no more


async def all_looked_through(conn: Connection) -> None:
    for _ in range(2):  # the first pass notes what the second looks through
        while await run_words.keep_up(conn, rested_s=0):
            pass


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(operations=st.lists(operation, min_size=30, max_size=60), every=st.integers(1, 12))
def test_a_run_that_is_not_stale_has_the_words_of_its_documents(with_s3: Settings, operations: list[Any], every: int) -> None:
    asyncio.run(check(with_s3, operations, every))


async def check(given: Settings, operations: list[Any], every: int) -> None:
    await database.migrate(given, views.create)
    async with storage.client(given, connect_s=2, read_s=5) as s3:
        await s3.put_object(Bucket="runledger", Key="campaign", Body=b"abc")
    async with database.pool(given) as pool, await database.dedicated(given) as conn:
        token, clean = tokens.fresh(), 0
        await issue(pool, token, "engineer", "engineer@example.com", Role.ENGINEER)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application.create(given, pool)), base_url="http://test") as http:
            campaign = Campaign(Atlas(http, token), pool)
            for place, noun in enumerate(["system", "template", "run", "run", "card", "card", "step", "step", "observe", "report"]):
                await campaign.perform(noun, 0, place, ExecutionStatus.TODO, noun)
            for number, wanted in enumerate(operations):
                await campaign.perform(*wanted)
                if number % every == 0:
                    await run_words.keep_up(conn, rested_s=0)
                assert await (await conn.execute(WRONG)).fetchall() == []
            await all_looked_through(conn)
            clean = (await (await conn.execute("SELECT count(*) FROM run_words")).fetchone() or (0,))[0]
            assert await (await conn.execute(f"SELECT FROM {STALE} s")).fetchall() == []
            assert await (await conn.execute(WRONG)).fetchall() == []
        assert clean > 0


@pytest.fixture
async def conn(world: World) -> Any:
    async with database.pool(world.settings) as pool, pool.connection() as conn:
        yield conn


async def rig(world: World) -> str:
    return str((await made(world.engineer, "/systems", {"system_name": "Rig"}))["system_id"])


async def run_of(world: World, system: str, title: str, step: str, description: str) -> str:
    """A run with one card of SELDOM / 3 steps."""
    steps = [{"title": step.format(n=n), "description": description.format(n=n)} for n in range(SELDOM // 3)]
    template = await made(world.engineer, "/card-templates", {"title": "Card", "steps": steps})
    body = {"title": title, "system_id": system, "template_ids": [template["uuid"]]}
    return str((await made(world.engineer, "/test-runs", body))["uuid"])


async def campaign(world: World) -> list[str]:
    """Runs that have the common words "undervoltage" and "sn-1..." in titles, bodies or not at all; a third of them each."""
    system, runs = await rig(world), []
    for number in range(4):
        runs += [
            await run_of(world, system, f"Titled {number}", "Undervoltage at pin {n}", "Unit SN-1{n}"),
            await run_of(world, system, f"Told {number}", "Unit SN-1{n}", "Expect undervoltage"),
            await run_of(world, system, f"Neither {number}", "Isolation {n}", "Low voltage" if number else "Nothing"),
        ]
    return runs


async def answers(conn: Connection, **filters: Any) -> list[Any]:
    """Of each question by words alone, and with synonyms."""
    asked = []
    for text in ("undervoltage", "SN-1", "undervoltages"):
        wanted = understood(text)
        asked += [(wanted, None), (wanted, Meaning("none", 3, "[1,0,0]", synonyms.widened(wanted.terms)))]
    return [await search.search(conn, Counts(), wanted, meaning, SearchFilter(**filters)) for wanted, meaning in asked]


async def by_document(conn: Connection, world: World, **filters: Any) -> list[Any]:
    with psycopg.connect(world.settings.owner_url or "", autocommit=True) as owner:
        owner.execute("UPDATE runledger.run_words_noted SET views_built_at = views_built_at - interval '1 s'")
        assert not await run_words.usable(conn)
        found = await answers(conn, **filters)
        owner.execute("UPDATE runledger.run_words_noted SET views_built_at = views_built_at + interval '1 s'")
    assert await run_words.usable(conn)
    return found


async def statements_by_run(conn: Connection) -> int:
    row = await (
        await conn.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%clean AS MATERIALIZED%'")
    ).fetchone()
    return row[0] if row else 0


async def test_a_common_word_is_found_by_run_as_by_document(world: World, conn: Connection) -> None:
    runs = await campaign(world)
    assert not await run_words.usable(conn)
    at_first = await answers(conn)
    assert await statements_by_run(conn) == 0
    await all_looked_through(conn)
    assert await answers(conn) == at_first == await by_document(conn, world)
    assert await statements_by_run(conn) > 0
    assert [total for total, _ in at_first[:4]] == [8, 11, 8, 8]
    for filters in ({"limit": 2}, {"limit": 3, "offset": 4}, {"has_reports": True}, {"scope": []}, {"scope": [UUID(await rig(world))]}):
        assert await answers(conn, **filters) == await by_document(conn, world, **filters)
    await world.engineer("DELETE", f"/test-runs/{runs[0]}")
    shown = (await world.engineer("GET", f"/test-runs/{runs[1]}")).json()["test_cards"][0]
    await world.engineer("DELETE", f"/test-runs/{runs[1]}/cards/{shown['uuid']}")
    shown = (await world.engineer("GET", f"/test-runs/{runs[2]}")).json()["test_cards"][0]
    step = f"/test-runs/{runs[2]}/cards/{shown['uuid']}/steps/{shown['test_steps'][0]['uuid']}"
    outcome = {"execution_status": "passed_with_exception", "exception": "Undervoltage for 2 ms"}
    assert (await world.engineer("PATCH", step, outcome)).status_code == 200
    for _ in range(2):  # stale, then looked through
        found = await answers(conn)
        assert found[0][0] == 7
        assert found == await by_document(conn, world)
        await all_looked_through(conn)
    assert (await world.engineer("PATCH", step, {"execution_status": "passed", "exception": None})).status_code == 200
    found = await answers(conn)
    assert found[0][0] == 6
    assert found == await by_document(conn, world)


async def test_new_views_make_every_run_stale(world: World, conn: Connection) -> None:
    runs = await campaign(world)
    await all_looked_through(conn)
    assert await run_words.usable(conn)
    await rebuild.run(world.settings, 1, lambda *_: None)
    assert not await run_words.usable(conn)
    assert await run_words.keep_up(conn, rested_s=0) > 0
    await all_looked_through(conn)
    assert await run_words.usable(conn)
    assert await (await conn.execute("SELECT count(*) FROM run_words")).fetchone() == (len(runs),)


async def test_a_run_that_goes_on_changing_is_left_alone_for_a_while(world: World, conn: Connection) -> None:
    await campaign(world)
    await all_looked_through(conn)
    run = await run_of(world, await rig(world), "New", "Undervoltage {n}", "")
    assert await run_words.keep_up(conn, rested_s=60) == 0
    assert await (await conn.execute(f"SELECT run_id FROM {STALE} s")).fetchall() == [(UUID(run),)]
    assert await run_words.keep_up(conn, rested_s=0) == 1


async def test_in_a_cluster_whose_transactions_are_younger_every_run_is_stale(world: World, conn: Connection) -> None:
    await campaign(world)
    await all_looked_through(conn)
    with psycopg.connect(world.settings.owner_url or "", autocommit=True) as owner:
        owner.execute("UPDATE runledger.run_words_noted SET xid = '9223372036854775807'")
    assert not await run_words.usable(conn)
    await all_looked_through(conn)
    assert await run_words.usable(conn)


async def test_what_was_under_way_when_others_were_noted_is_stale_once_it_is_done(world: World, conn: Connection) -> None:
    early, late = [await run_of(world, await rig(world), title, "Step {n}", "") for title in ("Early", "Late")]
    await all_looked_through(conn)
    columns = "originator_id, originator_version, root_id, root_version, kind, topic, schema_number, state, metadata, recorded_at"
    again = columns.replace("originator_version", "originator_version + 900").replace("root_version", "root_version + 900")
    await world.engineer("PATCH", f"/test-runs/{late}", {"title": "Later"})
    with psycopg.connect(world.settings.owner_url or "") as owner:
        owner.execute(f"INSERT INTO runledger.events ({columns}) SELECT {again} FROM runledger.events WHERE originator_id = %s", (early,))
        await world.engineer("PATCH", f"/test-runs/{late}", {"title": "Later still"})
        assert [await run_words.keep_up(conn, rested_s=0) for _ in range(2)] == [0, 1]
        assert await (await conn.execute(f"SELECT run_id FROM {STALE} s WHERE run_id = %s", (early,))).fetchall() == []
    assert await (await conn.execute(f"SELECT run_id FROM {STALE} s WHERE run_id = %s", (early,))).fetchall() == [(UUID(early),)]
