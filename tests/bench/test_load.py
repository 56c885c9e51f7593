"""The load client: what it counts as a wait."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from bench.load import drive, drive_steadily

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
STALL_S = 0.5


class Server:
    """Answers one request after another; the tenth takes STALL_S. `refusing` answers 409."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answer, self.asked = ANSWER, 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):  # the test is over
            while True:
                conn, _ = self.listener.accept()
                while conn.recv(65536):
                    self.asked += 1
                    if self.asked == 10:
                        time.sleep(STALL_S)
                    conn.sendall(self.answer)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.listener.close()


def test_a_closed_loop_sees_a_stall_once_only(server: Server) -> None:
    load = drive(server.port, [b"x"], 1, 1.0)
    assert 1 <= sum(wait > STALL_S / 4 for wait in load.latencies) <= 5  # a busy machine may stall too
    assert load.refused == []


def test_an_open_loop_counts_a_stall_for_all_that_were_due_meanwhile(server: Server) -> None:
    load = drive_steadily(server.port, [b"x"], 1, 100, 1.0)
    assert len(load.latencies) == 100
    assert sum(wait > STALL_S / 4 for wait in load.latencies) >= 30  # due in the first three quarters of the stall
    assert max(load.latencies) >= STALL_S


def test_an_open_loop_keeps_its_rate_however_fast_the_answers_are(server: Server) -> None:
    server.asked = 10
    begun = time.perf_counter()
    load = drive_steadily(server.port, [b"x"], 1, 100, 0.5)
    assert len(load.latencies) == 50
    assert time.perf_counter() - begun >= 0.48


def test_what_is_no_success_is_told(server: Server) -> None:
    server.answer = ANSWER.replace(b"200 OK", b"409 Conflict")
    assert drive(server.port, [b"x"], 1, 0).refused[0].startswith("HTTP/1.1 409")
    assert len(drive_steadily(server.port, [b"x"], 1, 100, 0.05).refused) == 5
