"""The files of a report, fetched as they were pinned when they were registered."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import msgspec

from domain import s3_urls
from domain.data_files import DataFile
from domain.reports import InputFile
from infra.objects import Objects, Seen

FETCHED_BYTES_MAX = 2 * 2**30  # of one report


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A file as the analysis gets it: at `path` in its folder, or not fetched, and `absence` says why."""

    file_id: UUID
    file_name: str
    content_type: str
    file_size: int
    s3_etag: str
    s3_version_id: str | None
    path: str | None = None
    absence: str = ""
    sha256: str | None = None

    def input(self) -> InputFile:
        return InputFile(file_id=self.file_id, s3_etag=self.s3_etag, s3_version_id=self.s3_version_id, sha256=self.sha256)


class _Listed(msgspec.Struct):
    uuid: UUID
    content_type: str


class _Document(msgspec.Struct):
    test_data: list[_Listed]


async def fetched(
    objects: Objects, buckets: tuple[str, ...], files: Mapping[UUID, DataFile], document: bytes, folder: Path
) -> list[Source]:
    """Raises `Changed`, `FileNotUsable` where the deployment does not allow the bucket any more, else `StorageUnavailable`."""
    types = {listed.uuid: listed.content_type for listed in msgspec.json.decode(document, type=_Document).test_data}
    sources, left = [], FETCHED_BYTES_MAX
    for number, (file_id, file) in enumerate(files.items(), 1):
        path, absence, sha256 = None, "", None
        if file.file_size <= left:
            left -= file.file_size
            path = f"file-{number}"
            pinned = Seen(file.file_size, file.s3_etag, file.s3_version_id)
            sha256 = await objects.fetch(s3_urls.parse(file.s3_url, buckets), pinned, folder / path, file.sha256)
        else:
            absence = f"The files of one report may have {FETCHED_BYTES_MAX:,} bytes together."
        sources.append(
            Source(
                file_id=file_id,
                file_name=file.file_name,
                content_type=types[file_id],
                file_size=file.file_size,
                s3_etag=file.s3_etag,
                s3_version_id=file.s3_version_id,
                path=path,
                absence=absence,
                sha256=sha256,
            )
        )
    return sources
