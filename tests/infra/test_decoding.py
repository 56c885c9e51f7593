"""Reading the whole log tells of every event that this release cannot read, and where it stands."""

import psycopg
import pytest

from infra.audit import decoding
from tests.api.making import campaign
from tests.conftest import World
from tests.faults.tampering import sequenced

CHANGES = {
    "topic = 'run.flown'": ("unknown", "no such event"),
    "schema_number = 9": ("unknown", "schema 9: this release knows up to 1"),
    "schema_number = 0": ("unknown", "schema 0"),
    "state = 'no json'": ("undecodable", "malformed"),
    'state = \'{"type":"card.deleted"}\'': ("undecodable", "card.deleted"),
    "state = '\\xff'": ("undecodable", ""),
    "metadata = '{}'": ("undecodable", "command_id"),
}


async def test_a_sound_log_is_read_and_counted(world: World) -> None:
    await campaign(world)
    last = await sequenced(world.settings)
    found = decoding.read_all(world.settings)
    assert (found.ok, found.events, found.problems) == (True, last, [])
    assert found.types["test_run.created 1"] == 1
    assert sum(found.types.values()) == last


@pytest.mark.parametrize("change", CHANGES)
async def test_an_event_that_cannot_be_read_is_named_with_its_position(world: World, change: str) -> None:
    kind, words = CHANGES[change]
    made = await campaign(world)
    await sequenced(world.settings)
    with psycopg.connect(world.settings.owner_url or "", options=f"-c search_path={world.settings.schema}") as owner:
        owner.execute(f"UPDATE events SET {change} WHERE originator_id = %s AND originator_version = 1", (made.run,))
        query = "SELECT seq FROM ledger WHERE originator_id = %s AND originator_version = 1"
        position = (owner.execute(query, (made.run,)).fetchone() or (0,))[0]
    found = decoding.read_all(world.settings)
    assert (found.ok, found.problem_count) == (False, 1)
    assert (found.problems[0].position, found.problems[0].kind, words in found.problems[0].detail) == (position, kind, True), found
