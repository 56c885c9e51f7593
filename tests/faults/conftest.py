"""The processes that the tests of reports harm."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from infra.embedded.processes import free_port
from infra.embedded.valkey import Valkey
from tests.acceptance.program import Program
from tests.faults.rig import Rig


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    directory = tmp_path_factory.mktemp("reports") / "data"
    for folder in directory.parents[:3]:
        folder.chmod(0o711)
    with Program(directory, command=[*Program(directory).command, "--no-worker"]) as program:
        rig = Rig(program)
        yield rig
        rig.assert_one_end_each()


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
