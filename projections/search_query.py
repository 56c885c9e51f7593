"""What a search asks for: its words, quantities, identifiers and phrases, as PostgreSQL's text search takes them."""

import re
from typing import NamedTuple

from projections.quantities import MEASURE, measure

TERMS_MAX = 16
BEGINNING_CHARACTERS_MIN = 3
# Those of PostgreSQL's stop words that stand in names.
_DROPPED = frozenset({
    "a", "about", "above", "after", "again", "against", "all", "an", "and", "are", "as", "at", "be", "before", "below", "between", "both",
    "by", "can", "did", "do", "does", "down", "during", "each", "few", "for", "from", "further", "had", "has", "have", "how", "if", "in",
    "into", "is", "it", "itself", "just", "more", "most", "no", "nor", "not", "now", "of", "off", "on", "once", "only", "or", "other",
    "out", "over", "own", "s", "same", "should", "so", "some", "such", "t", "than", "that", "the", "then", "there", "through", "to",
    "too", "under", "until", "up", "very", "was", "were", "when", "where", "while", "will", "with", "you", "your",
})  # fmt: skip
_PARTS = re.compile(rf'(-?)"([^"]*)"|(?<!\S)({MEASURE.pattern})|(\S+)', re.IGNORECASE)
_IDENTIFIER = re.compile(r"(?=[A-Za-z./_-]*\d)[A-Za-z0-9]+(?:[-./_][A-Za-z0-9]+)+", re.ASCII)
_WORD = re.compile(r"[^\W_]+(?:-[^\W\d_]+)*")
_PLAIN = re.compile(r"\w+")


class Term(NamedTuple):
    """Any of its `spellings`, each of words that follow one another. `exact`: as they are, not stemmed. `word`: as it was typed.

    `open`: words that begin so count too, if less.
    """

    spellings: tuple[tuple[str, ...], ...]
    exact: bool
    open: bool
    word: str

    def tsquery(self, labels: str = "") -> str:
        """`labels`: `*` for the words that begin so, `A` for the title."""
        end = f":{labels}" if labels else ""
        return " | ".join("(" + " <-> ".join(_quoted(word) + end for word in spelling) + ")" for spelling in self.spellings)


class Wanted(NamedTuple):
    """A document has to have every one of `must` and none of `never`; `terms` decide how well it answers."""

    terms: tuple[Term, ...]
    must: tuple[Term, ...]
    never: tuple[Term, ...]

    @property
    def literal(self) -> bool:
        """Identifiers and quantities only: what is found by meaning beside them would be other numbers."""
        return bool(self.terms) and all(term.exact for term in self.terms)


def understood(text: str) -> Wanted:
    """Never fails: what no search can use is left out."""
    must: list[Term] = []
    never: list[Term] = []
    plain: list[str] = []
    for found in _PARTS.finditer(text):
        minus, phrase, quantity, *_, word = found.groups()
        if phrase is not None:
            if words := tuple(_PLAIN.findall(phrase)):
                (never if minus else must).append(Term((words,), exact=False, open=False, word=phrase))
        elif quantity is not None:
            plain.append(quantity)
        elif len(word) > 1 and word.startswith("-") and _PLAIN.search(word):
            never += _terms(word[1:])
        elif word.lower() != "or":
            plain.append(word)
    terms = dict.fromkeys([*must, *_terms(" ".join(plain))])
    return Wanted(tuple(terms)[:TERMS_MAX], tuple(must[:TERMS_MAX]), tuple(never[:TERMS_MAX]))


def _terms(text: str) -> list[Term]:
    """Quantities and identifiers are found whole, words by their beginning too; "pre-charge" is also "precharge"."""
    found: list[Term] = []

    def whole(lexeme: str, word: str, *, is_open: bool) -> str:
        found.append(Term(((lexeme.lower(),),), exact=True, open=is_open, word=word))
        return " "

    rest = MEASURE.sub(lambda m: whole(measure(m[1], m[2]), m[0], is_open=False), text)
    rest = _IDENTIFIER.sub(lambda m: whole(m[0], m[0], is_open=True), rest)
    for word in _WORD.findall(rest):
        parts = tuple(word.split("-"))
        spellings = (("".join(parts),), *uncut(parts)) if len(parts) > 1 else (parts,)
        found.append(Term(spellings, exact=False, open=len(word) >= BEGINNING_CHARACTERS_MIN, word=word))
    return found


def uncut(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The one spelling of these words; none where PostgreSQL would drop an end of it: "turn off" would find every "turn"."""
    return () if _DROPPED & {words[0].lower(), words[-1].lower()} else (words,)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
