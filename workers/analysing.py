"""One analysis of a report: the files fetched as pinned, a child process that reads them, and what it says."""

import asyncio
import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from commands.door import Door
from domain.data_files import DataFile
from domain.refusals import FileNotUsable, Refusal
from domain.reports import Report, ReportCompleted, Tool
from infra import confined, fault_points, language_model
from infra.confined import Broken, Limits, TooMuch
from infra.leases import Lease
from infra.objects import Changed, Objects
from infra.settings import Settings
from workers import input_files
from workers.input_files import Source

COMMAND = (sys.executable, "-P", "-m", "workers.analysis")
REQUEST, ANSWER = "request.json", "answer.json"
logger = logging.getLogger("runledger.reports")


class Bench(NamedTuple):
    """What a job works with. `command` is the program that analyses; it is given the files of its request and its answer."""

    settings: Settings
    door: Door
    objects: Objects
    command: Sequence[str]


class CannotBeMade(Exception):
    """No repetition would mend it; the text is a sentence for whoever asked for the report."""


class Begun(NamedTuple):
    """What a begun attempt is about: the run's version and document of that moment, the report, and the files that are still there."""

    run_version: int
    document: bytes
    report: Report
    files: dict[UUID, DataFile]


class Answer(msgspec.Struct, frozen=True):
    """What the child says; `analysis` is what it found, as JSON."""

    summary: str
    content: str
    tools: tuple[Tool, ...] = ()
    analysis: msgspec.Raw = msgspec.Raw(b"null")


async def outcome(bench: Bench, lease: Lease, begun: Begun) -> ReportCompleted:
    """Raises `CannotBeMade`, or whatever may go better next time."""
    settings = bench.settings
    folder = _folder(settings, lease)
    try:
        sources = await input_files.fetched(bench.objects, settings.s3_buckets, begun.files, begun.document, folder)
        (folder / REQUEST).write_bytes(_request(begun, sources))
        await fault_points.reach("report.analysing")
        answer = await _asked(bench.command, folder, Limits(settings.analysis_s_max, settings.analysis_mb_max))
        answer = await _in_words(settings, answer)
    except (Changed, FileNotUsable) as error:
        raise CannotBeMade(str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ReportCompleted(
        attempt=lease.attempt,
        run_version=begun.run_version,
        summary=answer.summary,
        content=answer.content,
        files=tuple(source.input() for source in sources),
        tools=answer.tools,
    )


def _folder(settings: Settings, lease: Lease) -> Path:
    """An empty one of this attempt. What killed workers left goes, as soon as nobody can be at work in it."""
    parent = settings.data_dir / "work"
    folder = parent / f"{lease.report_id}-{lease.fence}"
    folder.mkdir(mode=0o700, parents=True)
    bygone = folder.stat().st_mtime - settings.report_minutes_max * 60
    for left in parent.iterdir():
        if left != folder and (left.name.startswith(f"{lease.report_id}-") or left.stat().st_mtime < bygone):
            shutil.rmtree(left, ignore_errors=True)
    return folder


def _request(begun: Begun, sources: list[Source]) -> bytes:
    report = begun.report
    subject: dict[str, Any] = {
        "run": msgspec.Raw(begun.document),
        "run_version": begun.run_version,
        "scope": report.scope,
        "card_id": report.card_id,
        "step_id": report.step_id,
        "analysis_context": report.analysis_context,
    }
    return msgspec.json.encode({"subject": subject, "files": sources})


async def _asked(command: Sequence[str], folder: Path, limits: Limits) -> Answer:
    try:
        await confined.run([*command, REQUEST, ANSWER], folder, limits)
    except TooMuch as error:
        raise CannotBeMade(f"The analysis {error}.") from error
    except Broken as error:
        logger.warning("an analysis %s: %s", error, error.said)
        raise
    return msgspec.json.decode((folder / ANSWER).read_bytes(), type=Answer)


async def _in_words(settings: Settings, answer: Answer) -> Answer:
    """The findings in a language model's words, where one is set and its words hold. It may only write about them, and read no file."""
    if (model := language_model.of(settings)) is None:
        return answer
    rewriting = await asyncio.to_thread(_rewriting)
    analysis = msgspec.json.decode(answer.analysis, type=rewriting.Analysis)
    said = await rewriting.rewritten(rewriting.Text(summary=answer.summary, content=answer.content), analysis, model)
    return Answer(said.summary, said.content, answer.tools + said.tools)


def _rewriting() -> Any:
    from workers.analysis import rewriting  # noqa: PLC0415 - 40 MB and a second, which a worker without a model spares

    return rewriting


def words(error: Exception) -> str:
    """A reason for whoever asked for the report; what is internal stays in the log."""
    match error:
        case Refusal():
            return error.detail
        case Broken():
            return f"The analysis {error}."
    return f"The analysis could not be made ({type(error).__name__})."
