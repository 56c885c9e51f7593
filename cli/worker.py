"""`runledger worker`: the sequencer and all that follows it, without the API."""

import asyncio
import signal

import click

from cli import deployment, output
from infra import database, logs
from infra.settings import Settings
from workers import program


@click.command()
@output.json_option
def worker(*, as_json: bool) -> None:
    """Work behind the API: give events their positions, follow them, run rebuilds. Any number may run; one leads."""
    with deployment.reach(whole=True) as settings:
        logs.configure(settings.log, settings.log_level)
        asyncio.run(_work(settings, as_json=as_json))


async def _work(settings: Settings, *, as_json: bool) -> None:
    """Until SIGTERM or Ctrl-C: what is begun is finished or left to be taken up again."""
    await database.greet(settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    if as_json:
        output.line({"state": "working"})
    else:
        output.note("Runledger works behind the API. Ctrl-C ends it.")
    await program.run(settings, stopping)
