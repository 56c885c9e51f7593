"""A server of embeddings may do what it likes: there are checked vectors within the time, or a reason without a secret."""

import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from infra.blas import np
from infra.embedding.endpoint import BATCH_PARTS_MAX, DIMENSION_MAX, Endpoint, Place
from infra.embedding.vectors import Unanswered
from infra.settings import Settings, SettingsError
from tests.language_models import KEY, NAME, Answer, refuses, sends, serving, waits

VECTOR = [3.0, 4.0, 0.0]
ENDLESS = 17 << 20


def endpoint(url: str, seconds: float = 5) -> Endpoint:
    return Endpoint(Place(url, NAME, KEY, seconds))


def gives(*vectors: Any, indices: list[int] | None = None) -> Answer:
    items = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in zip(indices or range(len(vectors)), vectors, strict=True)
    ]
    return sends(json.dumps({"object": "list", "data": items, "model": NAME}).encode())


def reason(*answers: Answer, seconds: float = 5, texts: tuple[str, ...] = ("13 V",)) -> str:
    with serving(*answers) as server, pytest.raises(Unanswered) as caught:
        endpoint(server.url, seconds).embed(texts)
    assert KEY not in repr(caught.value)
    return str(caught.value)


def test_texts_become_vectors_of_length_one_in_their_order() -> None:
    with serving(gives([0, 2, 0], VECTOR, indices=[1, 0])) as server:
        first, second = endpoint(server.url).embed(["13 V", "62 V"])
    assert first == pytest.approx([0.6, 0.8, 0])
    assert second == pytest.approx([0, 1, 0])
    assert first.dtype == np.float32
    question = server.asked[0]
    assert (question["path"], question["model"], question["input"]) == ("/v1/embeddings", NAME, ["13 V", "62 V"])
    assert server.keys == [f"Bearer {KEY}"]


def test_many_texts_are_asked_about_in_batches() -> None:
    full, rest = gives(*[VECTOR] * BATCH_PARTS_MAX), gives(VECTOR)
    with serving(full, rest) as server:
        assert len(endpoint(server.url).embed([f"{number} V" for number in range(BATCH_PARTS_MAX + 1)])) == BATCH_PARTS_MAX + 1
    assert [len(question["input"]) for question in server.asked] == [BATCH_PARTS_MAX, 1]


def test_no_text_asks_nobody() -> None:
    assert endpoint("http://127.0.0.1:1/v1").embed([]) == []


def test_a_long_text_is_asked_about_in_parts_and_has_one_vector() -> None:
    with serving(gives([1, 0], [0, 1])) as server:
        (vector,) = endpoint(server.url).embed(["relay " * 300])
    assert vector == pytest.approx([0.5**0.5, 0.5**0.5])
    assert [len(part) for part in server.asked[0]["input"]] == [1199, 599]


@pytest.mark.parametrize(("text", "sent"), [("", "-"), (" \n", "-"), ("\ud800", "?"), ("a\x00b", "a\x00b")])
def test_a_text_is_sent_so_that_a_server_can_take_it(text: str, sent: str) -> None:
    with serving(gives(VECTOR)) as server:
        endpoint(server.url).embed([text])
    assert server.asked[0]["input"] == [sent]


def test_a_word_without_end_is_cut_and_a_text_without_end_left_off() -> None:
    with serving(gives(*[[1, 0]] * 16)) as server:
        endpoint(server.url).embed(["x" * 1_000_000])
    assert [len(part) for part in server.asked[0]["input"]] == [1200] * 16


def test_the_dimension_is_found_out_once_and_then_kept() -> None:
    with serving(gives(VECTOR)) as server:
        asked = endpoint(server.url)
        assert (asked.dimension, asked.dimension) == (3, 3)
    assert len(server.asked) == 1


def test_a_vector_of_another_dimension_than_before_is_refused() -> None:
    assert "different dimensions" in reason(gives(VECTOR, [1.0, 0.0]), texts=("13 V", "62 V"))
    with serving(gives(VECTOR), gives([1.0, 0.0])) as server:
        asked = endpoint(server.url)
        asked.embed(["13 V"])
        with pytest.raises(Unanswered, match="different dimensions"):
            asked.embed(["13 V"])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (sends(b"<html>"), "another form"),
        (sends(b""), "another form"),
        (sends(b"[" * 100_000), "another form"),
        (sends(b'{"data": [{"index": 0, "embedding": "AACAPw=="}]}'), "another form"),
        (sends(b'{"data": [{"index": 0, "embedding": [NaN]}]}'), "another form"),
        (sends(b'{"data": [{"index": 0, "embedding": [1e300, 1]}]}'), "points nowhere"),
        (gives([0.0, 0.0]), "points nowhere"),
        (gives([]), "dimensions"),
        (gives([1.0] * (DIMENSION_MAX + 1)), "dimensions"),
        (gives(), "other texts"),
        (gives(VECTOR, VECTOR), "other texts"),
        (gives(VECTOR, indices=[1]), "other texts"),
        (sends(b" " * ENDLESS), "more than 16 MiB"),
        (sends(b"", 302, Location="http://127.0.0.1:1/"), "status 302"),
        (refuses(401), "did not accept the key"),
        (refuses(400), "status 400"),
    ],
)
def test_what_is_no_answer_is_a_reason_at_once(answer: Answer, said: str) -> None:
    assert said in reason(answer)


def test_an_overloaded_server_is_asked_again_after_the_pause_that_it_wants() -> None:
    began = time.monotonic()
    with serving(refuses(429, Retry_After="1"), refuses(503), gives(VECTOR)) as server:
        assert len(endpoint(server.url).embed(["13 V"])) == 1
    assert len(server.asked) == 3
    assert time.monotonic() - began >= 3  # 1 s instead of 0.5 s, then 2 s


def test_a_server_that_stays_overloaded_is_left() -> None:
    assert reason(refuses(503)) == "answered with status 503"


def test_a_pause_beyond_the_time_is_not_waited_for() -> None:
    began = time.monotonic()
    assert "too late" in reason(refuses(429, Retry_After="60"))
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("slow", [lambda: waits(3, gives(VECTOR)), lambda: _drips], ids=["silent", "dripping"])
def test_a_slow_server_is_left_in_time(slow: Callable[[], Answer]) -> None:
    began = time.monotonic()
    assert reason(slow(), seconds=0.5) == "took longer than 0.5 s"
    assert time.monotonic() - began < 2.5


def _drips(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(20):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def test_a_server_that_is_not_there_is_a_reason() -> None:
    with pytest.raises(Unanswered, match="could not be reached"):
        endpoint("http://127.0.0.1:1/v1").embed(["13 V"])


def test_the_id_tells_models_and_addresses_apart() -> None:
    ids = {Endpoint(Place(url, name, None)).model_id for url in ("http://a/v1", "http://b/v1") for name in ("one", "two")}
    assert len(ids) == 4
    assert KEY not in endpoint("http://a/v1").model_id
    assert KEY not in repr(Place("http://a/v1", NAME, KEY))


@pytest.mark.parametrize(
    "given",
    [
        {"URL": "https://models.example.com/v1"},
        {"MODEL": "small"},
        {"URL": "ftp://models.example.com", "MODEL": "small"},
        {"URL": "https://user:hunter2@models.example.com/v1", "MODEL": "small"},
        {"URL": "https://models.example.com/v1", "MODEL": "small", "KEY": "two words"},
    ],
)
def test_settings_that_cannot_be_used_end_the_start(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="RUNLEDGER_EMBEDDINGS_") as refused:
        Settings.from_env({f"RUNLEDGER_EMBEDDINGS_{name}": value for name, value in given.items()})
    assert "hunter2" not in str(refused.value)
