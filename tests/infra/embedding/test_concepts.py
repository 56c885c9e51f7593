"""Without a model, texts that name the same concepts are near each other, the same on every machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.blas import np
from infra.embedding.concepts import Concepts

ROOT = Path(__file__).parents[3]


def cosine(one: str, other: str) -> float:
    first, second = Concepts().embed([one, other])
    return float(first @ second)


@pytest.mark.parametrize(
    ("query", "near"),
    [
        ("undervoltage", "low voltage"),
        ("undervoltage", "Brown-out of the bus"),
        ("shutting down", "it was turned off"),
        ("aerial", "antenna"),
        ("overcurrents", "Short circuit"),
    ],
)
def test_names_of_one_concept_are_near(query: str, near: str) -> None:
    assert cosine(query, near) > cosine(query, "paint on the housing") + 0.15


def test_a_mistyped_word_is_near_to_the_right_one() -> None:
    assert cosine("desaturaton", "desaturation") > 0.4


def test_forms_of_a_word_are_nearly_one_word() -> None:
    assert cosine("measured pumps", "measuring pump") > 0.8


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800", "🛰", "+++", "13 V", "電壓", "x" * 100_000, "pump " * 50_000])
def test_every_text_has_a_vector_of_length_one(text: str) -> None:
    (vector,) = Concepts().embed([text])
    assert (vector.shape, vector.dtype) == ((Concepts.dimension,), np.float32)
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)


def test_another_process_makes_the_same_vector() -> None:
    asked = "from infra.embedding.concepts import Concepts; print(Concepts().embed(['Brown-out at 13 V'])[0].tobytes().hex(), Concepts().model_id)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [Concepts().embed(["Brown-out at 13 V"])[0].tobytes().hex(), Concepts().model_id]
