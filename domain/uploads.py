"""Uploads: where a file that a client sends to S3 itself is to lie, and in which parts."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain import s3_urls
from domain.s3_urls import Address

PUT_BYTES_MAX = 5 * 1024**3  # S3 takes no more in one request
PART_BYTES_MIN = 64 * 1024**2
PARTS_S = 86_400  # how long a client may send them; large files take their time
PARTS_MAX = 2_000
NAME_CHARACTERS_MAX = 150
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_KEY = re.compile(r"uploads/[0-9a-f-]{36}/([0-9a-f-]{36})/[A-Za-z0-9._-]+", re.ASCII)


def address_of(entry: str, run_id: UUID, upload_id: UUID, file_name: str) -> Address:
    """No two uploads share a key, so none replaces what another brought."""
    bucket, prefix = s3_urls.split(entry)
    return Address(bucket, f"{prefix}uploads/{run_id}/{upload_id}/{safe(file_name)}")


def safe(file_name: str) -> str:
    """Still recognisable by people; its end says what it is, so the end is kept."""
    plain = _UNSAFE.sub("_", file_name)[-NAME_CHARACTERS_MAX:]
    return plain if plain.strip(".") else "file"


def part_sizes(size: int) -> list[int]:
    """Bytes of each part, in order: all alike but the last."""
    each = max(PART_BYTES_MIN, -(-size // PARTS_MAX))
    whole, rest = divmod(size, each)
    return [each] * whole + ([rest] if rest else [])


def asked_at(address: Address, entry: str) -> datetime | None:
    """When an upload to that entry of the allow-list was asked for, which its id tells (RFC 9562 §5.7); None if it is none of ours."""
    bucket, prefix = s3_urls.split(entry)
    found = _KEY.fullmatch(address.key.removeprefix(prefix)) if address.bucket == bucket else None
    if found is None or found[1][14] != "7":
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=UUID(found[1]).int >> 80)
