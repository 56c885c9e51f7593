"""A client that writes down what it is about to ask before it asks, and what it was told after: fsynced, so it outlives anything."""

import os
import time
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import msgspec

ANSWER_S_MAX = 15
RESOLVE_S_MAX = 60


class Operation(NamedTuple):
    """`status` is None while the outcome is unknown; `problem` and `detail` are those of a refusal.

    Without `keyed` it is sent without its key, so that it cannot be repeated.
    """

    key: str
    method: str
    path: str
    body: Any
    status: int | None = None
    command_id: str | None = None
    if_match: str | None = None
    keyed: bool = True
    problem: str | None = None
    detail: str | None = None

    @property
    def is_settled(self) -> bool:
        """A final answer came: done, or refused for good."""
        return self.status is not None and self.status < 500 and self.status != 429 and self.problem != "request-in-progress"

    @property
    def is_done(self) -> bool:
        return self.status is not None and self.status < 300


class Journal:
    """One file, one line a fact; the line is on disk when `note` returns."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, operation: Operation) -> None:
        os.write(self._out, msgspec.json.encode(operation) + b"\n")
        os.fdatasync(self._out)

    def statuses(self) -> set[int]:
        """Every status that ever came."""
        lines = (msgspec.json.decode(line, type=Operation) for line in self._file.read_bytes().splitlines())
        return {operation.status for operation in lines if operation.status is not None}

    def read(self) -> list[Operation]:
        """Every operation once, with the last that is known of it."""
        lines = self._file.read_bytes().splitlines()
        last = {operation.key: operation for operation in (msgspec.json.decode(line, type=Operation) for line in lines)}
        return list(last.values())


class JournalingClient:
    """Writes with an idempotency key an operation, so that an unknown outcome can be resolved by asking again."""

    def __init__(self, url: str, token: str, journal: Journal) -> None:
        self.journal = journal
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self.http = httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=ANSWER_S_MAX)

    def write(self, method: str, path: str, body: Any = None) -> httpx.Response | None:
        """The answer, or None when none came; either way it is in the journal."""
        return self.send(Operation(uuid4().hex, method, path, body))

    def insist(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Asks with one key until there is a final answer, as a careful client does."""
        return self._until_settled(Operation(uuid4().hex, method, path, body))

    def send(self, operation: Operation) -> httpx.Response | None:
        self.journal.note(operation._replace(status=None))
        content = None if operation.body is None else msgspec.json.encode(operation.body)
        headers = {"idempotency-key": operation.key} if operation.keyed else {}
        headers |= {"if-match": operation.if_match} if operation.if_match else {}
        try:
            answer = self.http.request(operation.method, operation.path, content=content, headers=headers)
        except httpx.TransportError:
            return None
        self.journal.note(answered(operation, answer))
        return answer

    def resolve(self) -> None:
        """Asks again, with the same key, whatever has no final answer yet."""
        for operation in self.journal.read():
            if operation.keyed and not operation.is_settled:
                self._until_settled(operation)

    def _until_settled(self, operation: Operation) -> httpx.Response:
        end, answer = time.monotonic() + RESOLVE_S_MAX, None
        while time.monotonic() < end:
            answer = self.send(operation)
            if answer is not None and answered(operation, answer).is_settled:
                return answer
            time.sleep(0.05)
        raise TimeoutError(f"no final answer to {operation}, at last {answer and (answer.status_code, answer.text)}")

    def read(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()


def answered(operation: Operation, answer: httpx.Response) -> Operation:
    told = operation._replace(status=answer.status_code, command_id=answer.headers.get("x-command-id"))
    if answer.headers.get("content-type") != "application/problem+json":
        return told
    said = answer.json()
    return told._replace(problem=said["type"].removeprefix("/problems/"), detail=said["detail"])
