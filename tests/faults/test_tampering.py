"""Whatever somebody with all rights on the database does to the log, verification finds it and names the place."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from infra import database
from infra.audit import checkpoints
from infra.audit.verification import Range
from infra.embedded.postgres import Postgres
from infra.settings import Settings
from projections import views
from tests.api.making import campaign
from tests.conftest import fresh_settings, opened
from tests.faults.tampering import Original, Victim, signed, with_folder

AT = 9  # the position that is tampered with
COLUMNS = [
    *(("events", column) for column in (
        "notification_id", "xid", "originator_id", "originator_version", "root_id", "root_version", "kind", "topic", "schema_number",
        "state", "metadata", "recorded_at",
    )),
    *(("ledger", column) for column in ("seq", "notification_id", "originator_id", "originator_version", "event_hash", "chain_hash")),
]  # fmt: skip
OTHER = {
    "bigint": "{0} + 1000000",
    "integer": "{0} + 1000",
    "smallint": "{0} + 1",
    "xid8": "({0}::text::bigint + 1)::text::xid8",
    "uuid": "gen_random_uuid()",
    "text": "{0} || 'x'",
    "bytea": "set_byte({0}, 3, get_byte({0}, 3) # 1)",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
}
HERE = f"(originator_id, originator_version) = (SELECT originator_id, originator_version FROM ledger WHERE seq = {AT})"


class Stage(NamedTuple):
    """The same ledger early, and later when more was recorded and signed."""

    early: Original
    late: Original
    end_of_early: int


@pytest.fixture(scope="module")
def stage(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folders = [tmp_path_factory.mktemp(name) for name in ("early", "late")]

    async def live(settings: Victim, more: str) -> int:
        async with opened(settings.settings) as world:
            made = await campaign(world, steps=4)
            for path in (made.run_path, made.card_path, made.step_path):
                assert (await world.engineer("PATCH", path, {"title": more})).status_code == 200
        return await signed(settings.settings)

    with fresh_settings(postgres, folders[0]) as settings:
        early = Original(postgres, settings)
        end = asyncio.run(live(Victim(settings), "Early"))
        with early.copied(folders[1]) as late:
            asyncio.run(live(late, "Late"))
            yield Stage(early, Original(postgres, late.settings), end)


@pytest.fixture
def victim(stage: Stage, tmp_path: Path) -> Iterator[Victim]:
    with stage.late.copied(tmp_path) as copy:
        yield copy


def test_an_untouched_ledger_verifies(victim: Victim) -> None:
    report = victim.report()
    assert (report.ok, report.problems, report.notes) == (True, [], [])
    assert report.events == report.to_position == report.signed_position > AT
    assert report.head_hash == victim.ask("SELECT encode(chain_hash, 'hex') FROM ledger_head")[0][0]
    assert victim.verify_views() == []


def test_every_column_of_the_log_is_tampered_with(victim: Victim) -> None:
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s AND table_name IN ('events', 'ledger')"
    assert sorted(victim.ask(query, victim.settings.schema)) == sorted(COLUMNS), "a new column: hash it, then add it to COLUMNS"


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_an_altered_column_is_found(victim: Victim, table: str, column: str) -> None:
    query = "SELECT data_type FROM information_schema.columns WHERE (table_schema, table_name, column_name) = (%s, %s, %s)"
    value = OTHER[victim.ask(query, victim.settings.schema, table, column)[0][0]].format(column)
    where = HERE if table == "events" else f"seq = {AT}"
    victim.execute("ALTER TABLE events ALTER notification_id DROP IDENTITY", f"UPDATE {table} SET {column} = {value} WHERE {where}")
    found = victim.verify()
    assert found
    assert found[0].position == AT, found


DEEDS: dict[str, tuple[str, str]] = {
    "an event deleted": (f"DELETE FROM events WHERE {HERE}", "event_missing"),
    "a ledger row deleted": (f"DELETE FROM ledger WHERE seq = {AT}", "position_missing"),
    "both deleted": (
        f"WITH e AS (DELETE FROM events WHERE {HERE}) DELETE FROM ledger WHERE seq = {AT}",
        "position_missing",
    ),
    "a position twice": (
        f"ALTER TABLE ledger DROP CONSTRAINT ledger_pkey; INSERT INTO ledger SELECT * FROM ledger WHERE seq = {AT}",
        "position_repeated",
    ),
    "an event twice": (
        f"ALTER TABLE events DROP CONSTRAINT events_pkey; DROP INDEX events_by_root; INSERT INTO events SELECT * FROM events WHERE {HERE}",
        "position_repeated",
    ),
    "two events exchange their contents": (
        f"""UPDATE events e SET state = o.state, topic = o.topic FROM events o
          WHERE (SELECT array_agg(originator_id || '-' || originator_version ORDER BY seq) FROM ledger WHERE seq IN ({AT}, {AT + 2}))
            IN (ARRAY[e.originator_id || '-' || e.originator_version, o.originator_id || '-' || o.originator_version],
                ARRAY[o.originator_id || '-' || o.originator_version, e.originator_id || '-' || e.originator_version])""",
        "event_altered",
    ),
    "two positions exchanged": (
        f"""UPDATE ledger l SET notification_id = o.notification_id, originator_id = o.originator_id, originator_version = o.originator_version,
            event_hash = o.event_hash FROM ledger o WHERE (l.seq, o.seq) IN (({AT}, {AT + 2}), ({AT + 2}, {AT}))""",
        "chain_broken",
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deletion_or_exchange_is_found(victim: Victim, deed: str) -> None:
    statement, kind = DEEDS[deed]
    victim.execute("DROP INDEX ledger_by_event", "ALTER TABLE events ALTER notification_id DROP IDENTITY", statement)
    found = victim.verify()
    assert found
    assert (found[0].position, found[0].kind) == (AT, kind), found


def test_an_event_put_among_older_ones_is_found(victim: Victim) -> None:
    victim.execute(
        f"""INSERT INTO events (originator_id, originator_version, root_id, root_version, kind, topic, schema_number, state, metadata, recorded_at)
          SELECT gen_random_uuid(), 1, gen_random_uuid(), 1, kind, topic, schema_number, state, metadata, recorded_at - interval '1 hour'
          FROM events WHERE {HERE}"""
    )
    assert "An event among older ones has no position" in " ".join(p.detail for p in victim.verify())
    asyncio.run(signed(victim.settings))  # and the sequencer takes it, as it takes every event
    assert (victim.verify()[0].kind, victim.verify()[0].position) == ("time", victim.report().to_position)


def test_a_head_row_that_disagrees_is_found(victim: Victim) -> None:
    root = victim.ask(f"SELECT root_id FROM events WHERE {HERE}")[0][0]
    victim.execute(f"UPDATE roots SET version = version - 1 WHERE root_id = '{root}'")
    assert [(p.kind, str(root) in p.detail) for p in victim.verify()] == [("head", True)]
    victim.execute(f"DELETE FROM roots WHERE root_id = '{root}'")
    assert [p.kind for p in victim.verify()] == ["head"]


@pytest.mark.parametrize("change", ["seq = seq - 1", "chain_hash = sha256('')", "at = at - interval '1 day'"])
def test_a_ledger_head_that_disagrees_is_found(victim: Victim, change: str) -> None:
    victim.execute(f"UPDATE ledger_head SET {change}")
    assert [p.kind for p in victim.verify()] == ["ledger_head"]


def cut(victim: Victim, last: int) -> None:
    """Takes away everything after a position, and every trace of it that the database has."""
    victim.execute(
        f"CREATE TEMP TABLE gone AS SELECT originator_id, originator_version FROM ledger WHERE seq > {last};"
        "DELETE FROM events USING gone g WHERE (events.originator_id, events.originator_version) = (g.originator_id, g.originator_version);"
        f"DELETE FROM ledger WHERE seq > {last}; DELETE FROM checkpoints WHERE seq > {last};"
        f"UPDATE ledger_head SET (seq, chain_hash) = (SELECT seq, chain_hash FROM ledger WHERE seq = {last});"
        "DELETE FROM roots r WHERE NOT EXISTS (SELECT FROM events e WHERE e.root_id = r.root_id);"
        "UPDATE roots r SET version = (SELECT max(root_version) FROM events e WHERE e.root_id = r.root_id)"
    )


def test_a_tail_that_was_cut_off_is_found(victim: Victim) -> None:
    end = victim.report().to_position
    cut(victim, AT)
    found = [(p.position, p.kind) for p in victim.verify()]
    assert (end, "truncated") in found
    assert {kind for _, kind in found} == {"truncated", "checkpoint"}


def test_an_old_backup_in_the_place_of_the_ledger_is_found(stage: Stage, tmp_path: Path) -> None:
    with stage.early.copied(tmp_path / "early") as old:
        assert old.verify() == []
        found = Victim(with_folder(old.settings, stage.late.settings.data_dir)).verify()
        assert {p.kind for p in found} == {"truncated", "checkpoint"}
        assert f"ends at position {stage.end_of_early}," in next(p.detail for p in found if p.kind == "truncated")
        with pytest.raises(checkpoints.Broken):  # and nothing more is signed
            checkpoints.make(with_folder(old.settings, stage.late.settings.data_dir))


def rewrite(victim: Victim) -> None:
    """Changes an event and everything that follows from it, as far as one can without the key."""
    victim.execute(f"UPDATE events SET metadata = convert_to(convert_from(metadata, 'UTF8') || ' ', 'UTF8') WHERE {HERE}")
    victim.chain_again(AT)


def test_a_chain_written_again_is_found_by_the_checkpoints(victim: Victim, stage: Stage) -> None:
    rewrite(victim)
    found = victim.verify()
    assert {p.kind for p in found} == {"chain_rewritten"}
    assert found[0].position == stage.end_of_early
    victim.execute("UPDATE checkpoints c SET chain_hash = l.chain_hash FROM ledger l WHERE l.seq = c.seq")
    assert {p.kind for p in victim.verify()} == {"checkpoint", "chain_rewritten"}
    (victim.settings.data_dir / "checkpoints.ndjson").unlink()
    assert {p.kind for p in victim.verify()} == {"checkpoint"}
    victim.execute("DELETE FROM checkpoints")
    assert victim.report().signed_position == 0  # who takes away every copy of them is left with a chain that nobody signed


def test_checkpoints_signed_by_another_key_are_found(victim: Victim, tmp_path: Path) -> None:
    rewrite(victim)
    victim.execute("DELETE FROM checkpoints", "DELETE FROM signing_keys")
    (tmp_path / "forger").mkdir()
    assert checkpoints.make(with_folder(victim.settings, tmp_path / "forger"))
    assert {"key", "checkpoint"} <= {p.kind for p in victim.verify()}


def test_a_changed_key_or_signature_is_found(victim: Victim) -> None:
    victim.execute("UPDATE checkpoints SET signature = set_byte(signature, 3, get_byte(signature, 3) # 1)")
    assert {p.kind for p in victim.verify()} == {"checkpoint"}
    victim.execute("UPDATE signing_keys SET public_key = set_byte(public_key, 3, get_byte(public_key, 3) # 1)")
    assert "key" in {p.kind for p in victim.verify()}


@pytest.mark.parametrize("table", [table.name for table in views.TABLES if table.name in ("runs", "cards", "steps", "systems", "tokens")])
def test_an_altered_view_is_found_by_a_full_verification(victim: Victim, table: str) -> None:
    column = next(c for c in ("title", "system_name", "name") if c in next(t for t in views.TABLES if t.name == table).columns)
    victim.execute(f"UPDATE {victim.settings.schema}_views.{table} SET {column} = 'altered'")
    assert victim.verify() == []
    found = victim.verify_views()
    assert [(p.kind, p.detail.startswith(f"{table}: column {column} differs")) for p in found] == [("view", True)]


def test_rows_of_a_record_that_never_was_are_found_by_a_full_verification(victim: Victim) -> None:
    table = f"{victim.settings.schema}_views.systems"
    victim.execute(
        f"CREATE TEMP TABLE x AS SELECT * FROM {table}; UPDATE x SET system_id = gen_random_uuid(); INSERT INTO {table} SELECT * FROM x"
    )
    assert ["belong to no record" in p.detail for p in victim.verify_views()] == [True]


def test_a_range_is_verified_by_itself(victim: Victim) -> None:
    victim.execute(f"UPDATE events SET kind = 'x' WHERE {HERE}")
    assert victim.verify(Range(after=AT)) == []
    assert [p.position for p in victim.verify(Range(after=AT - 1, upto=AT))] == [AT]
    report = victim.report(Range(after=2, limit=3))
    assert (report.from_position, report.to_position, report.events, report.ok) == (3, 5, 3, True)
    beyond = victim.report(Range(after=10**9))
    assert (beyond.ok, beyond.events, "The ledger ends at position" in beyond.notes[0]) == (True, 0, True)
    cut(victim, AT)
    assert "truncated" in {p.kind for p in victim.verify(Range(after=10**9))}


def test_thousands_of_problems_are_counted_and_the_first_hundred_named(victim: Victim) -> None:
    victim.execute("UPDATE events SET kind = kind || 'x'")
    report = victim.report()
    assert report.problem_count == report.events
    assert len(report.problems) == min(100, report.events)


@pytest.mark.parametrize("table", ["events", "ledger", "checkpoints", "signing_keys"])
@pytest.mark.parametrize(
    "deed", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0}", "ALTER TABLE {0} DISABLE TRIGGER ALL", "DROP TABLE {0}"]
)
def test_the_application_itself_has_no_right_to_tamper(settings: Settings, table: str, deed: str) -> None:
    column = {"events": "state", "ledger": "event_hash"}.get(table, "signature")
    with database.blocking(settings) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(deed.format(table, column))
