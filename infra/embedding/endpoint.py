"""Vectors from an OpenAI-compatible address: POST embeddings, in batches, within a time, and nothing believed that was not checked."""

import hashlib
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

import httpx
import msgspec

from infra.blas import Floats, np
from infra.embedding.vectors import Unanswered, unit, united
from infra.language_model import AWAY, KEY_REFUSED, OVERLOADED

CALL_S = 10.0
CONNECT_S_MAX = 5.0
ANSWER_BYTES_MAX = 16 << 20
BATCH_PARTS_MAX = 64
PART = re.compile(r"\S(?:.{0,1198}\S)?(?!\S)|\S{1,1200}", re.DOTALL)  # whole words: models that take 512 tokens refuse more
PARTS_MAX = 16
TEXT_CHARS_MAX = 20_000
DIMENSION_MAX = 4_000  # of an index over half-precision vectors
PAUSES_S = (0.5, 2.0)  # before another try, where the server asks for no longer one


@dataclass(frozen=True)
class Place:
    """Where the model is asked, and how long for each batch: a server that sends byte by byte may take twice as long."""

    url: str
    name: str
    key: str | None = field(repr=False)
    seconds: float = CALL_S


class _Told(NamedTuple):
    status: int
    body: bytes
    pause_s: float


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


class Endpoint:
    """The id knows address and name only: whoever changes the weights behind them gives the model another name."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.model_id = f"{place.name}@{hashlib.sha256(f'{place.url} {place.name}'.encode()).hexdigest()[:12]}"
        self._lock = Lock()
        self._client: httpx.Client | None = None
        self._dimension: int | None = None

    @property
    def dimension(self) -> int:
        """Found out by a first question, where none was asked yet."""
        if self._dimension is None:
            self.embed(["dimension"])
        return self._dimension or 0

    def embed(self, texts: Sequence[str]) -> list[Floats]:
        """A text of more than 1,200 characters is embedded in parts, at most 16, and the vectors are united."""
        parts = [_parts(text) for text in texts]
        asked = [part for of_text in parts for part in of_text]
        batches = [asked[begin : begin + BATCH_PARTS_MAX] for begin in range(0, len(asked), BATCH_PARTS_MAX)]
        vectors = (vector for batch in batches for vector in self._vectors(batch))
        return [united([next(vectors) for _ in of_text]) for of_text in parts]

    def _vectors(self, batch: list[str]) -> list[Floats]:
        question = {"model": self._place.name, "input": batch, "encoding_format": "float"}
        vectors = _checked(self._body(msgspec.json.encode(question)), len(batch))
        with self._lock:
            self._dimension = self._dimension or len(vectors[0])
        if {len(vector) for vector in vectors} != {self._dimension}:
            raise Unanswered("answered with vectors of different dimensions")
        return vectors

    def _body(self, question: bytes) -> bytes:
        """Asks until there is an answer, no try is left, or a pause would take too long."""
        until, pauses = time.monotonic() + self._place.seconds, iter(PAUSES_S)
        while True:
            told, reason = self._tried(question, until)
            if told.status == httpx.codes.OK:
                return told.body
            pause = next(pauses, None) if told.status in OVERLOADED or not told.status else None
            if pause is None:
                raise Unanswered(reason)
            pause = max(pause, told.pause_s)
            if time.monotonic() + pause >= until:
                raise Unanswered(f"{reason}, and another try would come too late")
            time.sleep(pause)

    def _tried(self, question: bytes, until: float) -> tuple[_Told, str]:
        """What came, and the reason to give should it not be an answer; the status is 0 where the connection broke."""
        try:
            told = self._told(question, until)
        except httpx.TimeoutException:
            raise Unanswered(f"took longer than {self._place.seconds:g} s") from None
        except AWAY as error:
            return _Told(0, b"", 0), f"could not be reached ({type(error).__name__})"
        return told, f"did not accept the key ({told.status})" if told.status in KEY_REFUSED else f"answered with status {told.status}"

    def _told(self, question: bytes, until: float) -> _Told:
        """Reads as the bytes come, undecoded, so that a small answer cannot unpack into a large one."""
        left = max(until - time.monotonic(), 0.001)
        timeout = httpx.Timeout(left, connect=min(left, CONNECT_S_MAX))
        with self._opened().stream("POST", "embeddings", content=question, timeout=timeout) as answered:
            body = bytearray()
            for piece in answered.iter_raw():
                body += piece
                if len(body) > ANSWER_BYTES_MAX:
                    raise Unanswered(f"answered with more than {ANSWER_BYTES_MAX >> 20} MiB")
                if time.monotonic() >= until:
                    raise Unanswered(f"took longer than {self._place.seconds:g} s")
        asked_for = answered.headers.get("Retry-After", "")
        return _Told(answered.status_code, bytes(body), float(asked_for) if re.fullmatch(r"[0-9]{1,6}", asked_for) else 0)

    def _opened(self) -> httpx.Client:
        """Kept, for a query should not wait for a handshake."""
        with self._lock:
            if self._client is None:
                self._client = _client(self._place)
            return self._client


def _client(place: Place) -> httpx.Client:
    """Goes to the address of the settings only: no redirect, no proxy of the environment, no password file."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json"}
    if place.key is not None:
        headers["Authorization"] = f"Bearer {place.key}"
    return httpx.Client(
        base_url=place.url, headers=headers, follow_redirects=False, trust_env=False, verify=ssl.create_default_context()
    )  # fmt: skip


def _parts(text: str) -> list[str]:
    """A text without a word is asked about as a dash, for servers refuse an empty one."""
    whole = text[:TEXT_CHARS_MAX].encode("utf-8", "replace").decode()
    return PART.findall(whole)[:PARTS_MAX] or ["-"]


def _checked(body: bytes, count: int) -> list[Floats]:
    """The vectors in the order of the question, each of length 1."""
    try:
        items = sorted(msgspec.json.decode(body, type=_Answer).data, key=lambda item: item.index)
    except (msgspec.MsgspecError, RecursionError):
        raise Unanswered("answered in another form than that of embeddings") from None
    if [item.index for item in items] != list(range(count)):
        raise Unanswered("answered with vectors for other texts than it was asked about")
    if not all(0 < len(item.embedding) <= DIMENSION_MAX for item in items):
        raise Unanswered(f"answered with a vector that has not 1 to {DIMENSION_MAX} dimensions")
    with np.errstate(over="ignore"):
        vectors = [np.array(item.embedding, np.float32) for item in items]
    if not all(np.isfinite(vector).all() and vector.any() for vector in vectors):
        raise Unanswered("answered with a vector that points nowhere")
    return [unit(vector) for vector in vectors]
