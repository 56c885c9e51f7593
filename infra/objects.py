"""The objects in S3: asked about, and read as they were when they were pinned."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from msgspec.structs import replace

from domain.refusals import FieldError, FileNotUsable, StorageUnavailable
from domain.s3_urls import Address
from infra.settings import Settings

CONNECT_S = 2
CALL_S = 5.0  # a whole call; when reading, the longest silence
READ_S_MIN = 30.0  # what reading an object may take at least, and beyond that
READ_BYTES_PER_S_MIN = 100_000
CHUNK_BYTES = 1 << 18
TRIES = 2  # a connection kept since the last call may have died since


class Seen(NamedTuple):
    """An object as S3 tells of it. `size` in bytes; `version_id` is None where the bucket keeps no versions."""

    size: int
    etag: str
    version_id: str | None


class Changed(Exception):
    """The object is gone, or is not the one that was pinned; the text names it and what differs."""


class Refused(Exception):
    """S3 answered, and said no: with this HTTP status and this code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{code} ({status})")
        self.status, self.code = status, code


class Objects:
    """One client, opened at the first call and kept: it connects again by itself. Nothing but the deployment's S3 is ever asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._clients: dict[str | None, Any] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._clients.clear()
        await self._opened.aclose()

    async def client(self) -> Any:
        return await self._client(self._settings)

    async def signer(self) -> Any:
        """A client that only makes addresses: at the endpoint that those outside know, where that is another one."""
        outside = self._settings.s3_public_endpoint or self._settings.s3_endpoint
        return await self._client(replace(self._settings, s3_endpoint=outside))

    async def _client(self, settings: Settings) -> Any:
        async with self._opening:
            if settings.s3_endpoint not in self._clients:
                library = await asyncio.to_thread(_library)
                opened = library.client(settings, connect_s=CONNECT_S, read_s=CALL_S)
                self._clients[settings.s3_endpoint] = await self._opened.enter_async_context(opened)
        return self._clients[settings.s3_endpoint]

    async def call(self, operation: str, *, within_s: float = CALL_S, **params: Any) -> dict[str, Any]:
        """The answer to an operation. Raises `Refused`, or `StorageUnavailable` where S3 is down, failing or slow."""
        calling = getattr(await self.client(), operation)
        with _translated():
            async with asyncio.timeout(within_s):
                for left in reversed(range(TRIES)):
                    try:
                        answer: dict[str, Any] = await calling(**params)
                    except _library().ConnectionClosedError:
                        if not left:
                            raise
                    else:
                        return answer
        raise AssertionError  # the last try returns or raises

    async def head(self, address: Address) -> Seen:
        """What is there now. Raises `FileNotUsable` where nothing is, or nothing that may be read."""
        try:
            found = await self.call("head_object", **at(address))
        except Refused as refused:
            missing = refused.status == 404
            message = "names no object: there is none at this address" if missing else "names an object that may not be read"
            raise FileNotUsable(
                f"s3_url {message}", (FieldError("#/s3_url", "not_found" if missing else "not_allowed", message),)
            ) from refused
        return Seen(found["ContentLength"], found.get("ETag", ""), found.get("VersionId"))

    async def read(self, address: Address, pinned: Seen) -> AsyncGenerator[bytes, None]:
        """The bytes of the pinned object. Raises `Changed` as soon as it shows, else `StorageUnavailable`."""
        try:
            answer = await self.call("get_object", **at(address), **_pin(pinned))
        except Refused as refused:
            raise _not_given(address, refused) from refused
        async with answer["Body"] as body:
            _compare(address, pinned, answer)
            with _translated():
                async for chunk in body.iter_chunks(CHUNK_BYTES):
                    yield chunk

    async def digest(self, address: Address, pinned: Seen, take: Callable[[bytes], Any] = len) -> str:
        """SHA-256 in hexadecimal of the whole object, each chunk of which `take` is given."""
        size, sha256 = 0, hashlib.sha256()
        try:
            async with asyncio.timeout(READ_S_MIN + pinned.size / READ_BYTES_PER_S_MIN), aclosing(self.read(address, pinned)) as chunks:
                async for chunk in chunks:
                    size += len(chunk)
                    sha256.update(chunk)
                    take(chunk)
        except TimeoutError:
            raise StorageUnavailable(f"S3 is too slow in giving {address.url}.") from None
        if size != pinned.size:
            raise Changed(f"{address.url} has {size} bytes instead of {pinned.size}.")
        return sha256.hexdigest()

    async def fetch(self, address: Address, pinned: Seen, to: Path, sha256: str | None = None) -> str:
        """Writes the pinned object to a file and gives its SHA-256; raises `Changed` where that is not the one given."""
        with to.open("wb") as file:
            found = await self.digest(address, pinned, file.write)
        if sha256 not in (None, found):
            raise Changed(f"{address.url} has the SHA-256 {found} instead of {sha256}.")
        return found


def at(address: Address) -> dict[str, Any]:
    """The address as S3's operations take it."""
    return {"Bucket": address.bucket, "Key": address.key}


def _library() -> Any:
    from infra import storage  # noqa: PLC0415 - half a second and 30 MB, which a start does not wait for

    return storage


@contextmanager
def _translated() -> Iterator[None]:
    library = _library()
    try:
        yield
    except library.ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(error.response.get("Error", {}).get("Code", ""))
        if status in (408, 429) or status >= 500:
            raise StorageUnavailable(f"S3 answers {status} right now; try again.") from error
        raise Refused(status, code) from error
    except library.AWAY as error:
        raise StorageUnavailable("S3 is not reachable right now, or too slow; try again.") from error


def _pin(pinned: Seen) -> dict[str, Any]:
    """A weak ETag matches nothing, so S3 is not asked to compare it."""
    version = {} if pinned.version_id is None else {"VersionId": pinned.version_id}
    return version | ({"IfMatch": pinned.etag} if pinned.etag.startswith('"') else {})


def _compare(address: Address, pinned: Seen, answer: dict[str, Any]) -> None:
    """Not every server compares what it is asked to."""
    for name, wanted, told in (
        ("version", pinned.version_id, answer.get("VersionId", pinned.version_id)),
        ("ETag", pinned.etag, answer.get("ETag", "")),
        ("size in bytes", pinned.size, answer["ContentLength"]),
    ):
        if wanted != told:
            raise Changed(f"{address.url} was replaced: its {name} is {told} instead of {wanted}.")


def _not_given(address: Address, refused: Refused) -> Exception:
    """An object that may not be read just now is not lost."""
    if refused.status < 400 or refused.status in (401, 403):
        return StorageUnavailable(f"S3 does not let {address.url} be read: {refused}.")
    if refused.status == 412:
        return Changed(f"{address.url} was replaced since it was registered.")
    return Changed(f"{address.url} is gone: {refused}.")
