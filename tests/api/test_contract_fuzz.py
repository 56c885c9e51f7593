"""The API document against the real server: every check of schemathesis, with good and bad data, alone and in sequences.

`make fuzz` does it for FUZZ_S seconds with another seed each time.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from infra.embedded.postgres import Postgres
from infra.embedded.s3 import S3
from tests.conftest import fresh_settings, with_store
from tests.serving import Served, serving

CONFIG = Path(__file__).parent / "fuzz" / "schemathesis.toml"
CASES_LEAST = 2_000
BOUNDED = """
[phases.coverage.generation]
mode = "positive" # two thirds of its requests are bad ones, which tests/hostile sends as well

[phases.fuzzing.generation]
max-examples = 2

[phases.stateful.generation]
max-examples = 30
"""


@pytest.fixture
def served(postgres: Postgres, object_store: S3, tmp_path: Path) -> Iterator[Served]:
    with fresh_settings(postgres, tmp_path) as settings, serving(with_store(settings, object_store)) as served:
        yield served


def own_ids(served: Served) -> str:
    (token,) = httpx.get(f"{served.url}/api/v1/admin/tokens", headers={"authorization": f"Bearer {served.token}"}).json()["items"]
    return f"{token['token_id']} {token['actor_id']}"


def test_generated_requests_meet_only_what_is_documented(served: Served, tmp_path: Path, tell: Callable[[str], None]) -> None:
    seconds, seed = int(os.environ.get("FUZZ_S", "0")), os.environ.get("FUZZ_SEED", "1")
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.read_text() + ("" if seconds else BOUNDED))
    asked = ["run", f"{served.url}/schema/openapi.json", "-H", f"Authorization: Bearer {served.token}", "--checks", "all", "--mode", "all"]
    effort = ["--seed", seed, *(["--max-time", str(seconds)] if seconds else [])]
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "--config-file", config, *asked, *effort],
        cwd=tmp_path,
        env=os.environ | {"FUZZ_OWN_IDS": own_ids(served), "SCHEMATHESIS_HOOKS": str(CONFIG.with_name("hooks.py"))},
        capture_output=True,
        text=True,
        timeout=600 + 2 * seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cases = int(re.search(r"(\d+) generated", done.stdout)[1])
    assert cases >= CASES_LEAST
    tell(f"{cases:,} requests of schemathesis, seed {seed}")
