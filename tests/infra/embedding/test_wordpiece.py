"""Texts become the pieces that the model was trained on, whatever characters they hold."""

import pytest

from infra.embedding import sentence_model
from infra.embedding.wordpiece import WordPiece

VOCABULARY = (sentence_model.installed() / "vocab.txt").read_text("utf-8").split("\n")


@pytest.fixture(scope="module")
def tokenizer() -> WordPiece:
    return WordPiece(VOCABULARY)


def pieces(tokenizer: WordPiece, text: str) -> str:
    return " ".join(VOCABULARY[number] for word in tokenizer.words(text) for number in word)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Undervoltage lockout", "under ##vo ##lta ##ge lock ##out"),
        ("13V", "13 ##v"),
        ("TR-0042, PN 81-2240-B", "tr - 00 ##42 , p ##n 81 - 224 ##0 - b"),
        ("Müller\u2019s façade, naïve İstanbul", "muller \u2019 s facade , naive istanbul"),
        ("e\u0301tat", "etat"),
        ("東京test", "東 京 test"),
        ("5 % ± 10 °C", "5 % ± 10 °c"),
        ("a^b=c~d`e$f", "a ^ b = c ~ d ` e $ f"),
        ("one\x00two\u200bthree\x1bfour\ufffd", "one ##t ##wo ##th ##ree ##fo ##ur"),
        ("tab\tnew\nline\u00a0hard\u3000wide\u2028end", "tab new line hard wide end"),
        ("x" * 101, "[UNK]"),
        ("🛰", "[UNK]"),
        ("\ud800", "[UNK]"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_a_text_becomes_pieces(tokenizer: WordPiece, text: str, known: str) -> None:
    assert pieces(tokenizer, text) == known


def test_a_word_of_a_hundred_characters_is_still_taken_apart(tokenizer: WordPiece) -> None:
    assert len(tokenizer.words("x" * 100)[0]) > 1


def test_the_memory_for_characters_and_words_is_bounded(tokenizer: WordPiece) -> None:
    everything = " ".join(map(chr, range(60_000)))
    tokenizer.words(everything)
    assert len(tokenizer._spellings) <= 10_000
    assert tokenizer.pieces.cache_info().currsize <= 50_000
