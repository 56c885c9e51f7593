"""Vectors without a model: the words of a text, their pieces and the engineering concepts that they name, hashed to directions.

The hashing of features is that of Weinberger et al., Feature Hashing for Large Scale Multitask Learning (2009).
"""

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

from infra.blas import Floats, np
from infra.embedding.vectors import unit

TABLE = Path(__file__).with_name("concepts.txt")
VERSION = 1  # of what is done below: another one, another model id
DIMENSION = 384
WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
DOUBLED = re.compile(r"([^\W\d_])\1$")
ENDING = re.compile(r"(?<=\w{4})(?:ations?|ings?|ions?|ers?|ed|es|ly|s|e)$")
NAME_WORDS_MAX = 3
PIECE_CHARS = 3
WEIGHTS = {"concept": 1.5, "word": 1.0, "piece": 0.4}
TEXT_CHARS_MAX = 64_000
FEATURES_KEPT_MAX = 50_000


class Concepts:
    """The same text gives the same vector on every machine."""

    dimension = DIMENSION

    @property
    def model_id(self) -> str:
        return f"concepts-{VERSION}@{hashlib.sha256(TABLE.read_bytes()).hexdigest()[:12]}"

    def embed(self, texts: Sequence[str]) -> list[Floats]:
        return [_vector(text[:TEXT_CHARS_MAX]) for text in texts]


def _vector(text: str) -> Floats:
    """A text without a word has a direction of its own, since no angle can be measured to a zero vector."""
    vector = np.zeros(DIMENSION, np.float32)
    counts = Counter(_features(_words(text))) or Counter([("word", "")])
    for (kind, name), count in counts.items():
        place, sign = _direction(kind, name)
        vector[place] += sign * WEIGHTS[kind] * (1 + math.log(count))
    return unit(vector) if vector.any() else _vector("")


def _features(words: list[str]) -> Iterator[tuple[str, str]]:
    """Pieces are those of the word as it stands, for a mistyped ending is none that could be cut off."""
    stems = [_stem(word) for word in words]
    for place, (word, stem) in enumerate(zip(words, stems, strict=True)):
        yield "word", stem
        marked = f"<{word}>"
        yield from (("piece", marked[begin : begin + PIECE_CHARS]) for begin in range(len(marked) - PIECE_CHARS + 1))
        for length in range(1, NAME_WORDS_MAX + 1):
            name = tuple(stems[place : place + length])
            if len(name) == length:
                yield from (("concept", str(concept)) for concept in _concepts().get(name, ()))


def _words(text: str) -> list[str]:
    """Lower case, without accents."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) != "Mn").lower()
    return WORD.findall(plain)


def _stem(word: str) -> str:
    """Without the commonest endings: crude, for both sides are treated alike."""
    return DOUBLED.sub(r"\1", ENDING.sub("", word))


@cache
def _concepts() -> dict[tuple[str, ...], list[int]]:
    """The numbers of the concepts that a name may stand for."""
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    found: dict[tuple[str, ...], list[int]] = {}
    for concept, line in enumerate(lines):
        for name in line.split(","):
            found.setdefault(tuple(map(_stem, _words(name))), []).append(concept)
    return found


@lru_cache(FEATURES_KEPT_MAX)
def _direction(kind: str, name: str) -> tuple[int, int]:
    number = int.from_bytes(hashlib.blake2b(f"{kind} {name}".encode("utf-8", "replace"), digest_size=8).digest(), "big")
    return number // 2 % DIMENSION, 1 if number % 2 else -1
