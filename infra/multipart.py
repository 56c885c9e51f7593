"""Uploads in parts: objects too large for one request. S3 itself knows which are under way; nothing of them is kept here."""

from datetime import datetime
from typing import Any, NamedTuple

from domain import s3_urls, uploads
from domain.refusals import FieldError, FileNotUsable
from domain.s3_urls import Address
from infra.objects import Objects, Refused, Seen, at

COMPLETE_S = 30.0  # S3 may take its time in putting the parts together


class Part(NamedTuple):
    """`size` in bytes; parts count from 1."""

    number: int
    size: int
    etag: str


async def begin(objects: Objects, address: Address, content_type: str) -> str:
    """S3's id of a new upload in parts."""
    return str((await objects.call("create_multipart_upload", **at(address), ContentType=content_type))["UploadId"])


async def under_way(objects: Objects, bucket: str, prefix: str) -> list[tuple[Address, str]]:
    """The uploads to keys that begin so, each with S3's id of it."""
    found: list[tuple[Address, str]] = []
    more: dict[str, Any] = {}
    while True:
        try:
            page = await objects.call("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **more)
        except Refused as error:
            if error.code == "NoSuchUpload":  # rclone's word for a bucket without any
                return found
            raise
        found += [(Address(bucket, each["Key"]), each["UploadId"]) for each in page.get("Uploads", ())]
        if not page.get("IsTruncated"):
            return found
        more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}


async def parts(objects: Objects, address: Address, multipart_id: str) -> list[Part]:
    """What has arrived, by number. Raises `Refused` where the upload is over."""
    found: list[Part] = []
    while True:
        marker = found[-1].number if found else 0
        page = await objects.call("list_parts", **at(address), UploadId=multipart_id, PartNumberMarker=marker)
        found += [Part(each["PartNumber"], each["Size"], each["ETag"]) for each in page.get("Parts", ())]
        if not page.get("IsTruncated") or found[-1].number == marker:
            return found


async def complete(objects: Objects, address: Address, multipart_id: str, arrived: list[Part]) -> None:
    """Puts the parts together. Raises `Refused` where the upload is over, or a part is too small."""
    together = {"Parts": [{"PartNumber": each.number, "ETag": each.etag} for each in arrived]}
    await objects.call("complete_multipart_upload", within_s=COMPLETE_S, **at(address), UploadId=multipart_id, MultipartUpload=together)


async def arrived(objects: Objects, address: Address, size: int, entry: str | None) -> Seen:
    """What is there, put together first where it was sent in parts to `entry`, where uploads go. Raises `FileNotUsable`."""
    try:
        return await objects.head(address)
    except FileNotUsable:
        if entry is None or uploads.asked_at(address, entry) is None:
            raise
    await _finish(objects, address, size)
    return await objects.head(address)


async def _finish(objects: Objects, address: Address, size: int) -> None:
    """Of several requests that do this at once each may find that another was faster."""
    try:
        for found, multipart_id in await under_way(objects, *address):
            if found == address:
                sent = await parts(objects, address, multipart_id)
                if (there := sum(part.size for part in sent)) != size:
                    message = f"is {size}, but {there} bytes have arrived in {len(sent)} parts"
                    raise FileNotUsable(f"file_size {message}", (FieldError("#/file_size", "mismatch", message),))
                await complete(objects, address, multipart_id, sent)
    except Refused as refused:
        if refused.status != 404:
            message = f"names an upload whose parts S3 does not put together: {refused}"
            raise FileNotUsable(f"s3_url {message}", (FieldError("#/s3_url", "invalid_value", message),)) from refused


async def abort(objects: Objects, address: Address, multipart_id: str) -> None:
    """Throws the parts away; an upload that is over already is fine."""
    try:
        await objects.call("abort_multipart_upload", **at(address), UploadId=multipart_id)
    except Refused as refused:
        if refused.status != 404:
            raise


async def abort_abandoned(objects: Objects, entry: str, asked_before: datetime) -> int:
    """Throws away what was begun before that time and never put together; how many. Only uploads of ours: the key tells."""
    bucket, prefix = s3_urls.split(entry)
    aborted = 0
    for address, multipart_id in await under_way(objects, bucket, f"{prefix}uploads/"):
        asked_at = uploads.asked_at(address, entry)
        if asked_at is not None and asked_at < asked_before:
            await abort(objects, address, multipart_id)
            aborted += 1
    return aborted
