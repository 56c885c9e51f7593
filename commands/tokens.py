"""Issuing and revoking access tokens."""

import hashlib
import re
import secrets
import string
from datetime import datetime
from uuid import UUID

from commands.references import References
from commands.users import actor_of
from commands.work import Work
from domain import tokens
from domain.facts import Kind
from domain.refusals import Invalid
from domain.tokens import Role
from infra.append import NewRoot

ALPHABET = string.digits + string.ascii_letters
KEY_LENGTH, SECRET_LENGTH = 12, 32
_TOKEN = re.compile(f"rl_([0-9A-Za-z]{{8,32}})_([0-9A-Za-z]{{{SECRET_LENGTH},64}})", re.ASCII)


def fresh() -> str:
    """`rl_<key>_<secret>`: the secret carries 190 bits."""
    return "rl_" + "_".join("".join(secrets.choice(ALPHABET) for _ in range(n)) for n in (KEY_LENGTH, SECRET_LENGTH))


def split(token: str) -> tuple[str, str]:
    """The public key and the secret of a token's text; Invalid for any other text."""
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        raise Invalid.one("#/token", "invalid_format", "must look like rl_<8 to 32 letters or digits>_<32 to 64 letters or digits>")
    return parts[1], parts[2]


async def issue(
    work: Work,
    token: str,
    name: str,
    email: str,
    role: Role,
    system_ids: list[UUID] | None,
    expires_at: datetime | None,
    project_ids: list[str] | None = None,
) -> UUID:
    """Records a token's hash and its owner; the text of the token is never stored."""
    key, secret = split(token)
    references = References()
    references.want_all("#/system_ids", Kind.SYSTEM, system_ids or ())
    await references.resolve(work)
    token_id = work.new_id()
    work.begin_root(token_id, NewRoot(Kind.TOKEN, None, None))
    fact = tokens.TokenIssued(
        key=key,
        secret_sha256=digest(secret),
        name=name,
        role=role,
        owner_id=await actor_of(work.conn, work.new_id(), email),
        system_ids=None if system_ids is None else tuple(system_ids),
        project_ids=None if project_ids is None else tuple(project_ids),
        expires_at=expires_at,
    )
    work.record(Kind.TOKEN, token_id, [fact])
    return token_id


def revoke(work: Work) -> None:
    work.record(Kind.TOKEN, work.root_id, tokens.revoke(work.root.state))


def digest(secret: str) -> str:
    """What the ledger keeps of a secret: 190 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
