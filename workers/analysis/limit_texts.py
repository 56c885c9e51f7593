"""Limits as procedures write them: `shall stay above 10.5 V`, `5 V ± 2 %`, `within 100 ms`; a bare `apply 13 V` bounds nothing."""

import math
import re
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from workers.analysis.findings import Limit
from workers.analysis.limit_patterns import (
    CLAUSE,
    CONDITION,
    DEMAND,
    EXTREME,
    ONE_SIDE,
    RANGE,
    STIMULUS,
    TOLERANCE,
    VERB,
    WITHIN,
)
from workers.analysis.units import converted, unit

TEXT_CHARS_MAX = 100_000
LIMITS_MAX = 200
NAME_WORDS_MAX = 4
CLAUSE_CHARS_MAX = 300

LEADING = {
    *(
        "verify",
        "check",
        "ensure",
        "confirm",
        "make",
        "sure",
        "measure",
        "monitor",
        "keep",
        "expect",
        "expected",
        "require",
        "requires",
        "limit",
    ),
    *("that", "the", "a", "an", "any", "each", "all", "every", "its", "their", "it", "this", "der", "die", "das", "dass"),
    *("and", "or", "of", "with", "within", "but", "then", "for", "in", "at", "on", "by", "und"),
}


def limits_in(text: str, source: str) -> list[Limit]:
    """The bounds that a text writes down, in its order. What is applied, waited for or a condition is no bound."""
    text = text[:TEXT_CHARS_MAX]
    taken: list[tuple[int, int]] = []
    found: list[tuple[int, Limit]] = []
    for start, end, limit in _candidates(text, source):
        if all(end <= a or start >= b for a, b in taken):
            taken.append((start, end))
            if limit is not None:
                found.append((start, limit))
    return [limit for _, limit in sorted(found, key=lambda each: each[0])][:LIMITS_MAX]


def _candidates(text: str, source: str) -> Iterator[tuple[int, int, Limit | None]]:
    """The stronger patterns first. None where the words bound nothing, so that no weaker pattern takes them."""
    starts = [0, *(match.end() for match in CLAUSE.finditer(text))]
    for pattern, read in PATTERNS:
        for match in pattern.finditer(text):
            clause = starts[bisect_right(starts, match.start()) - 1]
            before = text[max(clause, match.start() - CLAUSE_CHARS_MAX) : match.start()]
            limit = read(match, source)
            if limit is None or not _is_finite(limit) or not (limit.within_s is not None or _demanded(before)):
                yield match.start(), match.end(), None
            else:
                yield match.start(), match.end(), msgspec.structs.replace(limit, channel=_name(before, match))


def _is_finite(limit: Limit) -> bool:
    return all(value is None or math.isfinite(value) for value in (limit.low, limit.high, limit.within_s))


def _name(before: str, match: re.Match[str]) -> str | None:
    """What is bound: named since the last bound of the clause, or in `maximum current: 3 A`, or at the beginning of the clause."""
    other = max((each.end() for pattern, _ in PATTERNS for each in pattern.finditer(before)), default=0)
    inner = EXTREME.match(match[0])
    return _subject(before[other:]) or (_subject(inner[1]) if inner else None) or _subject(before)


def _demanded(before: str) -> bool:
    """Whether the words before a bound ask for it. A later demand overrides a stimulus or a condition."""
    demand = max((m.end() for m in DEMAND.finditer(before)), default=-1)
    other = max((m.end() for pattern in (STIMULUS, CONDITION) for m in pattern.finditer(before)), default=-1)
    return demand > other or other < 0


def _subject(before: str) -> str | None:
    """What the words speak of: the last few before their verb."""
    words = [word.strip("()\"'`") for word in before.split()]
    while words and words[0].casefold() in LEADING:
        words.pop(0)
    verb = next((i for i, word in enumerate(words) if VERB.fullmatch(word)), len(words))
    words = [word for word in words[:verb][-NAME_WORDS_MAX:] if word and word.casefold() not in LEADING]
    name = " ".join(words).strip(":= ")
    return name if any(char.isalpha() for char in name) else None


def _tolerance(match: re.Match[str], source: str) -> Limit | None:
    middle, by, by_unit = _number(match["middle"]), abs(_number(match["by"])), match["unit"]
    name = match["middle_unit"] or by_unit
    if unit(by_unit).dimension == "share" and unit(name).dimension != "share":
        by = abs(middle) * by / 100
    elif unit(by_unit).dimension != unit(name).dimension:
        return None
    else:
        by *= unit(by_unit).factor / unit(name).factor  # a difference: the scales' zeros do not matter
    return Limit(unit=name, low=middle - by, high=middle + by, source=source, text=match[0].strip())


def _range(match: re.Match[str], source: str) -> Limit | None:
    word, join, name = (match["word"] or "").casefold(), match["join"].casefold(), match["unit"]
    low, high = _number(match["low"]), _number(match["high"])
    if match["low_unit"]:
        same = converted(low, match["low_unit"], name)
        if same is None:
            return None
        low = same
    joined_by_word = join in {"to", "and", "und", "bis"}
    if word == "from" or (joined_by_word and not word) or low >= high:
        return None
    return Limit(unit=name, low=low, high=high, source=source, text=match[0].strip())


def _within(match: re.Match[str], source: str) -> Limit | None:
    span = converted(_number(match["number"]), match["unit"], "s")
    return None if span is None or span <= 0 else Limit(unit="s", within_s=span, source=source, text=match[0].strip())


def _one_side(match: re.Match[str], source: str) -> Limit | None:
    name, value, text = match["unit"], _number(match["number"]), match[0].strip()
    if unit(name).dimension == "time":  # `for at least 10 s` is how long to do something
        return _within(match, source) if match["most"] else None
    return Limit(unit=name, low=None if match["most"] else value, high=value if match["most"] else None, source=source, text=text)


def _number(text: str) -> float:
    """`1,000` is a thousand, `1,5` is one and a half, `1.000,5` a thousand and a half."""
    plain = text.replace("\u2212", "-")
    comma, dot = plain.rfind(","), plain.rfind(".")
    if comma >= 0 and dot >= 0:
        plain = plain.replace(",", "") if dot > comma else plain.replace(".", "").replace(",", ".")
    elif comma >= 0:
        thousands = re.fullmatch(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+", plain)
        plain = plain.replace(",", "" if thousands else ".")
    try:
        return float(plain)
    except ValueError:  # `1.2.3 V` is a version, or a mistake
        return float("nan")


PATTERNS = ((TOLERANCE, _tolerance), (RANGE, _range), (WITHIN, _within), (ONE_SIDE, _one_side))
