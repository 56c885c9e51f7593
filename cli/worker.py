"""`runledger worker`: the sequencer, all that follows it, and the jobs, without the API."""

import asyncio
import signal

import click

from cli import database_rules, deployment, output
from infra import database, logs, tracing
from infra.settings import Settings
from workers import program


@click.command()
@click.option(
    "--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes for jobs; more than one are its children."
)
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1, 64), help="Jobs at once in each of them.")
@output.json_option
def worker(*, processes: int, threads: int, as_json: bool) -> None:
    """Work behind the API: give events their positions, follow them, make reports, run rebuilds.

    Any number may run. Asked to end, it finishes its reports within RUNLEDGER_GRACE_S seconds or hands them back.
    """
    with deployment.reach(whole=True) as settings:
        logs.configure(settings.log, settings.log_level)
        tracing.begin("worker")
        asyncio.run(_work(settings, processes, threads, as_json=as_json))


async def _work(settings: Settings, processes: int, threads: int, *, as_json: bool) -> None:
    """Until SIGTERM or Ctrl-C: what is begun is finished or left to be taken up again."""
    await database.greet(settings)
    await database.refuse_newer(settings)
    await database_rules.warn_of_broken_rules(settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    if as_json:
        output.line({"state": "working"})
    else:
        output.note("Runledger works behind the API. Ctrl-C ends it.")
    await program.run(settings, processes, threads, stopping)
