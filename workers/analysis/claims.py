"""What a text claims, as values that can be compared: quantities and counts, moments, findings and steps that it names."""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

COUNTING = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
AS_DIGITS = {word: str(number) for number, word in enumerate(COUNTING)}
SECONDS = {"d": "86400", "h": "3600", "min": "60", "s": "1", "ms": "1e-3", "\N{GREEK SMALL LETTER MU}s": "1e-6", "ns": "1e-9"}
UNITS = {
    "day": "d", "hour": "h", "minute": "min", "second": "s", "sec": "s", "millisecond": "ms", "percent": "%", "volt": "V", "ampere": "A",
    "amp": "A", "watt": "W", "hertz": "Hz", "\N{DEGREE SIGN}C": "degC", "\N{DEGREE SIGN}F": "degF",
}  # fmt: skip
NO_UNIT = re.compile(
    "an?|above|after|and|are|as|at|before|below|between|but|by|during|for|from|had|has|have|in|is|of|on|or|over|since|than|that|the|then|"
    "through|to|under|until|was|were|when|where|which|while|with|within",
    re.IGNORECASE,
)
STATUSES = {
    "steps passed with exception": "passed with (?:an )?exceptions?",
    "steps passed": "passed",
    "steps failed": "fail(?:ed|s)?|failures?",
    "steps done": "done",
    "steps open": "open",
    "steps with an outcome": "(?:have|has|had|with) (?:an )?outcomes?",
}
LINKS = "(?:(?:an?|are|as|be|been|has|have|is|left|marked|recorded|remains?|reported|still|to|was|were) )*?"
COUNTED = {name: f"(?:(?:test )?steps? {LINKS})?(?:{words})" for name, words in STATUSES.items()} | {
    "steps": "(?:test )?steps?",
    "broken limits": "broken limits?",
    "anomalies": "anomal(?:y|ies)",
    "notes": "notes?",
    "findings": "findings?",
    "data files not analysed": "(?:data )?files? could not be analysed",
    "data files": "(?:data )?files?",
}
ANY_COUNTED = "|".join(COUNTED.values())

DEGREES = re.compile(r"\bdegrees? (?:celsius|c)\b", re.IGNORECASE)
BRACKETED = re.compile(r" ?\(([^()]*)\)")
MOMENT = re.compile(
    r"(?<![\w.:-])(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?|\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:Z| UTC)?(?![\w:-])"
)
FINDING = re.compile(r"\bF\d+\b")
STEP = re.compile(r"\bsteps? (\d+\.\d+(?:(?:,| and|, and) \d+\.\d+)*)(?!\w)", re.IGNORECASE)
SHARE = re.compile(rf"(?<![\w.-])(\d+) (?:out )?of (?:the |all )?(\d+) ({ANY_COUNTED})\b", re.IGNORECASE)
COUNT = re.compile(rf"(?<![\w.-])(\d+) ({ANY_COUNTED})\b(?! \d)", re.IGNORECASE)
LASTING = re.compile(r"(?<![\w.-])(\d+) (d|h|min) (\d+) (h|min|s)\b")
NUMBER = re.compile(
    r"(?<![\w.])([-+]?(?:\d{1,40}(?:\.\d{1,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,3})?)(?!\d)(?: ?([^\s\d.,;:()\"-][^\s,;:()\"]*))?"
)


class Quantity(NamedTuple):
    """`value` in `unit`; times are in seconds. `digit` is what one more in the last digit would be; `text` is how it stands there."""

    text: str
    value: Decimal
    unit: str
    digit: Decimal


class Claims(NamedTuple):
    """`rest` is the text without all that: a figure in it could not be read."""

    quantities: list[Quantity]
    moments: list[str]
    findings: list[str]
    steps: list[str]
    rest: str


def claims(text: str) -> Claims:
    text, moments = _taken(MOMENT, plain(text))
    text, findings = _taken(FINDING, text)
    text, steps = _taken(STEP, text)
    text, shares = _taken(SHARE, text)
    text, counts = _taken(COUNT, text)
    text, lasting = _taken(LASTING, text)
    text, numbers = _taken(NUMBER, text)
    quantities = [
        *(each for found in shares for each in _share(found)),
        *(_counted(found[0], found[1], found[2]) for found in counts),
        *map(_lasting, lasting),
        *map(_number, numbers),
    ]
    numbered = [number for found in steps for number in re.findall(r"\d+\.\d+", found[1])]
    return Claims(quantities, [found[1].replace("T", " ") for found in moments], [found[0] for found in findings], numbered, text)


def supports(known: Quantity, claimed: Quantity) -> bool:
    """Whether the claim is the known value, also when it is given in fewer digits, but two at least."""
    if known.unit != claimed.unit:
        return False
    if known.value == claimed.value:
        return True
    rounded = (known.value / claimed.digit).to_integral_value(ROUND_HALF_UP) * claimed.digit
    return claimed.digit * 10 <= abs(known.value) and rounded == claimed.value


def is_moment_of(known: str, claimed: str) -> bool:
    """Whether the claim is the known moment, also without its date or its last parts."""
    return known.startswith(claimed) or known[11:].startswith(claimed)


def measured(value: float | None, unit: str) -> list[Quantity]:
    """A value as it is known, not as a text has it; none where there is none."""
    return [] if value is None else claims(f"{value:.15g} {unit}").quantities


def plain(text: str) -> str:
    """In one form of digits, signs and units; numbers up to twelve as digits; what stands in brackets after what they stand in."""
    text = unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-")
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = DEGREES.sub("degC", text)
    text = re.sub(r"\b[a-z]+\b", lambda word: AS_DIGITS.get(word[0].lower(), word[0]), text, flags=re.IGNORECASE)
    return "; ".join([BRACKETED.sub("", text), *BRACKETED.findall(text)])


def _taken(pattern: re.Pattern[str], text: str) -> tuple[str, list[re.Match[str]]]:
    return pattern.sub(" ", text), list(pattern.finditer(text))


def _share(found: re.Match[str]) -> tuple[Quantity, Quantity]:
    """`7 of 8 steps failed`: seven failed, and eight are there."""
    part = _counted(found[0], found[1], found[3])
    whole = "steps" if part.unit.startswith("steps") else part.unit
    return part, Quantity(found[0], Decimal(found[2]), whole, Decimal(1))


def _counted(text: str, number: str, words: str) -> Quantity:
    name = next(name for name, pattern in COUNTED.items() if re.fullmatch(pattern, words, re.IGNORECASE))
    return Quantity(text, Decimal(number), name, Decimal(1))


def _lasting(found: re.Match[str]) -> Quantity:
    """`3 min 20 s` as one time."""
    major, minor = Decimal(SECONDS[found[2]]), Decimal(SECONDS[found[4]])
    return Quantity(found[0], int(found[1]) * major + int(found[3]) * minor, "s", minor)


def _number(found: re.Match[str]) -> Quantity:
    value, unit = Decimal(found[1]), _unit((found[2] or "").rstrip(".!?"))
    digit = Decimal(1).scaleb(int(value.as_tuple().exponent))
    factor = Decimal(SECONDS.get(unit, "1"))
    return Quantity(found[0].rstrip(".!?"), value * factor, "s" if unit in SECONDS else unit, digit * factor)


def _unit(word: str) -> str:
    if NO_UNIT.fullmatch(word):
        return ""
    singular = word[:-1] if re.fullmatch("[a-z]{3,}s", word) else word
    return UNITS.get(singular, singular)
