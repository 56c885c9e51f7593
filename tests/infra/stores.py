"""S3 servers to prove the storage contract on: those that ship, those that keep versions, and one that misbehaves."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import uuid4

from moto.server import ThreadedMotoServer
from msgspec.structs import replace

from infra import storage
from infra.embedded.processes import free_port
from infra.embedded.s3 import S3
from infra.settings import Settings

BUCKET = "evidence"
Bend = Callable[[bytes], bytes | None]


def settings_of(endpoint: str, access_key: str, secret_key: str, *buckets: str) -> Settings:
    return Settings(
        data_dir=Path("unused"), s3_endpoint=endpoint, s3_access_key=access_key, s3_secret_key=secret_key, s3_buckets=buckets or (BUCKET,)
    )


@contextmanager
def rclone() -> Iterator[Settings]:
    with TemporaryDirectory(prefix="runledger-s3-") as name:
        server = S3(Path(name) / "s3", free_port(), uuid4().hex, uuid4().hex, (BUCKET,))
        server.start()
        try:
            yield settings_of(server.endpoint, server.access_key, server.secret_key)
        finally:
            server.stop()


@contextmanager
def moto() -> Iterator[Settings]:
    """Its bucket keeps versions."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        settings = settings_of(f"http://{host}:{port}", "key", "secret")
        asyncio.run(_make_versioned(settings))
        yield settings
    finally:
        server.stop()


@contextmanager
def external() -> Iterator[Settings]:
    """TEST_S3_ENDPOINT, with the keys and the bucket that are named beside it."""
    names = ("TEST_S3_ENDPOINT", "TEST_S3_ACCESS_KEY", "TEST_S3_SECRET_KEY", "TEST_S3_BUCKET")
    yield settings_of(*(os.environ[name] for name in names))


STORES = {"rclone": rclone, "moto": moto} | ({"external": external} if "TEST_S3_ENDPOINT" in os.environ else {})


async def _make_versioned(settings: Settings) -> None:
    async with storage.client(settings, connect_s=2, read_s=5) as s3:
        await s3.create_bucket(Bucket=BUCKET)
        await s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


async def put(settings: Settings, key: str, content: bytes) -> None:
    async with storage.client(settings, connect_s=2, read_s=5) as s3:
        await s3.put_object(Bucket=settings.s3_buckets[0], Key=key, Body=content)


async def remove(settings: Settings, key: str) -> None:
    async with storage.client(settings, connect_s=2, read_s=5) as s3:
        await s3.delete_object(Bucket=settings.s3_buckets[0], Key=key)


@asynccontextmanager
async def between(settings: Settings, bend: Bend) -> AsyncIterator[Settings]:
    """A way to the same server on which what it answers is bent; None cuts the connection."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = urlsplit(settings.s3_endpoint or "")
        answers, asked = await asyncio.open_connection(there.hostname, there.port)
        forward = asyncio.create_task(_pump(reader, asked, lambda sent: sent))
        await _pump(answers, writer, bend)
        forward.cancel()
        asked.close()

    async with _serving(accept) as port:
        yield replace(settings, s3_endpoint=f"http://127.0.0.1:{port}")


@asynccontextmanager
async def answering(said: bytes | None, seen: list[bytes] | None = None) -> AsyncIterator[Settings]:
    """A server that says this to everything; None: that says nothing at all. What it was asked is added to `seen`."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while asked := await reader.readuntil(b"\r\n\r\n"):
                if seen is not None:
                    seen.append(asked)
                if said is not None:
                    writer.write(said)

    async with _serving(accept) as port:
        yield settings_of(f"http://127.0.0.1:{port}", "key", "secret")


@asynccontextmanager
async def _serving(accept: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.CancelledError):
            await accept(reader, writer)  # type: ignore[misc]
        writer.close()

    server = await asyncio.start_server(kept, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bend: Bend) -> None:
    with suppress(ConnectionError):
        while (sent := await reader.read(1 << 16)) and (bent := bend(sent)) is not None:
            writer.write(bent)
            await writer.drain()
    writer.close()
