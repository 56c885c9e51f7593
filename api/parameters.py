"""Query parameters, path ids and conditional headers, read strictly."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

from litestar.datastructures import Headers

from api.bodies import stamp_of, uuid_of
from commands.asking import Condition
from domain.refusals import FieldError, Invalid, Malformed, NotFound

INTEGER_CHARACTERS_MAX = 18  # no limit of ours is longer
_PERCENT = re.compile(rb"%(?![0-9a-fA-F]{2})")
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_TAGS = re.compile(rf"\s*{_TAG.pattern}\s*(?:,\s*{_TAG.pattern}\s*)*")
_OURS = re.compile(r"(\d{1,18})-(\d{1,18})-[0-9a-f]{12}")
_NUMBER = re.compile(r"[tT][rR]-0*([0-9]{1,18})", re.ASCII)


class Query:
    """The query of one request; errors are collected and raised together by `done`."""

    def __init__(self, raw: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        self._errors: list[FieldError] = []
        for part in raw.split(b"&") if raw else ():
            name, _, value = part.partition(b"=")
            self._values.setdefault(_text(name), []).append(_text(value))

    def text(self, name: str) -> str | None:
        values = self._values.get(name, [])
        if len(values) > 1:
            raise Malformed(f"The query parameter {name} may stand only once.")
        return values[0] if values else None

    def many(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def uuid(self, name: str) -> UUID | None:
        text = self.text(name)
        found = uuid_of(text) if text is not None else None
        if text is not None and found is None:
            self.wrong(name, "invalid_format", "must be a UUID")
        return found

    def stamp(self, name: str) -> datetime | None:
        text = self.text(name)
        found = stamp_of(text) if text is not None else None
        if text is not None and found is None:
            self.wrong(name, "invalid_format", "must be an ISO 8601 timestamp")
        return found

    def boolean(self, name: str) -> bool | None:
        text = self.text(name)
        if text is None:
            return None
        if text.lower() not in ("true", "false", "1", "0"):
            self.wrong(name, "invalid_value", "must be true or false")
        return text.lower() in ("true", "1")

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"-?[0-9]+", text, re.ASCII):
            self.wrong(name, "invalid_type", "must be a whole number")
            return default
        found = int(text[:INTEGER_CHARACTERS_MAX])
        if len(text) > INTEGER_CHARACTERS_MAX or not low <= found <= high:
            self.wrong(name, "out_of_range", f"must be from {low} to {high}")
        return found

    def choice(self, name: str, values: tuple[str, ...]) -> str | None:
        text = self.text(name)
        if text is not None and text not in values:
            self.wrong(name, "invalid_value", f"must be one of {', '.join(values)}")
        return text

    def wrong(self, name: str, code: str, message: str) -> None:
        self._errors.append(FieldError(f"query:{name}", code, message))

    def done(self) -> None:
        if self._errors:
            raise Invalid.all(tuple(self._errors))


def _text(raw: bytes, where: str = "query") -> str:
    if _PERCENT.search(raw):
        raise Malformed(f"The {where} holds a percent sign without two hexadecimal digits.")
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Malformed(f"The {where} is not UTF-8.") from None
    if "\0" in text:
        raise Malformed(f"The {where} holds the character NUL.")
    return text


def check_address(scope: Any, single: Iterable[str]) -> None:
    """Refuses an address that cannot be read, also in parts that nobody asks for, and a `single` parameter that stands twice."""
    if b"%" in (path := scope.get("raw_path") or b""):
        _text(path, "path")
    if scope["query_string"]:
        query = Query(scope["query_string"])
        for name in single:
            query.text(name)


def joined(headers: Headers, name: str) -> str | None:
    """The value of a header; several of the same name are one list (RFC 9110 §5.3)."""
    values = headers.getall(name, [])
    return ", ".join(values) if values else None


def path_uuid(text: str, noun: str) -> UUID:
    found = uuid_of(text)
    if found is None:
        raise NotFound(f"No such {noun}.")
    return found


def run_reference(text: str) -> UUID | int:
    """The UUID of a run, or its number from `TR-0042` (letter case and leading zeros free)."""
    if numbered := _NUMBER.fullmatch(text):
        return int(numbered[1])
    return path_uuid(text, "test run")


def condition(headers: Headers) -> Condition | None:
    """If-Match as own and wide versions. Weak tags and tags that are not ours never match."""
    text = joined(headers, "if-match")
    if text is None:
        return None
    if text.strip() == "*":
        return Condition(any=True)
    if not _TAGS.fullmatch(text):
        raise Malformed("If-Match holds something that is not an entity tag.")
    own, wide = set(), set()
    for tag in _TAG.finditer(text):
        if tag[1] is None and (ours := _OURS.fullmatch(tag[2])):
            own.add(int(ours[1]))
            wide.add(int(ours[2]))
    return Condition(own=frozenset(own), wide=frozenset(wide))


def idempotency_key(headers: Headers) -> str | None:
    keys = headers.getall("idempotency-key", [])
    if len(keys) > 1 or (keys and not re.fullmatch(r"[\x20-\x7e]{1,255}", keys[0])):
        raise Malformed("Idempotency-Key must be 1 to 255 printable ASCII characters, once.")
    return keys[0] if keys else None
