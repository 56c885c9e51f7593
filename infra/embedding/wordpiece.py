"""The tokenizer of uncased BERT models: words of a text, each as the longest pieces that the vocabulary holds.

After Devlin et al., BERT (2019), and Wu et al., Google's Neural Machine Translation System (2016), section 4.1.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

PADDING, UNKNOWN, BEGIN, END = 0, 100, 101, 102
WORD_CHARS_MAX = 100
WORDS_KEPT_MAX = 50_000
CHARS_KEPT_MAX = 10_000
IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf\U0002f800-\U0002fa1f]")


class WordPiece:
    """`vocabulary`: one piece a line, its number being that of the line; a piece that continues a word begins with ##."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._numbers = {piece: number for number, piece in enumerate(vocabulary) if piece}
        self._spellings = _Spellings()
        self.pieces = lru_cache(WORDS_KEPT_MAX)(self._pieces)

    def words(self, text: str) -> list[tuple[int, ...]]:
        """The numbers of the pieces of each word."""
        return [self.pieces(word) for word in text.translate(self._spellings).split()]

    def _pieces(self, word: str) -> tuple[int, ...]:
        if len(word) > WORD_CHARS_MAX:
            return (UNKNOWN,)
        found: list[int] = []
        begin = 0
        while begin < len(word):
            end, number = self._longest(word, begin)
            if number is None:
                return (UNKNOWN,)
            found.append(number)
            begin = end
        return tuple(found)

    def _longest(self, word: str, begin: int) -> tuple[int, int | None]:
        for end in range(len(word), begin, -1):
            number = self._numbers.get(("##" if begin else "") + word[begin:end])
            if number is not None:
                return end, number
        return begin, None


class _Spellings(dict[int, str]):
    """What becomes of a character, by its code: made when first met, for `str.translate`."""

    def __missing__(self, code: int) -> str:
        spelled = _spelled(chr(code))
        if len(self) < CHARS_KEPT_MAX:
            self[code] = spelled
        return spelled


def _spelled(char: str) -> str:
    """Lower case without accents; punctuation and ideographs stand alone; controls vanish."""
    if char in "\t\n\r" or unicodedata.category(char) == "Zs":
        return " "
    if char == "\ufffd" or unicodedata.category(char) in ("Cc", "Cf", "Co"):
        return ""
    bare = "".join(part for part in unicodedata.normalize("NFD", char) if unicodedata.category(part) != "Mn").lower()
    if IDEOGRAPH.fullmatch(char):
        return f" {bare} "
    return "".join(f" {part} " if _is_punctuation(part) else part for part in bare)


def _is_punctuation(char: str) -> bool:
    """Also what ASCII has beside letters and digits, such as $ and ^."""
    return unicodedata.category(char)[0] == "P" or (char.isascii() and char.isprintable() and not char.isalnum() and char != " ")
