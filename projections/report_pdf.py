"""A report as PDF: the text goes to typst as data beside a fixed program, so that nothing in it can become code."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import typst
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from projections.report_breaks import CELL_WORD_MAX, LINE_WORD_MAX, breakable, shortened, size, widths
from projections.report_front import front
from projections.report_markdown import is_picture, tokens

SOURCE = Path(__file__).with_name("report_pdf.typ")

Node = dict[str, Any]


class Program(NamedTuple):
    """What typst is given: a source that is always the same, and the report as data."""

    source: bytes
    inputs: dict[str, str]
    fonts: typst.Fonts


def pdf(report: dict[str, Any], run: dict[str, Any]) -> bytes:
    """The same documents give the same bytes; takes some tenths of a second of CPU, so call it in a thread."""
    made = program(report, run)
    at = datetime.fromisoformat(report.get("completed_at") or report["created_at"]).replace(microsecond=0, tzinfo=UTC)
    return bytes(typst.compile(made.source, font_paths=made.fonts, sys_inputs=made.inputs, timestamp=at, format="pdf"))


def program(report: dict[str, Any], run: dict[str, Any]) -> Program:
    shown = front(report, run)
    document = {
        "title": _line(shown.report.title),
        "head": shortened(f"{shown.run.test_run_id}  {shown.report.title}"),
        "id": shown.report.uuid,
        "facts": [(name, _line(value)) for name, value in shown.facts],
        "notice": _line(shown.notice),
        "nodes": _blocks(_tree(shown.report.content)),
    }
    return Program(_source(), {"report": msgspec.json.encode(document).decode()}, _fonts())


@cache
def _source() -> bytes:
    return SOURCE.read_bytes()


@cache
def _fonts() -> typst.Fonts:
    """Those within typst: the same on every machine."""
    return typst.Fonts(include_system_fonts=False)


def _tree(content: str) -> SyntaxTreeNode:
    """Of the blocks only, which lie in each other a few times at most; what is within a line is laid flat."""
    parsed = tokens(content)
    for token in parsed:
        if token.type == "inline":
            token.meta["runs"], token.children = list(_runs(token)), []
    return SyntaxTreeNode(parsed)


def _block(node: SyntaxTreeNode) -> Iterator[Node]:
    match node.type:
        case "heading":
            yield {"t": "heading", "n": max(1, int(node.tag[1]) - 1), "c": _inlines(node)}  # the title above is the first
        case "paragraph":
            yield {"t": "paragraph", "c": _inlines(node)}
        case "bullet_list":
            yield {"t": "bullets", "c": [_blocks(item) for item in node.children]}
        case "ordered_list":
            yield {"t": "numbers", "start": node.attrs.get("start", 1), "c": [_blocks(item) for item in node.children]}
        case "blockquote":
            yield {"t": "quote", "c": _blocks(node)}
        case "html_block" if is_picture(node.content):
            yield {"t": "picture", "s": node.content.strip()}
        case "html_block" | "fence" | "code_block":
            yield {"t": "code", "s": node.content}
        case "hr":
            yield {"t": "rule"}
        case "table":
            yield _table(node)


def _blocks(node: SyntaxTreeNode) -> list[Node]:
    return [made for child in node.children for made in _block(child)]


def _inlines(node: SyntaxTreeNode) -> list[Node]:
    """Of a node that holds one inline node."""
    return [run for inline in node.children for run in inline.meta["runs"]]


def _runs(inline: Token) -> Iterator[Node]:
    """The text in pieces of one look each, however deep the marks lie in each other."""
    depth = Counter[str]()
    for token in inline.children or []:
        depth[token.type.removesuffix("_open").removesuffix("_close")] += token.nesting
        text = {"softbreak": " ", "hardbreak": "\n"}.get(token.type, token.content)
        if text:
            yield {"s": _line(text), "strong": depth["strong"] > 0, "em": depth["em"] > 0, "code": token.type == "code_inline"}


def _table(node: SyntaxTreeNode) -> Node:
    lines = [line for part in node.children for line in part.children]
    rows = [[[run | {"s": breakable(run["s"], CELL_WORD_MAX)} for run in _inlines(cell)] for cell in line.children] for line in lines]
    shares = widths([["".join(run["s"] for run in cell) for cell in row] for row in rows])
    aligned = ["right" if cell.attrs.get("style") == "text-align:right" else "left" for cell in lines[0].children]
    return {"t": "table", "align": aligned, "widths": shares, "size": size(shares), "rows": rows}


def _line(text: str) -> str:
    return breakable(text, LINE_WORD_MAX)
