"""Atlas: files on their way between a client and S3, without us in between."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from msgspec import Meta

from api import bodies
from api.atlas.data_files import FILE, ContentType, FileName, FileSize, file_id_of, unfit
from api.atlas.runs import target
from api.exchange import Exchange, Req
from api.openapi.envelopes import Stamp
from api.openapi.operation import Operation
from commands.work import Query, Work
from domain import s3_urls, uploads
from domain.refusals import FieldError, FileNotUsable, NotConfigured, NotFound
from domain.s3_urls import Address
from domain.tokens import Role
from domain.uploads import PARTS_S
from infra import multipart, presigned
from infra.ids import uuid7
from infra.objects import Objects, Seen
from projections import pinned_objects

PUT_S = 3_600
DOWNLOAD_S = 300
SHA256 = "^[0-9a-f]{64}$"
SAID = "SELECT NULL, NULL, %(body)s::bytea"
UPLOAD = """Send the bytes to `url` by PUT with `headers`, then register `s3_url` as a data file. A file above 5 GiB, and any with
`"multipart": true`, goes in `parts`: each of them so many bytes by PUT to its own address, in any order, as often as needed. Registering
puts them together; what is not registered within a day is thrown away. S3 may compare `sha256` of a file that goes in one piece."""
DOWNLOAD = "The version that was registered, where the bucket keeps versions; whether the bytes are the same, `sha256` tells."


class AskUpload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file_name: FileName
    file_size: FileSize
    content_type: ContentType = "application/octet-stream"
    sha256: Annotated[str | None, Meta(extra_json_schema={"pattern": SHA256}, description="Hexadecimal, in lower case.")] = None
    multipart: bool = False


class UploadPart(msgspec.Struct):
    """A part of a large file."""

    number: Annotated[int, Meta(description="From 1, in the order of the file.")]
    url: str
    size: Annotated[int, Meta(description="Bytes.")]


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client may send a file."""

    upload_id: UUID
    s3_url: Annotated[str, Meta(description="To be registered once it has arrived.")]
    method: Annotated[str, Meta(description="`PUT`.")] = "PUT"
    url: Annotated[str | None, Meta(description="Null where the file goes in parts.")]
    headers: Annotated[dict[str, str], Meta(description="To be sent with it.")]
    expires_at: Stamp
    parts: Annotated[list[UploadPart] | None, Meta(description="Null where the file goes in one piece.")]


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """Where a data file may be had for a few minutes, without a token."""

    url: str
    file_name: str
    sha256: Annotated[str | None, Meta(description="Hexadecimal; null until the object has been read once.")]
    expires_at: Stamp


class _Ready(Exception):
    """All has been checked: addresses may be handed out."""

    def __init__(self, run_id: UUID, wanted: AskUpload, entry: str) -> None:
        super().__init__()
        self.run_id, self.wanted, self.entry = run_id, wanted, entry


@post(
    "/test-runs/{run_id:str}/uploads",
    operation=Operation("Ask where to upload a file", Role.OPERATOR, Upload, 201, AskUpload, kept=False, description=UPLOAD),
)
async def ask_upload(request: Req, exchange: Exchange, run_id: str) -> Response[bytes]:
    """S3 is asked outside of the transaction, once all is in order; then it is decided again."""
    body, upload = exchange.body(request), None

    async def decide(work: Work) -> Query:
        wanted = bodies.check(AskUpload, body, [*unfit(body), *_unfit(body)])
        work.require_open()
        entry = exchange.settings.upload_entry
        if entry is None:
            raise NotConfigured("This deployment names no bucket for uploads.")
        if upload is None:
            raise _Ready(work.root_id, wanted, entry)
        return Query(201, SAID, {"body": msgspec.json.encode(upload)})

    try:
        return _private(await exchange.write(request, target(run_id), Role.OPERATOR, decide))
    except _Ready as ready:
        upload = await _begun(exchange.objects, ready)
    return _private(await exchange.write(request, target(run_id), Role.OPERATOR, decide))


def _unfit(body: dict[str, Any]) -> Iterator[FieldError]:
    match body:
        case {"sha256": str(digest)} if not re.fullmatch(SHA256, digest):
            yield FieldError("#/sha256", "invalid_format", "must be 64 hexadecimal digits in lower case")


async def _begun(objects: Objects, ready: _Ready) -> Upload:
    wanted, upload_id = ready.wanted, uuid7()
    address = uploads.address_of(ready.entry, ready.run_id, upload_id, wanted.file_name)
    if wanted.file_size > uploads.PUT_BYTES_MAX or (wanted.multipart and wanted.file_size > 0):
        expires_at, url, headers = _in(PARTS_S), None, dict[str, str]()
        parts = await _parts(objects, address, wanted)
    else:
        expires_at, parts = _in(PUT_S), None
        url, headers = await presigned.upload(objects, address, wanted.file_size, wanted.content_type, wanted.sha256, PUT_S)
    return Upload(upload_id=upload_id, s3_url=address.url, url=url, headers=headers, expires_at=expires_at, parts=parts)


async def _parts(objects: Objects, address: Address, wanted: AskUpload) -> list[UploadPart]:
    multipart_id = await multipart.begin(objects, address, wanted.content_type)
    return [
        UploadPart(number, await presigned.part(objects, address, multipart_id, number, size, PARTS_S), size)
        for number, size in enumerate(uploads.part_sizes(wanted.file_size), 1)
    ]


@get(
    FILE + "/download",
    operation=Operation("Ask where to download a data file", Role.VIEWER, Download, more=(409,), kept=False, description=DOWNLOAD),
)
async def ask_download(request: Req, exchange: Exchange, run_id: str, file_id: str) -> Response[bytes]:
    file = file_id_of(file_id)
    async with exchange.pool.connection() as conn:
        root_id, version = await exchange.found(conn, exchange.actor(request), target(run_id), deleted=False)
        found = await pinned_objects.of_file(conn, root_id, file)
    if found is None:
        raise NotFound("No such data file.")
    try:
        address = s3_urls.parse(found.s3_url, exchange.settings.s3_buckets)
    except FileNotUsable:
        raise NotConfigured(f"This deployment no longer allows the place that the file lies in: {found.s3_url}") from None
    expires_at, pinned = _in(DOWNLOAD_S), Seen(found.size, found.etag, found.version_id)
    url = await presigned.download(exchange.objects, address, pinned, found.file_name, DOWNLOAD_S)
    answer = msgspec.json.encode(Download(url=url, file_name=found.file_name, sha256=found.sha256, expires_at=expires_at))
    return _private(Response(answer, headers={"x-run-version": str(version)}, media_type="application/json"))


def _in(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _private(answer: Response[bytes]) -> Response[bytes]:
    """Whoever reads it may use the addresses in it."""
    answer.headers["cache-control"] = "no-store"
    return answer


HANDLERS = [ask_upload, ask_download]
