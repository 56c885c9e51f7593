"""Bringing a database to what this release needs, and what the application may do in it."""

import asyncio
from pathlib import Path

import msgspec
import psycopg
import pytest

from infra import database
from infra.settings import Settings
from projections import views
from tests.conftest import opened

MIGRATIONS = len(list(database.MIGRATIONS.glob("*.sql")))
FORBIDDEN = ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
CHANGES = {
    "UPDATE": "UPDATE {} SET originator_version = originator_version",
    "DELETE": "DELETE FROM {}",
    "TRUNCATE": "TRUNCATE {}",
    "TRIGGER": "CREATE TRIGGER quiet BEFORE INSERT ON {} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
}


async def test_of_three_that_migrate_at_once_one_does_it(blank: Settings) -> None:
    done = await asyncio.gather(*(database.migrate(blank, views.create) for _ in range(3)))
    assert sorted(done) == [0, 0, MIGRATIONS]


async def test_a_database_of_a_newer_release_is_refused_and_left_alone(settings: Settings) -> None:
    with psycopg.connect(settings.owner_url or "", autocommit=True) as conn:
        conn.execute("INSERT INTO runledger.migrations (version) VALUES (99)")
    with pytest.raises(database.UnknownSchema, match=f"schema version 99; this release knows up to {MIGRATIONS}"):
        await database.migrate(settings, views.create)


async def test_a_migration_that_fails_leaves_nothing_behind(blank: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in database.MIGRATIONS.glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "9999_broken.sql").write_text("CREATE TABLE half (a int); SELECT no_such_column;")
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", tmp_path)
        with pytest.raises(psycopg.errors.UndefinedColumn):
            await database.migrate(blank, views.create)
    assert await database.migrate(blank, views.create) == MIGRATIONS


@pytest.mark.parametrize("table", ["events", "ledger"])
@pytest.mark.parametrize("right", FORBIDDEN)
def test_the_application_can_neither_change_nor_remove_what_was_recorded(settings: Settings, table: str, right: str) -> None:
    with psycopg.connect(settings.database_url or "", autocommit=True) as conn:
        held = conn.execute("SELECT has_table_privilege(%s, %s)", (f"runledger.{table}", right)).fetchone()
        assert held == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(CHANGES[right].format(f"runledger.{table}"))


async def test_a_ledger_lives_in_the_schema_that_it_is_given_and_in_no_other(blank: Settings) -> None:
    async with opened(msgspec.structs.replace(blank, schema="plant_7")) as world:
        system = (await world.engineer("POST", "/systems", {"system_name": "Pump"})).json()["system_id"]
        made = await world.engineer("POST", "/test-runs", {"title": "T", "system_id": system})
        assert made.status_code == 201, made.text
        assert (await world.engineer("GET", "/test-runs")).json()["count"] == 1
    with psycopg.connect(blank.owner_url or "") as conn:
        named = conn.execute("SELECT DISTINCT schemaname FROM pg_tables WHERE tableowner = 'runledger_owner'").fetchall()
        count = conn.execute("SELECT count(*) FROM plant_7.events WHERE topic = 'test_run.created'").fetchone()
    assert {row[0] for row in named} - {"pg_catalog", "information_schema"} == {"plant_7", "plant_7_views"}
    assert count == (1,)
