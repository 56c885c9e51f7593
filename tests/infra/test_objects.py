"""The storage contract, on every S3 server at hand: what is asked, read, handed out and taken in, and what is noticed."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import replace

from domain import s3_urls
from domain.refusals import FileNotUsable, StorageUnavailable
from domain.s3_urls import Address
from infra import multipart, presigned
from infra.embedded.processes import free_port
from infra.objects import CALL_S, Changed, Objects, Refused, Seen
from infra.settings import Settings
from tests.infra import stores

CONTENT = bytes(range(256)) * 4_000  # several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MIB = 1 << 20


@pytest.fixture(scope="module", params=stores.STORES)
def store(request: pytest.FixtureRequest) -> Iterator[Settings]:
    with stores.STORES[request.param]() as settings:
        yield settings


@pytest.fixture
async def objects(store: Settings) -> AsyncIterator[Objects]:
    async with Objects(store) as opened:
        yield opened


def somewhere(store: Settings, name: str = "motor log.csv") -> Address:
    return s3_urls.parse(f"s3://{store.s3_buckets[0]}/tests/{uuid4()}/{name}", store.s3_buckets)


async def put(store: Settings, content: bytes = CONTENT) -> Address:
    address = somewhere(store)
    await stores.put(store, address.key, content)
    return address


async def test_an_object_is_seen_with_its_size_and_tag(objects: Objects, store: Settings) -> None:
    seen = await objects.head(await put(store))
    assert seen.size == len(CONTENT)
    assert seen.etag.startswith('"')


async def test_an_empty_object_is_an_object(objects: Objects, store: Settings, tmp_path: Path) -> None:
    address = await put(store, b"")
    seen = await objects.head(address)
    assert seen.size == 0
    assert await objects.fetch(address, seen, tmp_path / "empty") == hashlib.sha256(b"").hexdigest()


async def test_what_is_not_there_is_not_usable(objects: Objects, store: Settings) -> None:
    with pytest.raises(FileNotUsable) as refused:
        await objects.head(somewhere(store))
    assert [(e.pointer, e.code) for e in refused.value.errors] == [("#/s3_url", "not_found")]


@pytest.mark.parametrize(
    "name", ["Prüfung 4 (12 V) #1?&+%2F..csv", "a%2e%2e%2fb", "s3:colon@at;semi,comma='quote'.csv", "\u6e2c\u8a66.csv"]
)
async def test_a_key_is_taken_as_it_is_written(objects: Objects, store: Settings, tmp_path: Path, name: str) -> None:
    address = somewhere(store, name)
    await stores.put(store, address.key, CONTENT)
    assert await objects.fetch(address, await objects.head(address), tmp_path / "file") == SHA256
    async with httpx.AsyncClient() as http:
        answer = await http.get(await presigned.download(objects, address, await objects.head(address), name, 60))
    assert answer.content == CONTENT


async def test_a_pinned_object_is_fetched_and_hashed(objects: Objects, store: Settings, tmp_path: Path) -> None:
    address = await put(store)
    seen = await objects.head(address)
    assert await objects.fetch(address, seen, tmp_path / "file", SHA256) == SHA256
    assert (tmp_path / "file").read_bytes() == CONTENT
    with pytest.raises(Changed, match="SHA-256"):
        await objects.fetch(address, seen, tmp_path / "file", "0" * 64)


async def test_a_replaced_object_is_noticed_or_its_version_still_read(objects: Objects, store: Settings) -> None:
    address = await put(store)
    seen = await objects.head(address)
    await stores.put(store, address.key, CONTENT[::-1])
    assert (await objects.head(address)).etag != seen.etag
    if seen.version_id is not None:
        assert await objects.digest(address, seen) == SHA256
    with pytest.raises(Changed, match="replaced"):
        await objects.digest(address, seen._replace(version_id=None))


async def test_an_object_that_is_gone_is_noticed_or_its_version_still_read(objects: Objects, store: Settings) -> None:
    address = await put(store)
    seen = await objects.head(address)
    await stores.remove(store, address.key)
    if seen.version_id is not None:
        assert await objects.digest(address, seen) == SHA256
    with pytest.raises(Changed, match="gone"):
        await objects.digest(address, seen._replace(version_id=None))


async def test_a_size_that_was_told_wrong_is_noticed(objects: Objects, store: Settings) -> None:
    address = await put(store)
    seen = await objects.head(address)
    with pytest.raises(Changed, match="size in bytes"):
        await objects.digest(address, seen._replace(size=seen.size + 1))


async def test_bytes_that_flip_on_the_way_are_noticed_by_the_digest(store: Settings, tmp_path: Path) -> None:
    address = await put(store)
    async with stores.between(store, lambda sent: sent.replace(CONTENT[:256], CONTENT[:255] + b"\0")) as bent, Objects(bent) as objects:
        with pytest.raises(Changed, match="SHA-256"):
            await objects.fetch(address, await objects.head(address), tmp_path / "file", SHA256)


async def test_a_body_that_is_cut_short_is_asked_for_again_later(store: Settings) -> None:
    address = await put(store)
    async with Objects(store) as direct:
        seen = await direct.head(address)
    left = 100_000

    def cut(sent: bytes) -> bytes | None:
        nonlocal left
        left -= len(sent)
        return sent if left > 0 else None

    async with stores.between(store, cut) as bent, Objects(bent) as objects:
        with pytest.raises(StorageUnavailable):
            await objects.digest(address, seen)


async def test_what_is_uploaded_by_an_address_comes_back_as_an_attachment(objects: Objects, store: Settings) -> None:
    address, name = somewhere(store), 'Prüfung "4"; 12 V.csv'
    url, headers = await presigned.upload(objects, address, len(CONTENT), "text/csv", SHA256, 60)
    async with httpx.AsyncClient() as http:
        assert (await http.put(url, content=CONTENT, headers=headers)).status_code == 200
        seen = await objects.head(address)
        got = await http.get(await presigned.download(objects, address, seen, name, 60))
    assert (got.status_code, got.content) == (200, CONTENT)
    assert got.headers["content-disposition"] == presigned.attachment(name)
    assert await objects.digest(address, seen) == SHA256


async def test_an_upload_in_three_parts_is_put_together(objects: Objects, store: Settings) -> None:
    address = somewhere(store)
    parts = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"end"]
    multipart_id = await multipart.begin(objects, address, "text/csv")
    assert await multipart.parts(objects, address, multipart_id) == []
    async with httpx.AsyncClient(timeout=20) as http:
        for number, part in enumerate(parts, 1):
            url = await presigned.part(objects, address, multipart_id, number, len(part), 60)
            assert (await http.put(url, content=part)).status_code == 200
    arrived = await multipart.parts(objects, address, multipart_id)
    assert [(part.number, part.size) for part in arrived] == [(n, len(part)) for n, part in enumerate(parts, 1)]
    await multipart.complete(objects, address, multipart_id, arrived)
    seen = await objects.head(address)
    assert await objects.digest(address, seen) == hashlib.sha256(b"".join(parts)).hexdigest()
    with pytest.raises(Refused):
        await multipart.parts(objects, address, multipart_id)


async def test_an_upload_in_parts_is_aborted_and_leaves_nothing(objects: Objects, store: Settings) -> None:
    address = somewhere(store)
    assert await multipart.under_way(objects, address.bucket, address.key) == []
    multipart_id = await multipart.begin(objects, address, "text/csv")
    assert await multipart.under_way(objects, address.bucket, address.key) == [(address, multipart_id)]
    await multipart.abort(objects, address, multipart_id)
    await multipart.abort(objects, address, multipart_id)
    with pytest.raises(Refused):
        await multipart.parts(objects, address, multipart_id)
    with pytest.raises(FileNotUsable):
        await objects.head(address)


async def test_the_older_version_is_what_is_handed_out() -> None:
    def run() -> None:
        with stores.moto() as store:
            asyncio.run(check(store))

    async def check(store: Settings) -> None:
        async with Objects(store) as objects, httpx.AsyncClient() as http:
            address = await put(store)
            seen = await objects.head(address)
            await stores.put(store, address.key, b"newer")
            assert (await http.get(await presigned.download(objects, address, seen, "f", 60))).content == CONTENT

    await asyncio.to_thread(run)


async def test_a_wrong_key_reads_nothing() -> None:
    def run() -> None:
        with stores.rclone() as store:
            asyncio.run(check(store))

    async def check(store: Settings) -> None:
        address = await put(store)
        async with Objects(replace(store, s3_secret_key="wrong")) as objects:
            with pytest.raises(FileNotUsable) as refused:
                await objects.head(address)
            assert refused.value.errors[0].code == "not_allowed"
            with pytest.raises(StorageUnavailable):
                await objects.digest(address, Seen(1, '"x"', None))

    await asyncio.to_thread(run)


ADDRESS = Address(stores.BUCKET, "key")
EMPTY = b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("status", [b"500 Oh", b"502 Bad Gateway", b"503 Slow Down", b"429 Too Many Requests", b"408 Timeout"])
async def test_a_server_that_fails_is_not_available(status: bytes) -> None:
    async with stores.answering(EMPTY % status) as settings, Objects(settings) as objects:
        with pytest.raises(StorageUnavailable):
            await objects.head(ADDRESS)
        with pytest.raises(StorageUnavailable):
            await objects.digest(ADDRESS, Seen(1, '"x"', None))


async def test_a_server_that_hangs_is_given_up_in_time() -> None:
    async with stores.answering(None) as settings, Objects(settings) as objects:
        for _ in range(2):  # the first call loads the library, before its time begins
            began = time.monotonic()
            with pytest.raises(StorageUnavailable):
                await objects.head(ADDRESS)
        assert time.monotonic() - began < CALL_S + 1


async def test_a_server_that_is_away_is_not_available_and_found_again_when_it_is_back() -> None:
    port = free_port()
    settings = stores.settings_of(f"http://127.0.0.1:{port}", "key", "secret")
    async with Objects(settings) as objects:
        with pytest.raises(StorageUnavailable):
            await objects.head(ADDRESS)
        there = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: "x"\r\n\r\n'
        server = await asyncio.start_server(lambda _, writer: writer.write(there), "127.0.0.1", port)
        assert await objects.head(ADDRESS) == Seen(7, '"x"', None)
        server.close()


async def test_a_connection_that_died_since_the_last_call_is_not_noticed() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Says nothing of its going, as a server that was restarted."""
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: "x"\r\n\r\n')
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    settings = stores.settings_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "key", "secret")
    async with Objects(settings) as objects:
        assert [await objects.head(ADDRESS) for _ in range(3)] == [Seen(7, '"x"', None)] * 3
    server.close()


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See Other", b"307 Temporary Redirect", b"308 Permanent Redirect"])
async def test_no_answer_leads_to_another_server(status: bytes) -> None:
    asked: list[bytes] = []
    async with stores.answering(EMPTY % b"200 OK", asked) as other:
        head = b"HTTP/1.1 %s\r\nLocation: %s/evidence/key\r\nx-amz-bucket-region: eu-west-1\r\n" % (
            status,
            (other.s3_endpoint or "").encode(),
        )
        async with stores.answering(head + b"Content-Length: 0\r\n\r\n") as ours, Objects(ours) as objects:
            with pytest.raises(FileNotUsable):
                await objects.head(ADDRESS)
        body = (
            b"<Error><Code>PermanentRedirect</Code><Endpoint>%s</Endpoint></Error>"
            % (other.s3_endpoint or "").removeprefix("http://").encode()
        )
        async with stores.answering(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)) as ours, Objects(ours) as objects:
            with pytest.raises(StorageUnavailable):
                await objects.digest(ADDRESS, Seen(1, '"x"', None))
    assert asked == []


async def test_an_answer_with_other_headers_than_asked_for_is_noticed() -> None:
    """A server that ignores If-Match."""
    said = b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: "new"\r\n\r\nx'
    async with stores.answering(said) as settings, Objects(settings) as objects:
        with pytest.raises(Changed, match='its ETag is "new" instead of "old"'):
            await objects.digest(ADDRESS, Seen(1, '"old"', None))


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("motor log.csv", "attachment; filename=\"motor log.csv\"; filename*=UTF-8''motor%20log.csv"),
        ('a"; filename="b.exe', "attachment; filename=\"a__ filename__b.exe\"; filename*=UTF-8''a%22%3B%20filename%3D%22b.exe"),
        ("a\r\nX: y", "attachment; filename=\"a__X_ y\"; filename*=UTF-8''a%0D%0AX%3A%20y"),
        ("\u6e2c.csv", "attachment; filename=\"_.csv\"; filename*=UTF-8''%E6%B8%AC.csv"),
        ("../../etc/passwd", "attachment; filename=\".._.._etc_passwd\"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd"),
        (" ", "attachment; filename=\"file\"; filename*=UTF-8''%20"),
    ],
)
def test_no_file_name_breaks_out_of_its_header(name: str, header: str) -> None:
    assert presigned.attachment(name) == header
