"""Where long words of a table may break on paper, and how wide its columns are."""

import math
import re
import unicodedata
from collections.abc import Sequence

BREAK = "\N{ZERO WIDTH SPACE}"
CELL_WORD_MAX, LINE_WORD_MAX = 16, 60  # characters that stay together in a table and elsewhere
WIDTHS_MAX = (40, 30, 24, 18)  # characters that a column asks for at most: the first with which all fit in type of full size
MARGIN = 2  # characters
HEAD_MAX = 110  # characters
FULL_SIZE, SMALLEST = 8.5, 6.0  # points
SIZES = ((122, FULL_SIZE), (136, 7.5), (150, 6.8))  # characters of all columns -> size of the type
JOINTS = re.compile(r"(?<=[_\-./\\:@,;])(?=\w)")


def breakable(text: str, most: int) -> str:
    """The text with places to break in each word of more than `most` characters: behind its joints, else anywhere."""
    return " ".join(_broken(word, most) if len(word) > most else word for word in text.split(" "))


def shortened(text: str) -> str:
    """For the head of a page, which has one line."""
    return text if _length(text) <= HEAD_MAX else text[: HEAD_MAX // 2] + "\N{HORIZONTAL ELLIPSIS}"


def widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """The share of each column: as much as its longest text asks for, within reason, and never less than its longest piece."""
    columns = list(zip(*rows, strict=True))
    tried = ([max(_width(cell, most) for cell in column) + MARGIN for column in columns] for most in WIDTHS_MAX)
    return min(tried, key=lambda shares: max(sum(shares), SIZES[0][0]))


def size(shares: Sequence[int]) -> float:
    """Of the type in points, so that columns of these shares fit beside each other."""
    return next((points for most, points in SIZES if sum(shares) <= most), SMALLEST)


def _width(cell: str, most: int) -> int:
    return max(min(_length(cell), most), *(_length(piece) for piece in re.split(f"[ {BREAK}]", cell)))


def _length(text: str) -> int:
    """In lower-case letters: capitals are wider, and characters of East Asia twice as wide."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return math.ceil(len(text) + 0.35 * sum(c.isupper() for c in text) + wide) - text.count(BREAK)


def _broken(word: str, most: int) -> str:
    return BREAK.join(piece[at : at + most] for piece in JOINTS.split(word) for at in range(0, len(piece), most))
