"""Addresses that let someone without a key read or write one object for a while."""

import base64
import re
from typing import Any
from urllib.parse import quote

from domain.s3_urls import Address
from infra.objects import Objects, Seen, at

_PLAIN = re.compile(r"[^A-Za-z0-9 ._-]")
_UNESCAPED = "!#$&+.^_`|~-"  # RFC 8187: attr-char, beside letters and digits


async def download(objects: Objects, address: Address, pinned: Seen, file_name: str, seconds: int) -> str:
    """Reads the pinned version, where there are versions, and saves it under its name rather than showing it."""
    version = {} if pinned.version_id is None else {"VersionId": pinned.version_id}
    return await _url(objects, "get_object", address, seconds, ResponseContentDisposition=attachment(file_name), **version)


async def upload(
    objects: Objects, address: Address, size: int, content_type: str, sha256: str | None, seconds: int
) -> tuple[str, dict[str, str]]:
    """Takes just so many bytes: address, and the headers that must be sent with them. `sha256`: hexadecimal; not every server compares."""
    headers = {"Content-Type": content_type}
    params: dict[str, Any] = {"ContentType": content_type, "ContentLength": size}
    if sha256 is not None:
        params["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(sha256)).decode()
    return await _url(objects, "put_object", address, seconds, **params), headers


async def part(objects: Objects, address: Address, multipart_id: str, number: int, size: int, seconds: int) -> str:
    """Takes a part of so many bytes; parts count from 1."""
    return await _url(objects, "upload_part", address, seconds, UploadId=multipart_id, PartNumber=number, ContentLength=size)


def attachment(file_name: str) -> str:
    """A Content-Disposition that no file name can break out of (RFC 6266): the name, and one for clients that know ASCII only."""
    plain = _PLAIN.sub("_", file_name).strip() or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe=_UNESCAPED)}"


async def _url(objects: Objects, operation: str, address: Address, seconds: int, **params: Any) -> str:
    """Made here: S3 is not asked."""
    client = await objects.signer()
    return str(await client.generate_presigned_url(operation, Params=at(address) | params, ExpiresIn=seconds))
