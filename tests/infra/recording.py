"""Events and readings of a recorder of the library, for its tests."""

from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent

from infra.recorder import LedgerRecorder, prepare
from infra.settings import Settings


def prepare_as_owner(settings: Settings) -> None:
    with psycopg.connect(settings.owner_url or "", options=f"-c search_path={settings.schema}") as owner:
        prepare(owner)


def made(stream: UUID | None = None, version: int = 1) -> StoredEvent:
    return StoredEvent(stream or uuid4(), version, "noted", b"\x00\xff not JSON")


def all_of(ledger: LedgerRecorder) -> list[tuple[UUID | str, int]]:
    return [(n.originator_id, n.originator_version) for n in ledger.select_notifications(None, 10_000)]
