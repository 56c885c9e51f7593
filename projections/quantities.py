"""Quantities, identifiers and hyphenated words in one spelling each, the same for the texts in PostgreSQL and for queries."""

import re
from decimal import Decimal
from string import ascii_lowercase, ascii_uppercase

import msgspec

_NUMBER = r"[-\u2212]?(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,12})?|[0-9]{1,12}(?:[.,][0-9]{1,12})?)"
_PREFIXES = "pnuµμmkG"
_SCALED = ("Vdc", "Vac", "VA", "V", "Ah", "A", "Wh", "W", "Hz", "Ω", "\u2126", "ohm", "ohms", "F", "H", "s", "m", "g",
    "bar", "Pa", "Nm", "N", "B", "bit", "l", "J", "eV")  # fmt: skip
_DEGREES = tuple(degree + scale for degree in ("", "°", "deg", "deg ") for scale in "CF")
_PLAIN = ("dB", "dBm", "dBu", "dBi", *_DEGREES, "\u2103", "min", "h", "rpm", "psi", "%", "g_n", "K")
_SYMBOLS = f"[{_PREFIXES}]?(?:{'|'.join(_SCALED)})|{'|'.join(_PLAIN)}"
_RATES = ("s", "ns", "us", "µs", "μs", "ms", "min", "h", "m", "Hz", "√Hz")
_RATE = f"(?:/(?:{'|'.join(_RATES)}))?"
SPELLED = {
    "volt": "v", "volts": "v", "amp": "a", "amps": "a", "ampere": "a", "amperes": "a", "watt": "w", "watts": "w", "hertz": "hz",
    "second": "s", "seconds": "s", "sec": "s", "minute": "min", "minutes": "min", "hour": "h", "hours": "h", "percent": "%",
    "millisecond": "ms", "milliseconds": "ms", "kilohertz": "khz", "megahertz": "mhz", "kilovolt": "kv", "kilovolts": "kv",
    "millivolt": "mv", "millivolts": "mv", "litre": "l", "litres": "l", "ohms": "o", "ohm": "o",
    "degc": "°c", "deg c": "°c", "c": "°c", "\u2103": "°c", "celsius": "°c", "degf": "°f", "deg f": "°f", "f": "°f",
}  # fmt: skip
_UNIT = rf"(?:{_SYMBOLS}|{'|'.join(word for word in sorted(SPELLED) if len(word) > 2 and ' ' not in word)}){_RATE}"
PATTERN = rf"(?<![\w.,])({_NUMBER})(?:[ \u00a0\u202f]|-(?=[A-Za-z]{{2}}))?({_UNIT})(?!\w)"
_THOUSANDS = r",(?=[0-9]{3}(?![0-9]))"
IDENTIFIER_CHARACTERS_MAX = 150  # bounds within the pattern would make it fifty times as slow
_LETTERS = ("µμΩ\u2126ω", "uuooo")
MEASURE = re.compile(PATTERN, re.IGNORECASE)


def _symbol(unit: str) -> str:
    return unit.lower().translate(str.maketrans(*_LETTERS))


def _canonical(symbol: str) -> str:
    return SPELLED.get(symbol, symbol.replace("ohms", "o").replace("ohm", "o"))


# To PostgreSQL the pattern of all units would cost thirty times what it costs to look up a word that may be one.
_UNITS = (*(prefix + unit for prefix in ("", *_PREFIXES) for unit in _SCALED), *_PLAIN, *SPELLED)
_CAPITALS = str.maketrans(ascii_uppercase, ascii_lowercase)  # all that some collations of PostgreSQL make small
_UNITS_SQL = msgspec.json.encode({small: _canonical(_symbol(u)) for u in _UNITS for small in (u.lower(), u.translate(_CAPITALS))}).decode()
_RATES_SQL = ",".join(dict.fromkeys(map(_symbol, _RATES)))
_LETTER = r"[[:alpha:]_Ω\u2126µμ]"
_NAME = rf"{_LETTER}(?:{_LETTER}|[0-9])*"
_CANDIDATE = (
    rf"(?<![\w.,])([-\u2212]?[0-9]+(?:[.,][0-9]+)*)([ \u00a0\u202f-]?)((?:°|[dD][eE][gG] )?{_NAME}|%(?!\w)|\u2103(?!\w))(?:/(√?{_NAME}))?"
)


def measures(given: str) -> str:
    """SQL for the quantities in the text that the expression `given` tells, as an array of lexemes, in which one may stand twice."""
    unit, rate = (f"translate(lower({part}), '{_LETTERS[0]}', '{_LETTERS[1]}')" for part in ("m[3]", "m[4]"))
    return f"""(SELECT coalesce(array_agg(trim_scale(replace(regexp_replace(replace(m[1], '\u2212', '-'), '{_THOUSANDS}', '', 'g'),
          ',', '.')::numeric) || CASE WHEN {rate} = ANY('{{{_RATES_SQL}}}') THEN replace(replace({unit}, 'ohms', 'o'), 'ohm', 'o')
          || '/' || {rate} ELSE '{_UNITS_SQL}'::jsonb ->> lower(m[3]) END), '{{}}')
      FROM regexp_matches({given}, '{_CANDIDATE}', 'g') m
      WHERE '{_UNITS_SQL}'::jsonb ? lower(m[3]) AND (m[2] <> '-' OR m[3] ~ '^[A-Za-z]{{2}}') AND m[1] ~ '^{_NUMBER}$')"""


def identifiers(given: str) -> str:
    """SQL for the identifiers in a text, such as "sn-1234", likewise."""
    return f"""(SELECT coalesce(array_agg(lower(m[1])), '{{}}')
      FROM regexp_matches({given}, '(?<![\\w-])([A-Za-z0-9]+(?:[-./_][A-Za-z0-9]+)+)(?!\\w)', 'g') m
      WHERE m[1] ~ '[0-9]' AND length(m[1]) <= {IDENTIFIER_CHARACTERS_MAX})"""


def joined(given: str) -> str:
    """SQL for the hyphenated words of a text, written as one and parted by spaces."""
    return f"""(SELECT coalesce(string_agg(DISTINCT lower(replace(m[1], '-', '')), ' '), '') FROM regexp_matches({given},
        '(?<![\\w-])([A-Za-z]{{2,20}}(?:-[A-Za-z]{{2,20}}){{1,2}})(?![\\w-])', 'g') m)"""


def measure(number: str, unit: str) -> str:
    """The lexeme of a quantity: "3,000 rpm" is `3000rpm`, "-40 degC" `-40°c`, "13.0 volts" `13v`."""
    value = Decimal(re.sub(_THOUSANDS, "", number.replace("\u2212", "-")).replace(",", ".")) or Decimal(0)  # which has a sign else
    written = f"{value:f}"
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return written + _canonical(_symbol(unit))
