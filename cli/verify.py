"""`runledger verify`: is the ledger what was recorded?"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli import deployment, output
from cli.exits import Exit
from infra.audit import store, verification
from infra.audit.verification import Begun, Range, Report
from infra.settings import Settings
from projections import verification as view_verification


@click.command()
@click.option("--since", default=0, type=click.IntRange(0), metavar="POSITION", help="Verify only what comes after this position.")
@click.option("--full", is_flag=True, help="Also compare every row of the views with a fold of the log.")
@output.json_option
def verify(since: int, *, full: bool, as_json: bool) -> None:
    """Verify hashes, chain, versions and checkpoints. Exit 3: damage, named with its position; 4: the database is down."""
    with deployment.reach() as settings:
        begun = _positions(settings, since)
        asyncio.run(_store(settings, begun))
        if full:
            _views(settings, begun)
    report = begun.report()
    if as_json:
        output.document(report)
    else:
        show(report)
    sys.exit(Exit.OK if report.ok else Exit.INTEGRITY)


def _positions(settings: Settings, since: int) -> Begun:
    last = verification.head_of(settings)
    with progress("Positions", max(last - since, 0)) as (bar, task):
        return verification.verify(settings, Range(since, last), lambda done: bar.update(task, completed=done))


async def _store(settings: Settings, begun: Begun) -> None:
    """The copies in S3; S3 being away is no damage."""
    if not store.is_configured(settings):
        begun.findings.note("No S3 address is set; the copies of the checkpoints there were not compared.")
        return
    try:
        others = await store.differing(settings)
    except store.AWAY as error:
        begun.findings.note(f"The copies of the checkpoints in S3 were not compared: {error}")
        return
    await asyncio.to_thread(verification.with_store, settings, begun, others)


def _views(settings: Settings, begun: Begun) -> None:
    with progress("Views", None) as (bar, task):
        asyncio.run(view_verification.verify(settings, begun.findings, lambda done, total: bar.update(task, completed=done, total=total)))


@contextmanager
def progress(what: str, total: int | None) -> Iterator[tuple[Progress, TaskID]]:
    """A bar on stderr, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.aside, transient=True, disable=not output.aside.is_terminal) as bar:
        yield bar, bar.add_task(what, total=total)


def show(report: Report) -> None:
    for note in report.notes:
        output.note(note)
    if report.problems:
        rows = [(str(p.position) if p.position is not None else "-", p.kind, p.detail) for p in report.problems]
        output.table(("Position", "Kind", "What is wrong"), rows)
    verdict = "OK" if report.ok else f"DAMAGED: {report.problem_count} problems"
    span = f"positions {report.from_position} to {report.to_position}, signed up to {report.signed_position}"
    click.echo(f"{verdict}. {report.events} events, {span}. Head {report.head_hash}")
