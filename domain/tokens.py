"""Access tokens: who may do what. The ledger holds a hash, never the token."""

import re
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.events import Event
from domain.refusals import NotFound

TOKEN_DAYS = 90
TOKEN_DAYS_MAX = 3_650
EMAIL = r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+"
EMAIL_CHARACTERS_MAX = 320


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMIN = "admin"
    AUDITOR = "auditor"


ORDER = (Role.VIEWER, Role.OPERATOR, Role.ENGINEER, Role.ADMIN)


class TokenIssued(Event, frozen=True, tag="token.issued"):
    """`key` is the public part of the token, `secret_sha256` the hex hash of its secret part; null scopes mean no limit."""

    key: str
    secret_sha256: str
    name: str
    role: Role
    owner_id: UUID
    system_ids: tuple[UUID, ...] | None = None
    project_ids: tuple[str, ...] | None = None
    expires_at: datetime | None = None


class TokenRevoked(Event, frozen=True, tag="token.revoked"):
    pass


class Token(msgspec.Struct, frozen=True, kw_only=True):
    role: Role
    revoked: bool = False


def evolve(token: Token | None, event: Event) -> Token | None:
    match token, event:
        case None, TokenIssued():
            return Token(role=event.role)
        case Token(), TokenRevoked():
            return replace(token, revoked=True)
    return token


def revoke(token: Token) -> list[Event]:
    if token.revoked:
        raise NotFound("No such token.")
    return [TokenRevoked()]


def is_email(text: str) -> bool:
    return len(text) <= EMAIL_CHARACTERS_MAX and re.fullmatch(EMAIL, text) is not None


def at_least(role: Role, least: Role) -> bool:
    """Whether `role` may do what needs `least`. The auditor reads what a viewer reads and writes nothing."""
    if role is Role.AUDITOR:
        return least in (Role.VIEWER, Role.AUDITOR)
    if least is Role.AUDITOR:
        return role is Role.ADMIN
    return ORDER.index(role) >= ORDER.index(least)
