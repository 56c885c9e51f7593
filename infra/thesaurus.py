"""Names of engineering that mean nearly the same, from thesaurus.txt: a line is a concept, its names separated by commas."""

import re
import unicodedata
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("thesaurus.txt")
NAME_WORDS_MAX = 3
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_DOUBLED = re.compile(r"([^\W\d_])\1$")
_ENDING = re.compile(r"(?<=\w{4})(?:ations?|ings?|ions?|ers?|ed|es|ly|s|e)$")


def words(text: str) -> list[str]:
    """Lower case, without accents."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) != "Mn").lower()
    return _WORD.findall(plain)


def stem(word: str) -> str:
    """Without the commonest endings: crude, for both sides are treated alike."""
    return _DOUBLED.sub(r"\1", _ENDING.sub("", word))


@cache
def concepts() -> list[tuple[str, ...]]:
    """The names of each, as they stand in the table."""
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [tuple(name.strip() for name in line.split(",")) for line in lines]


@cache
def named() -> dict[tuple[str, ...], list[int]]:
    """The concepts that a name, given by the stems of its words, may stand for: their places in `concepts`."""
    found: dict[tuple[str, ...], list[int]] = {}
    for place, names in enumerate(concepts()):
        for name in names:
            found.setdefault(tuple(map(stem, words(name))), []).append(place)
    return found
