"""A server that the tests share."""

import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.program import Serving


@pytest.fixture
def directory(open_folder: Path) -> Iterator[Path]:
    """What a failed test leaves running there is killed; its servers go with it."""
    made = open_folder / "data"
    yield made
    for serving in Serving.started:
        if serving.directory == made and serving.process.poll() is None:
            serving.process.kill()
            serving.process.wait()


@pytest.fixture(scope="session")
def server() -> Iterator[Serving]:
    """Its directory is not pytest's, which every other session of the same user closes to the database's user again."""
    with TemporaryDirectory(prefix="runledger-cli-") as name:
        Path(name).chmod(0o711)
        serving = Serving(Path(name) / "data")
        yield serving
        code, errors = serving.end(signal.SIGTERM)
    assert (code, "Traceback" in errors) == (0, False), errors
