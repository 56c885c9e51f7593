"""A server that the tests share."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Serving


def roomy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that the database's unprivileged user can reach when the tests run as root."""
    root = tmp_path_factory.mktemp("host")
    for folder in (root, *root.parents[:2]):
        folder.chmod(0o711)
    return root / "data"


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a failed test leaves running there is killed; its servers go with it."""
    made = roomy(tmp_path_factory)
    yield made
    for serving in Serving.started:
        if serving.directory == made and serving.process.poll() is None:
            serving.process.kill()
            serving.process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = Serving(roomy(tmp_path_factory))
    yield serving
    code, errors = serving.end(signal.SIGTERM)
    assert (code, "Traceback" in errors) == (0, False), errors
