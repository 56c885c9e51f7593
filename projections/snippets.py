"""The piece of a text that shows why it was found: plain, short, cut between words."""

import re
from collections.abc import Iterable

CHARACTERS_MAX = 240
BEFORE = 60  # characters kept before the hit
STEM_CHARACTERS_MIN = 4
_MARK, _ITEM = re.compile(r"[*_`#|>]"), re.compile(r"^[^\S\n]*[-+]\s", re.MULTILINE)  # found faster, one by one, than all of them
_MARKS = re.compile(r"[*_`#|>]+|^[^\S\n]*[-+]\s|:?-{3,}:?", re.MULTILINE)


def snippet(text: str, words: Iterable[str]) -> str:
    """At most CHARACTERS_MAX characters around the first of `words` (or a form of one), from the beginning if there is none."""
    plain = " ".join((_MARKS.sub(" ", text) if _is_marked(text) else text).split())
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


def _is_marked(text: str) -> bool:
    return bool(_MARK.search(text) or "---" in text or _ITEM.search(text))


def _hit(plain: str, words: Iterable[str]) -> int:
    """Where the first word stands; its ending may differ, as of a stem."""
    lower = plain.lower()
    stems = [word if len(word) <= STEM_CHARACTERS_MIN else word[: max(STEM_CHARACTERS_MIN, len(word) - 3)] for word in words]
    return min((place for stem in stems if (place := _begun(lower, stem.lower())) >= 0), default=0)


def _begun(text: str, beginning: str) -> int:
    """Where a word of the text begins so; -1: nowhere. Without a pattern: to make one for each word takes longer than to look."""
    place = text.find(beginning)
    while place > 0 and (text[place - 1].isalnum() or text[place - 1] == "_"):
        place = text.find(beginning, place + 1)
    return place
