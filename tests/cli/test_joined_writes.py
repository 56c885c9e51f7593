"""What is no HTTP request is refused as a problem, and no head of a request grows without end."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from cli.joined_writes import HEAD_BYTES_MAX, JoinedWrites
from infra.settings import Settings
from tests.serving import serving

WAIT_S_MAX = 20
TOO_LONG = b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 8 * HEAD_BYTES_MAX


@pytest.fixture
def address(settings: Settings) -> Iterator[tuple[str, int]]:
    with serving(settings, http=JoinedWrites) as served:
        url = urlsplit(served.url)
        yield str(url.hostname), int(url.port or 0)


def answer(address: tuple[str, int], sent: bytes) -> tuple[str, dict[str, str], bytes]:
    """Status line, headers and body, read until the server closes."""
    with socket.create_connection(address, timeout=WAIT_S_MAX) as wire:
        received = b""
        try:
            wire.sendall(sent)
            while part := wire.recv(65_536):
                received += part
        except ConnectionResetError:
            pass  # the rest of what was sent is not read
    head, _, body = received.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    return line, dict(h.lower().split(": ", 1) for h in headers), body


@pytest.mark.parametrize(
    "sent",
    [
        b"BREW /livez HTTP/1.1\r\nHost: a\r\n\r\n",
        b"get /livez HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        TOO_LONG,
    ],
    ids=["method", "letter case", "TLS", "length", "two lengths", "raw byte", "NUL", "too long"],
)
def test_what_cannot_be_read_is_a_problem(address: tuple[str, int], sent: bytes) -> None:
    line, headers, body = answer(address, sent)
    told = json.loads(body)
    assert line == "HTTP/1.1 400 Bad Request"
    assert (told["type"], told["status"], told["instance"]) == ("/problems/malformed-request", 400, headers["x-request-id"])
    assert (headers["content-type"], headers["cache-control"]) == ("application/problem+json", "private, no-cache")


def test_long_heads_that_follow_one_another_are_answered(address: tuple[str, int]) -> None:
    one = b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * (HEAD_BYTES_MAX // 2) + b"\r\n"
    line, _, body = answer(address, (one + b"\r\n") * 4 + one + b"Connection: close\r\n\r\n")
    assert line == "HTTP/1.1 200 OK"
    assert body.count(b'{"status":"ok"}') == 5


def test_head_tells_the_length_and_sends_nothing(address: tuple[str, int]) -> None:
    rest = b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: same\r\n\r\n"
    for path in (b"/livez", b"/docs", b"/problems/closed", b"/nowhere", b"/api/v1/systems"):
        (line, headers, body), (head, told, nothing) = (answer(address, method + path + rest) for method in (b"GET ", b"HEAD "))
        assert (head, {**told, "date": ""}, nothing) == (line, {**headers, "date": ""}, b"")
        assert int(told["content-length"]) == len(body)
