"""Text of users in Markdown: whatever they write stays text, on one line."""

import re
import unicodedata

MARKUP = {character: "\\" + character for character in "\\`*_[]~#$!"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
MARKED = str.maketrans(MARKUP)
LIST_ITEM = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=[-+=](?:[\s+=-]|$)))(.)")
UNSHOWABLE = {"Cc", "Cf", "Cs"}  # controls, directions, surrogates
JOINERS = {"\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}  # scripts and emoji need them
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def one_line(text: str, most: int | None = None) -> str:
    """The text with every white space as one blank, without what cannot be shown or turns the text around; at most `most` characters."""
    shown = (
        text
        if text.isprintable()
        else "".join(" " if c.isspace() or c in "\x1c\x1d\x1e\x1f" else c for c in text if c.isspace() or _shows(c))
    )
    line = " ".join(shown.split())
    return line if most is None or len(line) <= most else line[: most - 1].rstrip() + ELLIPSIS


def escaped(text: str, most: int | None = None) -> str:
    """One line of Markdown, also fit for a cell of a table, that reads as `text` does."""
    return LIST_ITEM.sub(r"\1\\\2", one_line(text, most).translate(MARKED))


def _shows(character: str) -> bool:
    """Noncharacters (the last two of each plane) may not stand in XML either."""
    return character in JOINERS or (unicodedata.category(character) not in UNSHOWABLE and ord(character) & 0xFFFE != 0xFFFE)
