"""Who asks for a change, and under which conditions."""

from uuid import UUID

import msgspec

from domain.tokens import Role


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The owner of an access token. `system_ids` None means every system."""

    actor_id: UUID
    token_id: UUID
    role: Role
    system_ids: frozenset[UUID] | None = None
    surfaces_all: bool = True

    def sees(self, system_id: UUID | None) -> bool:
        """Whether things of this system (None: shared by all) lie inside the token's scope."""
        return self.system_ids is None or system_id is None or system_id in self.system_ids


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """If-Match: the own and wide versions of the tags given; `any` for `*`."""

    own: frozenset[int] = frozenset()
    wide: frozenset[int] = frozenset()
    any: bool = False


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request to change something."""

    actor: Actor
    request_id: str = ""
    client: str = ""
    surface: str = "atlas"
    condition: Condition | None = None
    require_condition: bool = False
    key: str | None = None
    fingerprint: bytes = b""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller gets: `own` and `wide` versions feed the ETag; `body` is JSON or None for 204."""

    status: int
    body: bytes | None = None
    own: int | None = None
    wide: int | None = None
    location: str | None = None
    command_id: UUID | None = None
    replayed: bool = False
