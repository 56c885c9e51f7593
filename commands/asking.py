"""Who asks for a change, and under which conditions."""

from uuid import UUID

import msgspec

from domain import changes
from domain.tokens import Role


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The owner of an access token. A scope that is None is no limit, unless the token is limited to the other kind only."""

    actor_id: UUID
    token_id: UUID
    role: Role
    system_ids: frozenset[UUID] | None = None
    project_ids: frozenset[str] | None = None

    @property
    def reaches_systems(self) -> bool:
        """Whether the surfaces that are scoped by system exist for this token at all."""
        return bool(self.system_ids) or (self.system_ids is None and self.project_ids is None)

    @property
    def reach(self) -> list[UUID] | None:
        """The systems as SQL takes them; None for no limit."""
        return None if self.system_ids is None else list(self.system_ids)

    @property
    def limited(self) -> bool:
        return (self.system_ids, self.project_ids) != (None, None)

    def sees(self, system_id: UUID | None) -> bool:
        """Whether things of this system (None: shared by all) lie inside the token's scope."""
        return self.system_ids is None or system_id is None or system_id in self.system_ids


HOST = Actor(actor_id=changes.HOST, token_id=changes.HOST, role=Role.ADMIN)  # the machine itself, when nobody asked


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
    """What the caller gets: `own` and `wide` versions feed the ETag; `body` is JSON or None for 204.

    `run_version` is the version of the test run that was asked about, after the command.
    """

    status: int
    body: bytes | None = None
    own: int | None = None
    wide: int | None = None
    run_version: int | None = None
    location: str | None = None
    command_id: UUID | None = None
    replayed: bool = False
