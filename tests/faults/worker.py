"""`runledger worker` with a stand-in for the analysis, as a process of its own that is forked from one that has imported it already."""

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from cli.worker import worker
from infra.settings import Settings
from workers import analysing, crew

STANDIN = Path(__file__).parents[1] / "workers" / "standin.py"
WORK = crew.work
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__, "tests.faults.forked"])


def start(environment: dict[str, str], options: tuple[str, ...], output: Path) -> ForkServerProcess:
    process = FORKS.Process(target=_run, args=(environment, options, output))
    process.start()
    return process


def _run(environment: dict[str, str], options: tuple[str, ...], output: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with output.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    crew.work = _with_standin  # a process of jobs imports everything anew
    analysing.COMMAND = (sys.executable, "-P", str(STANDIN))
    worker(list(options))


def _with_standin(settings: Settings, threads: int, parent: int) -> None:
    analysing.COMMAND = (sys.executable, "-P", str(STANDIN))
    WORK(settings, threads, parent)
