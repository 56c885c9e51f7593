"""Uploads in parts: objects too large for one request."""

from typing import NamedTuple

from domain.s3_urls import Address
from infra.objects import Objects, Refused

LISTED_MAX = 1_000  # parts that S3 tells at a time
COMPLETE_S = 30.0  # S3 may take its time in putting them together


class Part(NamedTuple):
    number: int
    size: int
    etag: str


async def begin(objects: Objects, address: Address, content_type: str) -> str:
    """S3's id of a new upload in parts."""
    return str((await objects.call("create_multipart_upload", address, ContentType=content_type))["UploadId"])


async def parts(objects: Objects, address: Address, multipart_id: str) -> list[Part]:
    """What has arrived, by number. Raises `Refused` where the upload is over."""
    found: list[Part] = []
    marker = 0
    while True:
        page = await objects.call("list_parts", address, UploadId=multipart_id, PartNumberMarker=marker, MaxParts=LISTED_MAX)
        found += [Part(each["PartNumber"], each["Size"], each["ETag"]) for each in page.get("Parts", ())]
        if not page.get("IsTruncated") or len(found) == 0 or found[-1].number <= marker:
            return found
        marker = found[-1].number


async def complete(objects: Objects, address: Address, multipart_id: str, arrived: list[Part]) -> None:
    """Puts the parts together. Raises `Refused` where the upload is over, or a part is too small."""
    together = {"Parts": [{"PartNumber": each.number, "ETag": each.etag} for each in arrived]}
    await objects.call("complete_multipart_upload", address, within_s=COMPLETE_S, UploadId=multipart_id, MultipartUpload=together)


async def abort(objects: Objects, address: Address, multipart_id: str) -> None:
    """Throws the parts away; an upload that is over already is fine."""
    try:
        await objects.call("abort_multipart_upload", address, UploadId=multipart_id)
    except Refused as refused:
        if refused.status != 404:
            raise
