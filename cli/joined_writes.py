"""HTTP for uvicorn with an answer's head and body in one write."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KEPT_BYTES_MAX = 65_536


class JoinedWrites(HttpToolsProtocol):
    """Uvicorn writes head and body apart, and each write is a system call that wakes the client."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(_Joined(transport, self.loop.call_soon))  # type: ignore[arg-type]  # it has all that a transport has


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
