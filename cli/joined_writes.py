"""HTTP for uvicorn: an answer's head and body in one write, requests' heads limited, and what is no HTTP refused as a problem."""

from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api import problems

KEPT_BYTES_MAX = 65_536
HEAD_BYTES_MAX = 65_536  # of a request: the parser keeps it before anyone has looked at a token
NO_HTTP = "This is no HTTP request that can be read."


class JoinedWrites(HttpToolsProtocol):
    """Uvicorn writes head and body apart, and each write is a system call that wakes the client."""

    _head_bytes = -1  # of a head that is not complete, after the piece that it began in

    def connection_made(self, transport: Any) -> None:
        super().connection_made(_Joined(transport, self.loop.call_soon))  # type: ignore[arg-type]  # it has all that a transport has

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._head_bytes = -1
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        if self._head_bytes >= 0:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_BYTES_MAX:
            self.send_400_response(NO_HTTP)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's words say nothing to a client
        request_id = str(uuid4())
        _, body = problems.render("", request_id, "malformed-request", NO_HTTP)
        headers = problems.headers_of("malformed-request") | {
            "content-type": "application/problem+json",
            "content-length": str(len(body)),
            "connection": "close",
            "x-request-id": request_id,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(f"HTTP/1.1 400 Bad Request\r\n{head}\r\n".encode() + body)
        self.transport.close()
        self._head_bytes = -1


class _Joined:
    """A transport that keeps what is written until the loop comes round."""

    def __init__(self, transport: Any, soon: Any) -> None:
        self._transport, self._soon = transport, soon
        self._kept: list[bytes] = []
        self._bytes = 0

    def write(self, data: bytes) -> None:
        if not self._kept:
            self._soon(self._flush)
        self._kept.append(data)
        self._bytes += len(data)
        if self._bytes > KEPT_BYTES_MAX:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._kept:
            self._transport.write(b"".join(self._kept))
            self._kept.clear()
            self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
