"""The public API as our own commands use it: a person, a request, the answer's JSON."""

import hashlib
import time
from typing import Any

import httpx
import msgspec

ANSWER_S_MAX = 30
TRIES_MAX = 20
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NoServer(Exception):
    """Nobody answers at the address; the text is the reason."""


class Declined(Exception):
    """The server said no; the text is its explanation."""

    def __init__(self, request: str, status: int, detail: str) -> None:
        super().__init__(detail)
        self.request, self.status, self.detail = request, status, detail


class Client:
    """`tokens` by person. Every write carries a key made from the request itself, so that the same story told again repeats nothing."""

    def __init__(self, url: str, tokens: dict[str, str]) -> None:
        self.url, self.tokens = url, tokens
        local = httpx.URL(url).host in LOOPBACK
        self._http = httpx.Client(base_url=url, timeout=ANSWER_S_MAX, trust_env=not local, headers={"user-agent": "runledger-cli"})

    def __call__(self, person: str, method: str, path: str, body: Any = None) -> Any:
        content = b"" if body is None else msgspec.json.encode(body)
        headers = {"authorization": f"Bearer {self.tokens[person]}", "content-type": "application/json"}
        if method != "GET":
            headers["idempotency-key"] = "demo-" + hashlib.sha256(f"{method} {path} ".encode() + content).hexdigest()[:40]
        for _ in range(TRIES_MAX):
            answer = self._send(method, f"/api/v1{path}", content, headers)
            if answer.status_code != 429:
                break
            time.sleep(float(answer.headers.get("retry-after", "1")))
        if answer.is_success:
            return msgspec.json.decode(answer.content) if answer.content else None
        raise Declined(f"{method} {path}", answer.status_code, _detail(answer))

    def upload(self, url: str, content: bytes, headers: dict[str, str]) -> None:
        """Sends a file to an address that the API gave; no token goes there."""
        try:
            answer = self._http.put(url, content=content, headers=headers)
        except httpx.TransportError as error:
            raise NoServer(str(error)) from error
        if not answer.is_success:
            raise Declined("PUT of a file", answer.status_code, "S3 did not take the file.")

    def is_runledger(self) -> bool:
        """Whether what answers is one of us; NoServer when nobody answers."""
        answer = self._send("GET", "/livez", b"", {})
        return answer.status_code == 200 and "x-request-id" in answer.headers

    def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        try:
            return self._http.request(method, path, content=content, headers=headers)
        except httpx.TransportError as error:
            raise NoServer(str(error)) from error


def _detail(answer: httpx.Response) -> str:
    try:
        return str(msgspec.json.decode(answer.content)["detail"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "no explanation was given"
