"""The metadata of columns in an Arrow schema, as Parquet files carry it: base64 of an IPC message, which is a flatbuffer."""

import base64
import binascii
import struct
from collections.abc import Iterator

CONTINUATION = b"\xff\xff\xff\xff"
MESSAGE_HEADER, SCHEMA_FIELDS, FIELD_NAME, FIELD_METADATA, KEY, VALUE = 2, 1, 0, 6, 0, 1  # slots: arrow/format/Message.fbs, Schema.fbs
FIELDS_MAX = 10_000


def field_metadata(schema: str) -> dict[str, dict[str, str]]:
    """Of each column that has some; nothing where the schema cannot be read, for it only adds to what the file says itself."""
    try:
        message = base64.b64decode(schema, validate=True)
        buffer = message[8:] if message.startswith(CONTINUATION) else message[4:]
        return dict(_fields(buffer)) if schema else {}
    except (struct.error, binascii.Error, UnicodeDecodeError, ValueError):
        return {}


def _fields(buffer: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    message = _follow(buffer, 0)
    schema = _table(buffer, message, MESSAGE_HEADER)
    for field in _vector(buffer, schema, SCHEMA_FIELDS) if schema else ():
        entries = _vector(buffer, field, FIELD_METADATA)
        if told := {_text(buffer, entry, KEY): _text(buffer, entry, VALUE) for entry in entries}:
            yield _text(buffer, field, FIELD_NAME), told


def _follow(buffer: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", buffer, at)[0])


def _slot(buffer: bytes, table: int, slot: int) -> int | None:
    """Where a member of a table lies; None where it is left out."""
    directory = table - struct.unpack_from("<i", buffer, table)[0]
    (size,) = struct.unpack_from("<H", buffer, directory)
    at = 4 + 2 * slot
    offset = struct.unpack_from("<H", buffer, directory + at)[0] if at < size else 0
    return table + offset if offset else None


def _table(buffer: bytes, table: int, slot: int) -> int | None:
    at = _slot(buffer, table, slot)
    return None if at is None else _follow(buffer, at)


def _vector(buffer: bytes, table: int, slot: int) -> list[int]:
    at = _table(buffer, table, slot)
    if at is None:
        return []
    (count,) = struct.unpack_from("<I", buffer, at)
    return [_follow(buffer, at + 4 + 4 * i) for i in range(min(count, FIELDS_MAX))]


def _text(buffer: bytes, table: int, slot: int) -> str:
    at = _table(buffer, table, slot)
    if at is None:
        return ""
    (length,) = struct.unpack_from("<I", buffer, at)
    return buffer[at + 4 : at + 4 + length].decode()
