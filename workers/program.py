"""Everything that works behind the API, as one program: the sequencer, those who follow it, and the jobs."""

import asyncio

from commands.door import Door
from infra import database
from infra.settings import Settings
from projections import views
from workers import (
    abandoned_uploads,
    checkpoints,
    crew,
    digester,
    embedding,
    following,
    jobs,
    rebuilding,
    relay,
    run_words,
    sequencer,
    sweeper,
    vocabulary,
)


async def run(settings: Settings, processes: int, threads: int, stopping: asyncio.Event) -> None:
    """Works until `stopping`. A part that fails takes the program down, so that its supervisor starts it anew.

    Of several `processes` for jobs none is this one.
    """
    async with database.pool(settings) as pool, asyncio.TaskGroup() as tasks:
        door = Door(pool, views.project_inline)
        tasks.create_task(sequencer.run(settings, stopping), name="sequencer")
        tasks.create_task(checkpoints.run(settings, stopping), name="checkpoints")
        tasks.create_task(rebuilding.run(settings, stopping), name="rebuilding")
        tasks.create_task(following.run(settings, relay.RELAY, stopping), name="relay")
        tasks.create_task(following.run(settings, vocabulary.FOLLOWER, stopping), name="vocabulary")
        tasks.create_task(run_words.run(settings, stopping), name="words of runs")
        tasks.create_task(sweeper.run(settings, door, stopping), name="sweeper")
        tasks.create_task(digester.run(settings, door, stopping), name="digester")
        tasks.create_task(abandoned_uploads.run(settings, stopping), name="abandoned uploads")
        if settings.search_meaning:
            tasks.create_task(following.run(settings, embedding.FOLLOWER, stopping), name="embedding follower")
            tasks.create_task(embedding.run(settings, stopping), name="embedding")
        if processes == 1:
            tasks.create_task(jobs.run(settings, door, threads, stopping), name="jobs")
        else:
            tasks.create_task(crew.run(settings, processes, threads, stopping), name="crew")
