"""People who come with a token of the OIDC issuer: from its claims to an actor."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from api.bodies import uuid_of
from commands.asking import Actor
from commands.users import NotThisPerson, signed_in
from domain.tokens import Role, is_email
from infra.database import Pool
from infra.ids import uuid7
from infra.oidc import LEEWAY_S, Distrusted, Issuer
from infra.settings import Settings

EVERY_SYSTEM = "*"
SECONDS_MAX = 2**35  # since 1970: as far as dates go


class Admitted(NamedTuple):
    actor: Actor
    expires_at: datetime


class People:
    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings, self._pool = settings, pool
        self._issuer = Issuer(settings)

    async def admit(self, token: str) -> Admitted:
        """Who the token speaks of; Distrusted where it is not genuine, or says too little."""
        claims = await self._issuer.claims(token)
        if not claims["sub"]:
            raise Distrusted("token without what it must hold")
        wanted = self._settings
        email, role = email_of(claims, wanted.oidc_email_claim), role_of(claims, wanted.oidc_role_claim, wanted.oidc_roles)
        systems = None if wanted.oidc_systems_claim is None else systems_of(claims, wanted.oidc_systems_claim)
        actor_id = await self._known(claims["sub"], email)
        token_id = uuid5(actor_id, self._issuer.url)  # in history and rate limits: the same one at every login, and nobody else's
        actor = Actor(actor_id=actor_id, token_id=token_id, role=role, system_ids=systems)
        expires_at = datetime.fromtimestamp(min(int(claims["exp"]), SECONDS_MAX), UTC)
        return Admitted(actor, expires_at + timedelta(seconds=LEEWAY_S))

    async def _known(self, subject: str, email: str) -> UUID:
        try:
            async with self._pool.connection() as conn:
                return await signed_in(conn, uuid7(), self._issuer.url, subject, email)
        except NotThisPerson as reason:
            raise Distrusted(str(reason)) from None


def email_of(claims: Mapping[str, Any], name: str) -> str:
    """A claim that the issuer says is not verified could be anybody's."""
    email = _claim(claims, name)
    if not isinstance(email, str) or not is_email(email) or not email.isprintable():
        raise Distrusted("token without an e-mail")
    if claims.get("email_verified", True) not in (True, "true"):
        raise Distrusted("e-mail not verified")
    return email


def role_of(claims: Mapping[str, Any], name: str, roles: tuple[tuple[str, Role], ...]) -> Role:
    """The first entry of the mapping that the person has decides."""
    held = _texts(_claim(claims, name))
    role = next((role for value, role in roles if value in held), None)
    if role is None:
        raise Distrusted("token without a role here")
    return role


def systems_of(claims: Mapping[str, Any], name: str) -> frozenset[UUID] | None:
    """The systems that the token is limited to; without the claim that is none at all, `*` is no limit."""
    named = _texts(_claim(claims, name))
    return None if EVERY_SYSTEM in named else frozenset(filter(None, map(uuid_of, named)))


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of that name, or the one that its dots lead to: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _texts(value: Any) -> list[str]:
    """A list of texts, or texts with blanks between, as in `scope`."""
    return value.split() if isinstance(value, str) else [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
