"""Liveness, readiness, metrics."""

import msgspec
import psycopg
from prometheus_client import CONTENT_TYPE_LATEST

from api import app as application
from infra import database
from tests import documented
from tests.conftest import World


async def test_a_server_with_its_schema_and_views_is_ready(world: World) -> None:
    told = (await world.http.get("/readyz")).json()
    assert (told["status"], told["schema_version"], told["views_current"]) == ("ready", database.newest_version(), True)
    assert told["sequence"]["events"] > 0  # no sequencer runs here


async def test_another_schema_version_is_not_ready(world: World) -> None:
    async with await psycopg.AsyncConnection.connect(world.settings.owner_url, autocommit=True) as conn:
        await conn.execute(f"INSERT INTO {world.settings.schema}.migrations (version) VALUES (9999)")
    answer = await world.http.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["retry-after"] == "2"
    assert "9999" in answer.json()["detail"]
    assert (await world.http.get("/livez")).status_code == 200


async def test_views_of_another_release_serve_and_are_told_of(world: World) -> None:
    async with await psycopg.AsyncConnection.connect(world.settings.owner_url, autocommit=True) as conn:
        await conn.execute(f"UPDATE {world.settings.schema}.view_set SET fingerprint = 'older'")
    answer = await world.http.get("/readyz")
    assert (answer.status_code, answer.json()["views_current"]) == (200, False)


async def test_an_empty_database_is_not_ready_and_one_that_is_down_is_not_either(world: World) -> None:
    owner = await psycopg.AsyncConnection.connect(world.settings.owner_url, autocommit=True)
    async with owner:
        await owner.execute(f"DROP SCHEMA {world.settings.schema} CASCADE")
        assert (await world.http.get("/readyz")).status_code == 503
        name = owner.info.dbname
    async with await psycopg.AsyncConnection.connect(world.settings.owner_url.replace(name, "postgres"), autocommit=True) as conn:
        await conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    assert (await world.http.get("/readyz")).json()["type"] == "/problems/unavailable"
    assert (await world.http.get("/livez")).status_code == 200


async def test_requests_are_counted_by_route_and_never_by_address(world: World) -> None:
    await world.engineer("GET", "/test-runs/TR-0042?secret=1")
    await world.http.request("BREW", "/livez")
    await world.http.get("/nowhere/4711")
    answer = await world.http.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE_LATEST
    text = answer.text
    assert 'runledger_http_requests_total{method="GET",route="/api/v1/test-runs/{run_id}",status="404"} 1.0' in text
    assert 'runledger_http_requests_total{method="other",route="/livez",status="405"} 1.0' in text
    assert 'route="unmatched",status="404"' in text
    assert "runledger_pool_requests_waiting 0.0" in text
    assert not [word for word in ("0042", "secret", "4711", "BREW", world.engineer.token) if word in text]


async def test_metrics_ask_for_a_token_when_told_to(world: World) -> None:
    settings = msgspec.structs.replace(world.settings, metrics_need_token=True)
    assert (await world.http.get("/metrics")).status_code == 200
    async with database.pool(settings) as pool, documented.client(application.create(settings, pool)) as http:
        assert (await http.get("/metrics")).status_code == 401
        known = {"authorization": f"Bearer {world.engineer.token}"}
        assert (await http.get("/metrics", headers=known)).status_code == 200
