"""Addresses of objects in S3: which of them a caller may name."""

import re
import unicodedata
from typing import NamedTuple

from domain.refusals import FieldError, FileNotUsable

KEY_BYTES_MAX = 1_024
BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BUCKET = re.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_ALIASES = ("-s3alias", "--ol-s3", "--x-s3", ".mrap")  # access points and other things that go by a bucket's name


class Address(NamedTuple):
    """An object in a bucket that the deployment allows; `key` as S3 has it, nothing encoded."""

    bucket: str
    key: str

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse(s3_url: str, allowed: tuple[str, ...]) -> Address:
    """`allowed`: entries `bucket` or `bucket/prefix/`. Anything that could lead elsewhere is refused."""
    bucket, slash, key = s3_url.removeprefix("s3://").partition("/")
    if not s3_url.startswith("s3://") or not slash:
        raise _refused("must look like s3://bucket/key")
    if not is_bucket(bucket) or not any(_covers(entry, bucket, key) for entry in allowed):
        raise _refused("must name a bucket, and a place in it, that this deployment allows")
    if (fault := _fault(key)) is not None:
        raise _refused(fault)
    return Address(bucket, key)


def is_bucket(name: str) -> bool:
    """Whether it is a bucket's own name, and no ARN, access point or alias."""
    return bool(_BUCKET.fullmatch(name)) and ".." not in name and not name.endswith(_ALIASES)


def split(entry: str) -> tuple[str, str]:
    """Bucket and key prefix of an entry of the allow-list; the prefix is empty or ends with a slash."""
    bucket, _, prefix = entry.partition("/")
    return bucket, f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""


def _covers(entry: str, bucket: str, key: str) -> bool:
    allowed, prefix = split(entry)
    return bucket == allowed and key.startswith(prefix)


def _fault(key: str) -> str | None:
    if not key:
        return "must name an object: its key is empty"
    if any(unicodedata.category(c) in ("Cc", "Cs") or c in BIDIRECTIONAL for c in key):
        return "has a control or bidirectional character in its key"
    if (size := len(key.encode())) > KEY_BYTES_MAX:
        return f"has a key of {size} bytes; S3 takes {KEY_BYTES_MAX}"
    if "\\" in key or key.startswith("/") or "//" in key:
        return "has a backslash or an empty part in its key"
    if {".", ".."} & set(key.split("/")):
        return "has a part . or .. in its key"
    return None


def _refused(message: str) -> FileNotUsable:
    return FileNotUsable(f"s3_url {message}", (FieldError("#/s3_url", "invalid_value", message),))
