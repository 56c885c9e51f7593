"""The history of random campaigns: every event once, old values that were the new ones before, and the present in the end."""

from typing import Any

from infra.settings import Settings
from tests.api.atlas.wandering import Wandering, changes, everyone, history, wandered
from tests.conftest import World


def test_the_history_holds_every_event_of_the_log_and_adds_up_to_the_present(with_s3: Settings) -> None:
    wandered(with_s3, 5, 120, adds_up)


async def adds_up(world: World, campaign: Wandering) -> None:
    auditor, viewer = everyone(world)
    async with world.pool.connection() as conn:
        roots = await (await conn.execute("SELECT root_id::text, version FROM roots WHERE kind = 'run'")).fetchall()
    assert {run for (run,) in campaign.made["run"]} == {root for root, _ in roots}
    for run, events in roots:
        told = await history(auditor, f"/test-runs/{run}")
        assert [e["version"] for e in told] == list(range(1, events + 1))
        each_old_value_is_the_last_new_one(told)
        shown = await viewer("GET", f"/test-runs/{run}")
        if shown.status_code == 200:
            fields_are_those_shown(told, shown.json())
            hidden = {e["version"] for e in told} - {e["version"] for e in await history(viewer, f"/test-runs/{run}")}
            live = {c["uuid"] for c in shown.json()["test_cards"]}
            assert not {e["version"] for e in told if e["component_id"] in live} & hidden


def each_old_value_is_the_last_new_one(told: list[dict[str, Any]]) -> None:
    fields: dict[tuple[str, str], Any] = {}
    for entry in told:
        for field, (old, new) in changes(entry).items():
            if field in ("test_card_ids", "test_step_ids"):
                assert sorted(old) == sorted(new)
                fields.update({(i, "order"): n for n, i in enumerate(new, 1)})
                continue
            first = {"deleted": False, "status": "open" if entry["component_type"] == "run" else None}.get(field)
            assert old == fields.get((entry["component_id"], field), first), (entry, field)
            fields[entry["component_id"], field] = new


def fields_are_those_shown(told: list[dict[str, Any]], shown: dict[str, Any]) -> None:
    steps = [s for c in shown["test_cards"] for s in c["test_steps"]]
    for thing in [shown, *shown["test_cards"], *steps, *shown["test_data"], *shown["reports"]]:
        made: dict[str, Any] = {}
        for entry in told:
            for field, (_, new) in changes(entry).items():
                made |= {field: new} if entry["component_id"] == thing["uuid"] else {}
                if thing["uuid"] in (new if field in ("test_card_ids", "test_step_ids") else ()):
                    made["order"] = new.index(thing["uuid"]) + 1
        common = made.keys() & thing.keys()
        assert {f: made[f] for f in common} == {f: thing[f] for f in common}
