"""Commands of the program, each as a process of its own that is forked from one that has imported them already."""

import asyncio
import os
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from cli.main import main
from infra import database
from infra.settings import Settings
from projections import views
from tests.faults.worker import FORKS


def start(environment: dict[str, str], output: Path, *args: str) -> ForkServerProcess:
    """`runledger <args>`; `migrate`, which is none of its commands, does what `serve` does first."""
    process = FORKS.Process(target=_run, args=(environment, output, args))
    process.start()
    return process


def _run(environment: dict[str, str], output: Path, args: tuple[str, ...]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with output.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if args == ("migrate",):
        asyncio.run(database.migrate(Settings.from_env(), views.create))
    else:
        main(list(args))
