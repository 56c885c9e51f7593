"""A recorder of the library over a ledger of its own."""

from collections.abc import Iterator

import pytest

from infra import database
from infra.recorder import LedgerRecorder
from infra.settings import Settings
from tests.infra.recording import prepare_as_owner


@pytest.fixture
def ledger(settings: Settings) -> Iterator[LedgerRecorder]:
    """A recorder of its own ledger, as the app's role, which may neither change nor remove an event."""
    prepare_as_owner(settings)
    with database.blocking_pool(settings) as pool:
        yield LedgerRecorder(pool, "note")
