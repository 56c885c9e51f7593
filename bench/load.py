"""The load client: raw HTTP/1.1 over kept-alive sockets and one selector, so that it costs little beside the server that it measures."""

import selectors
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

RECEIVE_BYTES = 262_144
ANSWER_S_MAX = 30


class Load(NamedTuple):
    """What one stretch of load gave; latencies in seconds."""

    seconds: float
    latencies: list[float]
    refused: list[str]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


class _Caller:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), ANSWER_S_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked = 0.0
        self.heard = b""

    def ask(self, request: bytes, meant: float | None = None) -> None:
        """`meant` is when it should have been sent: its wait is counted from then on."""
        self.heard, self.asked = b"", meant or time.perf_counter()
        self.socket.sendall(request)

    def hear(self) -> bool:
        """Takes what has come; whether the answer is whole."""
        part = self.socket.recv(RECEIVE_BYTES)
        if not part:
            raise ConnectionError(f"the server hung up after {self.heard[:200]!r}")
        self.heard = self.heard + part if self.heard else part
        head = self.heard.find(b"\r\n\r\n")
        if head < 0:
            return False
        at = self.heard[:head].lower().find(b"content-length: ")
        length = int(self.heard[at + 16 : self.heard.find(b"\r\n", at)]) if at > 0 else 0
        return len(self.heard) >= head + 4 + length


def drive(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Closed loop: sends `requests` round and round from `clients` connections, each waiting for its answer before it asks again."""
    selector = selectors.DefaultSelector()
    callers = [_Caller(port) for _ in range(clients)]
    latencies: list[float] = []
    refused: list[str] = []
    begun, sent = time.perf_counter(), 0
    for caller in callers:
        selector.register(caller.socket, selectors.EVENT_READ, caller)
        caller.ask(requests[sent % len(requests)])
        sent += 1
    waiting, end = clients, begun + seconds
    while waiting:
        for caller in _answering(selector, ANSWER_S_MAX):
            if not caller.hear():
                continue
            now = time.perf_counter()
            latencies.append(now - caller.asked)
            if not caller.heard.startswith(b"HTTP/1.1 2"):
                refused.append(caller.heard[:400].decode("latin-1"))
            if now < end:
                caller.ask(requests[sent % len(requests)])
                sent += 1
            else:
                waiting -= 1
    for caller in callers:
        caller.socket.close()
    return Load(time.perf_counter() - begun, latencies, refused)


def drive_steadily(port: int, requests: Sequence[bytes], clients: int, rate: float, seconds: float) -> Load:
    """Open loop: `rate` requests a second are due whatever becomes of those before, over at most `clients` connections.

    Latencies count from the moment that a request was due, so a stall of the server is seen by all that were due meanwhile
    (no coordinated omission). A request may leave up to a millisecond late, the clock of the selector; that counts as well.
    """
    selector = selectors.DefaultSelector()
    idle = [_Caller(port) for _ in range(clients)]  # used in turn: the server hangs up on those that are silent for long
    for caller in idle:
        selector.register(caller.socket, selectors.EVENT_READ, caller)
    latencies: list[float] = []
    refused: list[str] = []
    begun, sent, total = time.perf_counter(), 0, round(rate * seconds)
    while sent < total or len(idle) < clients:
        now = time.perf_counter()
        while idle and sent < total and begun + sent / rate <= now:
            idle.pop(0).ask(requests[sent % len(requests)], begun + sent / rate)
            sent += 1
        until_due = max(begun + sent / rate - time.perf_counter(), 0) if idle and sent < total else ANSWER_S_MAX
        for caller in _answering(selector, until_due):
            if not caller.hear():
                continue
            latencies.append(time.perf_counter() - caller.asked)
            if not caller.heard.startswith(b"HTTP/1.1 2"):
                refused.append(caller.heard[:400].decode("latin-1"))
            idle.append(caller)
    for caller in idle:
        caller.socket.close()
    return Load(time.perf_counter() - begun, latencies, refused)


def _answering(selector: selectors.BaseSelector, wait_s: float) -> list[_Caller]:
    """Those that something has come for, after at most `wait_s`; nothing at all for ANSWER_S_MAX is an error."""
    found = [key.data for key, _ in selector.select(wait_s)]
    if not found and wait_s >= ANSWER_S_MAX:
        raise TimeoutError(f"no answer within {ANSWER_S_MAX} s")
    return found


def drive_apart(port: int, requests: Sequence[bytes], clients: int, seconds: float, rate: float | None = None) -> Load:
    """The same from a process of its own, with a rate as open loop; an answer that is no success ends the benchmark."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        if rate is None:
            load = pool.submit(drive, port, requests, clients, seconds).result()
        else:
            load = pool.submit(drive_steadily, port, requests, clients, rate, seconds).result()
    if load.refused:
        raise RuntimeError(f"{len(load.refused)} of {len(load.latencies)} requests were refused, the first with: {load.refused[0]}")
    return load


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """One request as bytes on the wire."""
    head = f"{method} /api/v1{path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body
