"""Vectors without a model: the words of a text, their pieces and the engineering concepts that they name, hashed to directions.

The hashing of features is that of Weinberger et al., Feature Hashing for Large Scale Multitask Learning (2009).
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from infra import thesaurus
from infra.blas import Floats, np
from infra.embedding.vectors import unit

VERSION = 2  # of what is done below: another one, another model id
DIMENSION = 384
PIECE_CHARS = 3
WEIGHTS = {"concept": 2.0, "word": 1.0, "piece": 0.4}
TEXT_CHARS_MAX = 64_000
FEATURES_KEPT_MAX = 50_000


class Concepts:
    """The same text gives the same vector on every machine."""

    dimension = DIMENSION

    @property
    def model_id(self) -> str:
        return f"concepts-{VERSION}@{hashlib.sha256(thesaurus.TABLE.read_bytes()).hexdigest()[:12]}"

    def embed(self, texts: Sequence[str]) -> list[Floats]:
        return [_vector(text[:TEXT_CHARS_MAX]) for text in texts]


def _vector(text: str) -> Floats:
    """A text without a word has a direction of its own, since no angle can be measured to a zero vector."""
    vector = np.zeros(DIMENSION, np.float32)
    counts = Counter(_features(thesaurus.words(text))) or Counter([("word", "")])
    for (kind, name), count in counts.items():
        place, sign = _direction(kind, name)
        vector[place] += sign * WEIGHTS[kind] * (1 + math.log(count))
    return unit(vector) if vector.any() else _vector("")


def _features(words: list[str]) -> Iterator[tuple[str, str]]:
    """Pieces are those of the word as it stands, for a mistyped ending is none that could be cut off."""
    stems = [thesaurus.stem(word) for word in words]
    for place, (word, stem) in enumerate(zip(words, stems, strict=True)):
        yield "word", stem
        marked = f"<{word}>"
        yield from (("piece", marked[begin : begin + PIECE_CHARS]) for begin in range(len(marked) - PIECE_CHARS + 1))
        for length in range(1, thesaurus.NAME_WORDS_MAX + 1):
            name = tuple(stems[place : place + length])
            if len(name) == length:
                yield from (("concept", str(concept)) for concept in thesaurus.named().get(name, ()))


@lru_cache(FEATURES_KEPT_MAX)
def _direction(kind: str, name: str) -> tuple[int, int]:
    number = int.from_bytes(hashlib.blake2b(f"{kind} {name}".encode("utf-8", "replace"), digest_size=8).digest(), "big")
    return number // 2 % DIMENSION, 1 if number % 2 else -1
