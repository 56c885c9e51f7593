"""`runledger rebuild`: all views anew from the log, beside the live ones."""

import asyncio
import os
import time
from typing import Self

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cli import deployment, output
from cli.exits import Exit, Stop
from infra import database
from infra.settings import Settings
from projections import rebuild as rebuilding
from projections.comparison import Difference
from projections.rebuild import Rebuilt

LINE_S = 2.0  # without a terminal, a line this often


@click.command()
@click.option("--processes", type=click.IntRange(1, 64), default=os.cpu_count() or 1, show_default="one a core", help="How many build.")
@click.option("--dry-run", is_flag=True, help="Build and compare, change nothing.")
@click.option("--rollback", is_flag=True, help="Put the set of views before the last rebuild back, brought up to date.")
@output.json_option
def rebuild(*, processes: int, dry_run: bool, rollback: bool, as_json: bool) -> None:
    """Build all views anew from the log while traffic flows, show what differs, and swap them in.

    Interrupted, it goes on where it was when it is called again. Exit 5: another rebuild runs.
    """
    if rollback and dry_run:
        raise Stop(Exit.USAGE, "--rollback and --dry-run do not go together.")
    with deployment.reach() as settings:
        try:
            if rollback:
                _say_rolled_back(asyncio.run(_roll_back(settings)), as_json=as_json)
            else:
                done = asyncio.run(_rebuild(settings, processes, dry_run=dry_run))
                _say_rebuilt(done, dry_run=dry_run, as_json=as_json)
        except KeyboardInterrupt:
            output.note("Interrupted; the live views are untouched. Call it again to go on where it was.")
            raise


async def _rebuild(settings: Settings, processes: int, *, dry_run: bool) -> Rebuilt:
    await database.greet(settings)
    with Meter() as meter:
        return await rebuilding.run(settings, processes, meter.say, dry_run=dry_run)


async def _roll_back(settings: Settings) -> float:
    await database.greet(settings)
    with Meter() as meter:
        return await rebuilding.roll_back(settings, meter.say)


class Meter:
    """How far it is, on stderr: a bar with rate and time left on a terminal, else a line now and then."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=output.aside, disable=not output.aside.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}
        self._said = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        rate = done / max(now - self._began.setdefault(phase, now), 0.001)
        text = f"{rate:,.0f}/s" if phase in ("building", "catching up") and now > self._began[phase] else ""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(phase, total=total, rate="")
        self._progress.update(self._tasks[phase], completed=done, total=total, rate=text)
        if self._progress.disable and (now - self._said > LINE_S or done == total):
            self._said = now
            output.note(f"{phase}: {done:,} of {total:,} {text}".rstrip())


def _say_rebuilt(done: Rebuilt, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        output.document(done._asdict() | {"differences": [d._asdict() for d in done.differences], "dry_run": dry_run})
        return
    _say_differences(done.differences)
    again = " (resumed)" if done.resumed else ""
    output.note(f"{done.events:,} events in {done.seconds:.1f} s, {done.events / max(done.seconds, 0.001):,.0f}/s{again}.")
    if done.pause_ms is None:
        output.note("Dry run: the live views are as they were.")
    else:
        output.note(f"The new views are live; appends waited {done.pause_ms:.0f} ms. `runledger rebuild --rollback` goes back.")


def _say_differences(found: list[Difference]) -> None:
    if not found:
        output.note("The live views and the rebuilt ones are the same, row for row.")
        return
    rows = [(d.table, d.column or "(rows)", f"{d.rows:,}", d.example[0], d.example[1] or "-", d.example[2] or "-") for d in found]
    output.table(("Table", "Column", "Rows", "For example", "Live", "Rebuilt"), rows)


def _say_rolled_back(pause_ms: float, *, as_json: bool) -> None:
    if as_json:
        output.document({"pause_ms": pause_ms})
    else:
        output.note(f"The views before the last rebuild are live again; appends waited {pause_ms:.0f} ms.")
