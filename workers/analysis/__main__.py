"""`python -m workers.analysis <request.json> <answer.json>`: one analysis in a process of its own, without network or clock."""

import sys
from pathlib import Path

import msgspec
from msgspec.structs import replace

from domain.reports import Tool
from workers.analysis.analysis import Analysis, LocalFile, analyse
from workers.analysis.bounds import Bounds
from workers.analysis.report_text import written
from workers.analysis.subject import Subject


class Request(msgspec.Struct, frozen=True, kw_only=True):
    subject: Subject
    files: tuple[LocalFile, ...] = ()
    bounds: Bounds = Bounds()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`analysis` is what a language model may be told: everything but the traces."""

    summary: str
    content: str
    tools: tuple[Tool, ...]
    analysis: Analysis


def main(request_path: Path, answer_path: Path) -> None:
    request = msgspec.json.decode(request_path.read_bytes(), type=Request)
    analysis = analyse(request.subject, request.files, request.bounds)
    text = written(analysis)
    told = replace(analysis, files=tuple(replace(file, traces=()) for file in analysis.files))
    answer = Answer(summary=text.summary, content=text.content, tools=analysis.tools, analysis=told)
    answer_path.write_bytes(msgspec.json.encode(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
