"""A stream that is loaded stands as all of its events make it, though not all of them are read."""

from uuid import UUID

from domain.facts import EVOLVE, Kind
from infra import log, mapper, replay
from infra.database import dedicated
from infra.log import Stream
from infra.settings import Settings
from tests.api.atlas.wandering import Wandering, wandered
from tests.api.making import campaign
from tests.conftest import World


def test_every_stream_of_a_campaign_is_loaded_as_all_of_its_events_make_it(with_s3: Settings) -> None:
    wandered(with_s3, 7, 100, as_all_make_it)


async def as_all_make_it(world: World, campaign: Wandering) -> None:
    repeated = 0
    for run in {UUID(run) for run, _ in campaign.records}:
        made, events = await loaded_and_made(world, run)
        repeated += events - len(made)
    assert repeated


async def test_of_outcomes_the_last_is_read(world: World) -> None:
    here = await campaign(world)
    for status in ("passed", "failed", "todo", "passed"):
        await world.engineer("PATCH", here.step_path, {"execution_status": status, "title": status})
    await world.engineer("PATCH", here.step_path, {"description": "after the last"})
    made, _ = await loaded_and_made(world, UUID(here.run))
    step = made[UUID(here.steps[0])]
    assert (step.state.status, step.state.title, step.state.description, step.version) == ("passed", "passed", "after the last", 10)


async def loaded_and_made(world: World, run: UUID) -> tuple[dict[UUID, Stream], int]:
    """The streams of a run, loaded as commands do, which must be what its events add up to, and how many events these are."""
    async with await dedicated(world.settings) as conn:
        events = await replay.of_root(conn, run, 0)
        made: dict[UUID, Stream] = {}
        for e in events:
            before = made[e.stream_id].state if e.stream_id in made else None
            after = EVOLVE[Kind(e.kind)](before, mapper.decode(e.topic, e.schema_number, e.state))
            made[e.stream_id] = Stream(e.stream_id, Kind(e.kind), e.version, after)
        _, loaded = await log.load(conn, Kind.RUN, run, [i for i in made if i != run], with_root=True)
    assert loaded == made
    return loaded, len(events)
