"""Ids in a body that must resolve: live, of the right kind, in the caller's scope and fitting the system."""

from collections.abc import Iterable
from uuid import UUID

from commands.work import Work
from domain.facts import Kind
from domain.refusals import FieldError, UnknownReference
from infra import log


class References:
    """Collects the ids of one request, resolves them in one query and names every one that does not hold."""

    def __init__(self) -> None:
        self._wanted: list[tuple[str, Kind, UUID]] = []
        self._errors: list[FieldError] = []
        self._found: dict[UUID, tuple[log.Head, log.Stream]] = {}

    def want(self, pointer: str, kind: Kind, ref: UUID | None) -> None:
        if ref is not None:
            self._wanted.append((pointer, kind, ref))

    def want_all(self, pointer: str, kind: Kind, refs: Iterable[UUID]) -> None:
        for i, ref in enumerate(refs):
            self.want(f"{pointer}/{i}", kind, ref)

    async def resolve(self, work: Work, system_id: UUID | None = None) -> None:
        """`system_id`: what is not shared must belong to it. An id outside the scope looks the same as an unknown one."""
        if not self._wanted:
            return
        self._found = await log.references(work.conn, [ref for _, _, ref in self._wanted])
        for pointer, kind, ref in self._wanted:
            if not self._fits(work, kind, ref, system_id):
                self._errors.append(unknown(pointer, kind, ref))
        if self._errors:
            raise UnknownReference.all(tuple(self._errors))

    def stream(self, ref: UUID) -> log.Stream:
        return self._found[ref][1]

    def _fits(self, work: Work, kind: Kind, ref: UUID, system_id: UUID | None) -> bool:
        if ref not in self._found:
            return False
        head = self._found[ref][0]
        seen = head.kind == kind and head.status != "deleted" and work.ask.actor.sees(head.system_id)
        if kind in (Kind.ASSET, Kind.CARD_TEMPLATE):
            return seen and head.system_id in (None, system_id)
        return seen


def unknown(pointer: str, kind: Kind, ref: UUID) -> FieldError:
    """An id in a body that does not resolve, whatever the reason."""
    return FieldError(pointer, "not_found", f"names no {kind.replace('_', ' ')} that can be used here: {ref}")
