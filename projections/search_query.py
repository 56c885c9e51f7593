"""What a search asks for: its words, quantities, identifiers and phrases, as PostgreSQL's text search takes them."""

import re
from typing import NamedTuple

TERMS_MAX = 16
_PARTS = re.compile(r'(-?)"([^"]*)"|(\S+)')
_IDENTIFIER = re.compile(r"(?=.*\d)[A-Za-z0-9]{1,30}(?:[-./_][A-Za-z0-9]{1,30}){1,4}", re.ASCII)
_UNITS = "[kKmMµuGn]?(?:Vdc|Vac|VA|V|A|Ah|Wh|W|Hz|Ω|ohm|F|H|s|m|g|bar|Pa|Nm|N|dB|dBm|B|bit)|°?[CF]|min|h|rpm|psi|%|g_n|K"
_MEASURE = re.compile(rf"(?<![\w.,])(\d{{1,12}}(?:[.,]\d{{1,12}})?)\s?({_UNITS})(?!\w)")
_WORD = re.compile(r"\w+")
PREFIX_CHARACTERS_MIN = 3


class Term(NamedTuple):
    """`text` is a tsquery. `exact`: its lexemes are taken as they are, not stemmed. `word` is what a person would look for."""

    text: str
    exact: bool
    word: str


class Wanted(NamedTuple):
    """A document has to have every one of `must` and none of `never`; `terms` decide how well it answers."""

    terms: tuple[Term, ...]
    must: tuple[Term, ...]
    never: tuple[Term, ...]


def understood(text: str) -> Wanted:
    """Never fails: what no search can use is left out."""
    must: list[Term] = []
    never: list[Term] = []
    plain: list[str] = []
    for found in _PARTS.finditer(text):
        minus, phrase, word = found.groups()
        if phrase is not None:
            if words := _WORD.findall(phrase):
                (never if minus else must).append(Term(" <-> ".join(map(_quoted, words)), exact=False, word=phrase))
        elif len(word) > 1 and word.startswith("-") and _WORD.search(word):
            never += _terms(word[1:])
        elif word.lower() != "or":
            plain.append(word)
    terms = dict.fromkeys([*must, *_terms(" ".join(plain))])
    return Wanted(tuple(terms)[:TERMS_MAX], tuple(must), tuple(never))


def _terms(text: str) -> list[Term]:
    """Quantities and identifiers are found whole, words by their beginning."""
    found: list[Term] = []

    def whole(lexeme: str, word: str) -> str:
        found.append(Term(_quoted(lexeme.lower()), exact=True, word=word))
        return " "

    rest = _MEASURE.sub(lambda m: whole(m[1].replace(",", ".") + m[2], m[0]), text)
    rest = _IDENTIFIER.sub(lambda m: whole(m[0], m[0]), rest)
    for word in _WORD.findall(rest):
        prefix = ":*" if len(word) >= PREFIX_CHARACTERS_MIN else ""
        found.append(Term(_quoted(word) + prefix, exact=False, word=word))
    return found


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
