"""Request bodies: bytes to a plain object, and that to a struct with every field error reported at once."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import inspect

from domain.refusals import ContentTooLarge, FieldError, Invalid, Malformed, UnsupportedMediaType

BODY_BYTES_MAX = 1_048_576
DEPTH_MAX = 64
NAME_CHARACTERS_MAX = 200
INTEGER_MAX = 2**63 - 1

MEDIA = ("application/json",)
PATCH_MEDIA = (*MEDIA, "application/merge-patch+json")

S = TypeVar("S", bound=msgspec.Struct)

NOT_BLANK = {"not_blank": True}
DAY, TIME_OF_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.,][0-9]{1,30})?"
TIME = f"^{DAY}[Tt ]{TIME_OF_DAY}([Zz]|[+-][0-9]{{2}}(:?[0-9]{{2}})?)?$"
A_TIME = {"pattern": TIME, "examples": ["2026-04-13T11:00:00Z"]}  # the same in a JSON schema
SOME_TEXT = {"minLength": 1, "pattern": r"[^\s\u001c-\u001f\u0085]"}  # the same in a JSON schema
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,30}))?(Z|z|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_MEDIA = re.compile(r'\s*([^;\s]*)(?:.*;\s*charset="?([^";\s]*))?', re.DOTALL)
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ESCAPED_NUL_OR_SURROGATE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def parse(raw: bytes, content_type: str, *, patch: bool = False, bytes_max: int = BODY_BYTES_MAX) -> Any:
    """The body as plain objects; an empty one counts as `{}`. That it is an object is for `check` to see."""
    if len(raw) > bytes_max:
        raise ContentTooLarge(f"The body has {len(raw)} bytes; this address takes {bytes_max}.")
    if not raw:
        return {}
    media, charset = _MEDIA.match(content_type.lower()).groups()  # type: ignore[union-attr]  # it matches every text
    if media not in (PATCH_MEDIA if patch else MEDIA) or charset not in (None, "utf-8"):
        raise UnsupportedMediaType("The body must be application/json in UTF-8.")
    if _depth(raw) > DEPTH_MAX:
        raise Malformed(f"The body is nested deeper than {DEPTH_MAX} levels.")
    try:
        decoded = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"The body is not JSON: {error}") from None
    if _ESCAPED_NUL_OR_SURROGATE.search(raw):
        _refuse_bad_text(decoded)
    return decoded


def _depth(raw: bytes) -> int:
    if raw.count(b"[") + raw.count(b"{") <= DEPTH_MAX:
        return 0
    depth = deepest = 0
    for byte in _STRINGS.sub(b"", raw).translate(None, _NO_BRACKETS):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _refuse_bad_text(value: object) -> None:
    match value:
        case str():
            if "\0" in value:
                raise Malformed("The body holds the character NUL in a text.")
            if any("\ud800" <= c <= "\udfff" for c in value):
                raise Malformed("The body holds a lone surrogate in a text.")
        case list():
            for item in value:
                _refuse_bad_text(item)
        case dict():
            for name, item in value.items():
                _refuse_bad_text(name)
                _refuse_bad_text(item)


def check(kind: type[S], data: object, more: Iterable[FieldError] = ()) -> S:
    """`data` as a struct; otherwise `Invalid` with every error, also those found by `more`. Types are not coerced, but 5.0 is 5."""
    errors: list[FieldError] = []
    made = _struct(_described(kind), data, "#", errors)
    errors += more
    if errors:
        raise Invalid.all(tuple(errors))
    return made  # type: ignore[no-any-return]


@cache
def _described(kind: type[msgspec.Struct]) -> inspect.StructType:
    described = inspect.type_info(kind)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{kind} is not a struct")
    return described


def _struct(kind: inspect.StructType, data: object, pointer: str, errors: list[FieldError]) -> Any:
    if not isinstance(data, dict):
        errors.append(FieldError(pointer, "invalid_type", "must be an object"))
        return None
    known = {field.encode_name: field for field in kind.fields}
    values = {}
    for name, value in data.items():
        if name in known:
            values[known[name].name] = _value(known[name].type, value, f"{pointer}/{name}", errors)
        else:
            errors.append(FieldError(f"{pointer}/{_escaped(name)}", "unknown_field", "is not known here"))
    for name, field in known.items():
        if name not in data and field.required:
            errors.append(FieldError(f"{pointer}/{name}", "required", "is required"))
    return None if errors else kind.cls(**values)


def _escaped(name: str) -> str:
    """A member's name in a JSON pointer that stands in a fragment (RFC 6901 §6)."""
    return quote(name[:NAME_CHARACTERS_MAX].replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@")


def _value(kind: inspect.Type, value: object, pointer: str, errors: list[FieldError]) -> Any:
    before = len(errors)
    found = _convert(kind, value, pointer, errors)
    return found if len(errors) == before else None


def _convert(kind: inspect.Type, value: Any, pointer: str, errors: list[FieldError]) -> Any:
    def wrong(code: str, message: str) -> None:
        errors.append(FieldError(pointer, code, message))

    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            found = _convert(inner, value, pointer, errors)
            if extra and extra.get("not_blank") and isinstance(value, str) and not value.strip():
                wrong("blank", "must not be blank")
            return found
        case inspect.UnionType(types=types):
            return _union(types, value, pointer, errors)
        case inspect.StrType(min_length=low, max_length=high):
            if not isinstance(value, str):
                return wrong("invalid_type", "must be a string" + (", not null" if value is None else ""))
            if high is not None and len(value) > high:
                return wrong("too_long", f"must have at most {high} characters; it has {len(value)}")
            if low and len(value) < low and value:
                return wrong("too_short", f"must have at least {low} characters")
            return value
        case inspect.UUIDType():
            return _uuid(value, wrong)
        case inspect.DateTimeType():
            return _stamp(value, wrong)
        case inspect.EnumType(cls=cls):
            return _enum(cls, value, wrong)
        case inspect.IntType(ge=low_number, le=high_number):
            return _integer(value, low_number, high_number, wrong)
        case inspect.ListType(item_type=item, max_length=most, min_length=least):
            return _list(item, most, least, value, pointer, errors)
        case inspect.StructType():
            return _struct(kind, value, pointer, errors)
        case inspect.DictType():
            return value if isinstance(value, dict) else wrong("invalid_type", "must be an object")
    return value


def _union(types: tuple[inspect.Type, ...], value: Any, pointer: str, errors: list[FieldError]) -> Any:
    if value is None and any(isinstance(t, inspect.NoneType) for t in types):
        return None
    real = [t for t in types if not isinstance(t, inspect.NoneType)]
    return _convert(real[0], value, pointer, errors)


def _list(item: inspect.Type, most: int | None, least: int | None, value: Any, pointer: str, errors: list[FieldError]) -> Any:
    if not isinstance(value, list):
        errors.append(FieldError(pointer, "invalid_type", "must be an array"))
        return None
    if most is not None and len(value) > most:
        errors.append(FieldError(pointer, "too_long", f"must have at most {most} items; it has {len(value)}"))
        return None
    if least and len(value) < least:
        errors.append(FieldError(pointer, "too_short", f"must have at least {least} item"))
        return None
    return [_value(item, v, f"{pointer}/{i}", errors) for i, v in enumerate(value)]


def _uuid(value: Any, wrong: Any) -> UUID | None:
    if not isinstance(value, str):
        return wrong("invalid_type", "must be a UUID string")  # type: ignore[no-any-return]
    found = uuid_of(value)
    return found if found is not None else wrong("invalid_format", "must be a UUID")


def uuid_of(text: str) -> UUID | None:
    """A UUID in its 36-character form, letter case free; else None."""
    return UUID(text) if _UUID.fullmatch(text) else None


def _enum(cls: Any, value: Any, wrong: Any) -> Any:
    if not isinstance(value, str):
        return wrong("invalid_type", "must be a string" + (", not null" if value is None else ""))
    try:
        return cls(value)
    except ValueError:
        return wrong("invalid_value", f"must be one of {', '.join(member.value for member in cls)}")


def _integer(value: Any, low: int | None, high: int | None, wrong: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return wrong("invalid_type", "must be a whole number")  # type: ignore[no-any-return]
    top = INTEGER_MAX if high is None else high
    bottom = -INTEGER_MAX if low is None else low
    return value if bottom <= value <= top else wrong("out_of_range", f"must be from {bottom} to {top}")


def _stamp(value: Any, wrong: Any) -> datetime | None:
    if not isinstance(value, str):
        return wrong("invalid_type", "must be a timestamp string")  # type: ignore[no-any-return]
    found = stamp_of(value)
    return found if found is not None else wrong("invalid_format", "must be an ISO 8601 timestamp such as 2026-04-13T11:00:00Z")


def stamp_of(text: str) -> datetime | None:
    """An ISO 8601 timestamp as UTC; without offset it is UTC, finer than a microsecond is cut. None if it is none."""
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    *numbers, fraction, offset = found.groups()
    zone = "+0000" if offset in (None, "Z", "z") else offset.replace(":", "").ljust(5, "0")
    micro = (fraction or "0")[:6].ljust(6, "0")
    try:
        return datetime.strptime("-".join(numbers) + micro + zone, "%Y-%m-%d-%H-%M-%S%f%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
