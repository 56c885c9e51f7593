"""Everything that works behind the API, as one program: the sequencer and those who follow it."""

import asyncio

from infra.settings import Settings
from workers import checkpoints, rebuilding, sequencer


async def run(settings: Settings, stopping: asyncio.Event) -> None:
    """Works until `stopping`. A part that fails takes the program down, so that its supervisor starts it anew."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sequencer.run(settings, stopping), name="sequencer")
        tasks.create_task(checkpoints.run(settings, stopping), name="checkpoints")
        tasks.create_task(rebuilding.run(settings, stopping), name="rebuilding")
