"""The processes that the tests of reports harm."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from infra.embedded.processes import free_port
from infra.embedded.valkey import Valkey
from tests.acceptance.program import Program
from tests.faults.rig import Rig


@pytest.fixture(scope="session")
def served() -> Iterator[Rig]:
    """Its directory is not pytest's, which other sessions of the same user close to the database's user."""
    with TemporaryDirectory(prefix="runledger-faults-") as name:
        Path(name).chmod(0o711)
        directory = Path(name) / "data"
        with Program(directory, command=[*Program(directory).command, "--no-worker"]) as program:
            yield Rig(program)


@pytest.fixture
async def rig(served: Rig) -> AsyncIterator[Rig]:
    yield served
    served.dismiss()
    served.assert_one_end_each()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Redis that a test may treat as it likes."""
    server = Valkey(tmp_path / "valkey", free_port(), uuid4().hex)
    server.start()
    yield server
    server.stop()
