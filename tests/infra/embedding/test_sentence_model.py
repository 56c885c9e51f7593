"""The sentence model gives nearly the vectors that its other implementations give, and the same in any batch, thread and length."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copyfile

import pytest

from infra.blas import np
from infra.embedding import sentence_model
from infra.embedding.sentence_model import SentenceModel
from infra.embedding.vectors import Unanswered

ROOT = Path(__file__).parents[3]
LOVELY = "The weather is lovely today."
HAPPY = "That is a happy person"
SENTENCE = "Relay weld detection failed at the input rail. "


@pytest.fixture(scope="module")
def model() -> SentenceModel:
    return SentenceModel(sentence_model.installed())


def cosine(model: SentenceModel, one: str, other: str) -> float:
    first, second = model.embed([one, other])
    return float(first @ second)


@pytest.mark.parametrize(
    ("one", "other", "known"),
    [
        # the model's documentation, computed by sentence-transformers
        (LOVELY, "It's so sunny outside!", 0.6660),
        (LOVELY, "He drove to the stadium.", 0.1046),
        ("It's so sunny outside!", "He drove to the stadium.", 0.1411),
        (HAPPY, "That is a happy dog", 0.695),
        (HAPPY, "That is a very happy person", 0.943),
        (HAPPY, "Today is a sunny day", 0.257),
    ],
)
def test_two_sentences_are_as_near_as_in_the_reference(model: SentenceModel, one: str, other: str, known: float) -> None:
    assert cosine(model, one, other) == pytest.approx(known, abs=0.02)


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("undervoltage", "supply dropped below its minimum", "the paint is scratched"),
        ("coolant leak", "fluid drips from the hose fitting", "signature of the firmware image rejected"),
        ("GPS spoofing", "counterfeit satellite signals", "bearing temperature too high"),
    ],
)
def test_what_means_the_same_is_nearer_than_what_does_not(model: SentenceModel, query: str, near: str, far: str) -> None:
    assert cosine(model, query, near) > cosine(model, query, far) + 0.1


def test_vectors_have_length_one_and_the_dimension_that_is_told(model: SentenceModel) -> None:
    vectors = model.embed(["", "13 V", "\x00\u200b", "\ud800", SENTENCE * 100])
    assert [(vector.shape, vector.dtype) for vector in vectors] == [((model.dimension,), np.float32)] * 5
    assert [float(np.linalg.norm(vector)) for vector in vectors] == pytest.approx([1] * 5, abs=1e-5)


def test_no_text_gives_no_vector(model: SentenceModel) -> None:
    assert model.embed([]) == []


def test_a_text_has_its_vector_whatever_it_is_embedded_with(model: SentenceModel) -> None:
    texts = [SENTENCE * repeated for repeated in range(1, 60, 4)]
    together = model.embed(texts)
    for place in (0, 7, 14):
        assert np.array_equal(model.embed([texts[place]])[0], together[place])


def test_the_same_text_has_the_same_vector_in_every_thread(model: SentenceModel) -> None:
    with ThreadPoolExecutor(4) as threads:
        vectors = list(threads.map(lambda _: model.embed([SENTENCE])[0], range(16)))
    assert all(np.array_equal(vector, vectors[0]) for vector in vectors)


def test_the_end_of_a_long_text_counts(model: SentenceModel) -> None:
    long = SENTENCE * 60
    assert cosine(model, long + "Rain on the roof. " * 60, "rain on the roof") > cosine(model, long, "rain on the roof") + 0.2


def test_a_long_text_is_cut_between_words_into_even_parts() -> None:
    parts = sentence_model._parts([(1, 2, 3)] * 100)
    assert [len(part) for part in parts] == [152, 152]
    assert all((part[0], part[-1]) == (101, 102) and part[1:-1] == [1, 2, 3] * 50 for part in parts)


@pytest.mark.parametrize("words", [[], [(7,)] * 254, [(7,)] * 255, [(7,) * 100] * 50, [(7,)] * 100_000])
def test_no_part_is_longer_than_the_model_takes_and_their_number_is_bounded(words: list[tuple[int, ...]]) -> None:
    parts = sentence_model._parts(words)
    assert 1 <= len(parts) <= sentence_model.PARTS_MAX
    assert max(map(len, parts)) <= 256
    assert sum(len(part) - 2 for part in parts) >= min(sum(map(len, words)), 15 * 254) - 100 * len(parts)


def test_other_weights_are_not_used(tmp_path: Path) -> None:
    folder = sentence_model.installed()
    copyfile(folder / "vocab.txt", tmp_path / "vocab.txt")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[50_000_000] ^= 1
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(Unanswered, match="other weights"):
        SentenceModel(tmp_path).embed(["13 V"])


def test_missing_files_are_a_reason(tmp_path: Path) -> None:
    with pytest.raises(Unanswered, match=r"cannot be read: .*model\.safetensors"):
        SentenceModel(tmp_path).embed(["13 V"])


def test_making_one_loads_nothing() -> None:
    assert SentenceModel(Path("nowhere")).model_id == "all-MiniLM-L6-v2-int8@53aa51172d14"


def test_numpy_is_told_to_compute_in_one_thread() -> None:
    asked = "import os; os.environ.pop('OPENBLAS_NUM_THREADS', None); import infra.embedding.sentence_model; print(os.environ['OPENBLAS_NUM_THREADS'])"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
