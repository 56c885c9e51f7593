"""The piece of a text that shows why it was found: plain, short, cut between words."""

import re
from collections.abc import Iterable

CHARACTERS_MAX = 240
BEFORE = 60  # characters kept before the hit
STEM_CHARACTERS_MIN = 4
_MARKS = re.compile(r"[*_`#|>]+|^\s*[-+]\s|:?-{3,}:?", re.MULTILINE)
_SPACE = re.compile(r"\s+")


def snippet(text: str, words: Iterable[str]) -> str:
    """At most CHARACTERS_MAX characters around the first of `words` (or a form of one), from the beginning if there is none."""
    plain = _SPACE.sub(" ", _MARKS.sub(" ", text)).strip()
    if len(plain) <= CHARACTERS_MAX:
        return plain
    start = max(_hit(plain, words) - BEFORE, 0)
    start = min(start, len(plain) - CHARACTERS_MAX + 1)
    if start:
        start = plain.find(" ", start, start + BEFORE) + 1 or start
    left = "…" if start else ""
    end = start + CHARACTERS_MAX - len(left)
    if end >= len(plain):
        return left + plain[start:]
    end = max(plain.rfind(" ", start + CHARACTERS_MAX // 2, end), 0) or end - 1
    return f"{left}{plain[start:end]}…"


def _hit(plain: str, words: Iterable[str]) -> int:
    """Where the first word stands; its ending may differ, as of a stem."""
    stems = [word if len(word) <= STEM_CHARACTERS_MIN else word[: max(STEM_CHARACTERS_MIN, len(word) - 3)] for word in words]
    found = [m.start() for stem in stems if (m := re.search(rf"(?<!\w){re.escape(stem)}", plain, re.IGNORECASE))]
    return min(found, default=0)
