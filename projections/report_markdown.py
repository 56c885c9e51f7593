"""The Markdown of reports, read so that nothing in it can act: no links, no images, no HTML but plain pictures."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

NESTING_MAX = 12  # containers within containers, far below what typst can lay out; what lies deeper is not shown
SVG_BYTES_MAX = 64_000
SVG_DEPTH_MAX = 8
ACTING = ["link", "image", "autolink", "reference", "html_inline"]  # rules that are off: what they would read stays text

ELEMENTS = {"svg", "g", "path", "line", "polyline", "rect", "circle", "text"}
NUMBERS = r"[-+0-9eE., ]*"
VALUES = {
    **dict.fromkeys(("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "width", "height", "points", "font-size"), NUMBERS),
    **dict.fromkeys(("stroke-width", "stroke-dasharray", "stroke-opacity", "fill-opacity", "opacity"), NUMBERS),
    **dict.fromkeys(("fill", "stroke"), r"#[0-9a-f]{3,6}|none"),
    **dict.fromkeys(("stroke-linejoin", "stroke-linecap", "text-anchor", "font-weight", "font-style", "role"), r"[a-z]+"),
    "d": r"[-+0-9eE., MmLlHhVvCcSsQqAaZz]*",
    "transform": r"(?:rotate|translate)\([-0-9., ]+\)",
    "font-family": r"[A-Za-z, -]+",
    "viewBox": r"0 0 [1-9][0-9]{0,3} [1-9][0-9]{0,3}",
    "xmlns": r"http://www\.w3\.org/2000/svg",
    "aria-label": r"(?:[^<>&\"]|&(?:amp|lt|gt|quot|#x27);)*",
}
ATTRIBUTE = re.compile(r' ([A-Za-z0-9-]+)="([^"<>]*)"')
PIECE = re.compile(r"<([a-z]+)((?: [A-Za-z0-9-]+=\"[^\"<>]*\")*)(/?)>|</([a-z]+)>|((?:[^<>&]|&(?:amp|lt|gt|quot|#x27);)+)")
UNFIT_FOR_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Piece(NamedTuple):
    """Of a picture: a start (`name`, and `is_empty` where it ends at once), an end or some text."""

    name: str
    attributes: str
    is_empty: str
    end: str
    text: str


def parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True, "maxNesting": NESTING_MAX}).enable("table").disable(ACTING)


def tokens(content: str) -> list[Token]:
    return parser().parse(content)


def is_picture(text: str) -> bool:
    """Whether this is SVG in the narrow form that the analysis writes.

    Only drawing elements and attributes of known form, well nested, no entity but the five of XML, no declaration, no comment: so
    every parser, of XML and of HTML, reads the same, and there is nothing in it that loads, links, scripts or styles.
    """
    picture = text.strip()
    pieces = _pieces(picture) if len(picture.encode("utf-8", "replace")) <= SVG_BYTES_MAX and not UNFIT_FOR_XML.search(picture) else None
    return pieces is not None and _is_nested(pieces)


def _pieces(picture: str) -> list[Piece] | None:
    """None where something is not in the narrow form."""
    found, at = [], 0
    for match in PIECE.finditer(picture):
        if match.start() != at:
            return None
        at = match.end()
        piece = Piece(*(group or "" for group in match.groups()))
        if piece.name and not (piece.name in ELEMENTS and _are_known(piece.attributes)):
            return None
        found.append(piece)
    return found if at == len(picture) else None


def _are_known(attributes: str) -> bool:
    named = ATTRIBUTE.findall(attributes)
    return len({name for name, _ in named}) == len(named) and all(
        name in VALUES and re.fullmatch(VALUES[name], value) is not None for name, value in named
    )


def _is_nested(pieces: list[Piece]) -> bool:
    """One `svg`, with a size and its namespace, is around everything."""
    if not pieces or pieces[0].name != "svg" or not {"viewBox", "xmlns"} <= dict(ATTRIBUTE.findall(pieces[0].attributes)).keys():
        return False
    depths = list(_depths(pieces))
    return len(depths) == len(pieces) and depths[-1] == 0 and all(0 < depth <= SVG_DEPTH_MAX for depth in depths[:-1])


def _depths(pieces: list[Piece]) -> Iterator[int]:
    """How many elements are open after each piece; ends early where one closes that is not open."""
    opened: list[str] = []
    for piece in pieces:
        if piece.name and not piece.is_empty:
            opened.append(piece.name)
        elif piece.end and (not opened or opened.pop() != piece.end):
            return
        yield len(opened)
