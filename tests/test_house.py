"""The house rules hold in every file, and each rule can fail."""

from pathlib import Path

import pytest

from tests import house
from tests.house import CHECKS, EXCEPTIONS, FILE_LINES_MAX, FUNCTION_LINES_MAX, ROOMS, SHARED, SURFACES, Check, Source

ROOT = Path(__file__).parent.parent
SOURCES = [Source(str(path.relative_to(ROOT)), path.read_text()) for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
LONG = "\n".join(["def f() -> None:", *["    pass"] * FUNCTION_LINES_MAX])
OFFENCES = [
    (house.other_rooms, "domain/runs.py", "from infra import log", "infra"),
    (house.other_rooms, "infra/log.py", "import commands.door", "commands"),
    (house.other_rooms, "commands/runs.py", "from projections.runs import RUNS", "projections"),
    (house.other_rooms, "projections/runs.py", "from commands import runs", "commands"),
    (house.other_rooms, "workers/relay.py", "import api", "api"),
    (house.other_rooms, "api/app.py", "from workers import relay", "workers"),
    (house.other_rooms, "api/app.py", "def f():\n    from cli import main", "cli"),
    (house.libraries, "domain/runs.py", "import psycopg", "psycopg"),
    (house.libraries, "infra/log.py", "from litestar import get", "litestar"),
    (house.libraries, "commands/runs.py", "from psycopg import sql", "psycopg"),
    (house.libraries, "projections/runs.py", "import redis.asyncio", "redis"),
    (house.libraries, "workers/relay.py", "import litestar", "litestar"),
    (house.libraries, "api/atlas/runs.py", "import dramatiq", "dramatiq"),
    (house.libraries, "cli/main.py", "import psycopg", "psycopg"),
    (house.libraries, "bench/load.py", "import aiobotocore", "aiobotocore"),
    (house.other_surfaces, "api/atlas/runs.py", "from api.testmo import runs", "api.testmo"),
    (house.other_surfaces, "api/testmo/runs.py", "from api import atlas", "api.atlas"),
    (house.other_surfaces, "api/testably/runs.py", "import api.benchmarks.tests", "api.benchmarks"),
    (house.other_surfaces, "api/operations/health.py", "from ..atlas import runs", "api.atlas"),
    (house.impure, "domain/runs.py", "import time", "time"),
    (house.impure, "domain/runs.py", "from random import choice", "random"),
    (house.impure, "domain/runs.py", "import os.path", "os"),
    (house.impure, "domain/runs.py", "from pathlib import Path", "pathlib"),
    (house.impure, "domain/runs.py", "import logging", "logging"),
    (house.impure, "domain/runs.py", "from datetime import datetime\ndatetime.now()", "now"),
    (house.impure, "domain/runs.py", "from uuid import uuid4", "uuid4"),
    (house.impure, "domain/runs.py", "open('x')", "open"),
    (house.outward, "api/access.py", "import os\nos.environ['X']", "environ"),
    (house.outward, "cli/main.py", "from os import getenv", "getenv"),
    (house.outward, "workers/relay.py", "import socket", "socket"),
    (house.outward, "commands/door.py", "from urllib.request import urlopen", "urllib.request.urlopen"),
    (house.outward, "projections/runs.py", "import psycopg\npsycopg.connect('')", "connect"),
    (house.outward, "api/app.py", "import asyncio\nasyncio.open_connection('h', 1)", "open_connection"),
    (house.outward, "api/app.py", "from importlib import import_module", "importlib.import_module"),
    (house.shape, "api/app.py", "x = 1", "opens without saying what lives there"),
    (house.shape, "api/utils.py", '"""Odds."""', "is named by no noun"),
    (house.shape, "api/helpers/ends.py", '"""Odds."""', "is named by no noun"),
    (house.shape, "api/app.py", '"""Long."""' + "\n" * (FILE_LINES_MAX + 1), f"has more than {FILE_LINES_MAX} lines"),
    (house.shape, "api/app.py", LONG, "f is too long"),
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_file_keeps_the_rules_of_its_room(source: Source) -> None:
    assert {check.__name__: found for check in CHECKS if (found := check(source))} == {}


@pytest.mark.parametrize(("check", "name", "text", "complaint"), OFFENCES)
def test_every_rule_can_fail(check: Check, name: str, text: str, complaint: str) -> None:
    assert complaint in check(Source(name, text))


def test_every_rule_has_an_offence_that_shows_it() -> None:
    assert {check for check, *_ in OFFENCES} == set(CHECKS)


def test_every_room_that_exists_is_looked_at() -> None:
    folders = {
        path.parent.relative_to(ROOT).parts[0] for path in ROOT.glob("*/**/*.py") if not path.relative_to(ROOT).parts[0].startswith(".")
    }
    assert folders - {"tests"} == {source.room for source in SOURCES}
    assert {path.name for path in (ROOT / "api").iterdir() if path.is_dir() and path.name != "__pycache__"} <= SURFACES | SHARED


def test_every_exception_is_still_needed() -> None:
    named = {source.name: house.packages(source) for source in SOURCES}
    stale = {(name, library) for name, reasons in EXCEPTIONS.items() for library in reasons if library not in named.get(name, set())}
    assert stale == set()
