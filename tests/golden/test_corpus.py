"""Every event that was ever stored is read for ever: exact bytes of each type and schema number, replayed."""

import hashlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from domain.events import Event, name_of
from domain.facts import EVENTS
from infra import mapper
from projections import comparison
from tests.api.making import campaign
from tests.conftest import World
from tests.golden.examples import EXPECTED, OLDER
from tests.projections.test_inline_equals_fold import folded, owner

FOLDER = Path(__file__).parent
FILES = {(path.parent.name, int(path.stem)): path for path in sorted(FOLDER.glob("*/*.json"))}
ADD = "write its example in tests/golden/examples.py, then run `python -m tests.golden.missing`"


@pytest.mark.parametrize("key", sorted(FILES), ids=lambda key: f"{key[0]}-{key[1]}")
def test_stored_bytes_are_read_as_they_were_meant(key: tuple[str, int]) -> None:
    assert mapper.decode(*key, FILES[key].read_bytes()) == EXPECTED[key]


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_every_event_has_a_golden_file_of_every_schema_number(event: type[Event]) -> None:
    numbers = sorted(number for name, number in FILES if name == name_of(event))
    assert numbers == list(range(1, mapper.schema_number(name_of(event)) + 1)), f"{name_of(event)}: {ADD}"


@pytest.mark.parametrize("key", sorted(EXPECTED.keys() - OLDER.keys()), ids=lambda key: key[0])
def test_what_is_stored_today_is_what_the_newest_golden_file_holds(key: tuple[str, int]) -> None:
    assert mapper.encode(EXPECTED[key]) == FILES[key].read_bytes(), "the shape changed: it needs a new schema number and an upcaster"


def test_an_example_leaves_no_member_at_its_default() -> None:
    for event in EXPECTED.values():
        if not name_of(event).endswith(".edited"):  # an edit leaves out what it leaves alone
            defaults = {f.name: f.default for f in msgspec.structs.fields(event) if f.default is not msgspec.NODEFAULT}
            assert not [name for name, default in defaults.items() if getattr(event, name) == default], event


def test_golden_files_never_change() -> None:
    lines = (FOLDER / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {f"{name}/{number}.json": hashlib.sha256(path.read_bytes()).hexdigest() for (name, number), path in FILES.items()}
    assert len(listed) == len(lines)
    assert found == listed, f"a golden file was changed, removed or not listed; for a new one: {ADD}"


def test_a_type_or_number_that_nobody_knows_is_refused_by_name() -> None:
    for name, number in (("card.flown", 1), ("card.edited", 3)):
        with pytest.raises(mapper.UnknownEvent, match=f"{name} schema {number}"):
            mapper.decode(name, number, b"{}")


async def test_views_folded_from_old_and_new_shapes_agree(world: World) -> None:
    made = await campaign(world)
    for path in (made.run_path, made.card_path, made.step_path):
        for body in ({"title": "Other"}, {"description": "At 13 V"}, {"title": "Third", "description": ""}):
            assert (await world.engineer("PATCH", path, body)).status_code == 200
    views, schema = f"{world.settings.schema}_views", world.settings.schema
    async with await owner(world.settings) as conn:
        await folded(conn, "from_new")
        assert await comparison.differences(conn, views, "from_new") == []
        aged = await conn.execute(
            f"""UPDATE {schema}.events SET schema_number = 1, state = convert_to(
                (jsonb '{{"title": null, "description": null}}' || convert_from(state, 'UTF8')::jsonb)::text, 'UTF8')
              WHERE topic IN ('test_run.edited', 'card.edited', 'step.edited')"""
        )
        assert aged.rowcount == 9
        await folded(conn, "from_old")
        assert await comparison.differences(conn, "from_new", "from_old") == []
        assert await comparison.differences(conn, views, "from_old") == []
    # and commands still load what is stored in the old shape
    assert (await world.engineer("PATCH", made.card_path, {"title": "Fourth"})).json()["title"] == "Fourth"


def test_the_maker_of_golden_files_touches_none_that_is_there() -> None:
    before = {path: path.read_bytes() for path in [*FILES.values(), FOLDER / "SHA256SUMS"]}
    subprocess.run([sys.executable, "-m", "tests.golden.missing"], check=True, cwd=FOLDER.parent.parent)
    assert {path: path.read_bytes() for path in before} == before
