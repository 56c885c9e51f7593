"""What compose.yaml and the image rest on, as far as it can be shown without containers."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from infra import database
from infra.embedded.place import Place
from infra.embedded.processes import hand_over, spawn, stop, unprivileged
from infra.settings import Settings
from projections import views

ROOT = Path(__file__).parent.parent
COMPOSE = (ROOT / "compose.yaml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]
FAST = ("-c", "fsync=off", "-c", "listen_addresses=")


@pytest.fixture
def sockets(open_folder: Path) -> Iterator[Path]:
    """A PostgreSQL as the image `postgres` starts it: one superuser and the init script's environment."""
    place, data = Place(open_folder), open_folder / "data"
    hand_over(data)
    initdb = [place.programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/", **unprivileged())
    server = spawn(
        [place.programs / "postgres", "-D", data, "-k", place.sockets, *FAST], open_folder / "log", signal.SIGINT, **unprivileged()
    )
    ready = [place.programs / "pg_isready", "-q", "-h", place.sockets]
    while subprocess.run(ready, check=False).returncode:
        assert server.poll() is None
    passwords = {"RUNLEDGER_OWNER_PASSWORD": "o'wner", "RUNLEDGER_APP_PASSWORD": "a$pp"}
    environment = (
        os.environ | passwords | {"POSTGRES_USER": "postgres", "PGHOST": str(place.sockets), "PATH": f"{place.programs}:/usr/bin:/bin"}
    )
    subprocess.run(["sh", ROOT / "deploy" / "postgres" / "10-roles.sh"], check=True, env=environment)
    yield place.sockets
    stop(server, signal.SIGINT)


async def test_the_roles_of_the_init_script_suffice_and_the_app_cannot_rewrite_history(sockets: Path, tmp_path: Path) -> None:
    app, owner = (f"postgresql://runledger_{role}@/runledger?host={sockets}" for role in ("app", "owner"))
    await database.migrate(Settings(data_dir=tmp_path, database_url=app, owner_url=owner), views.create)
    with psycopg.connect(app, autocommit=True) as conn:
        assert conn.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'runledger_%' AND rolsuper").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM runledger.events").fetchone() == (0,)
        for rewriting in (
            "UPDATE runledger.events SET state = ''",
            "DELETE FROM runledger.events",
            "TRUNCATE runledger.events",
            "DROP TABLE runledger.events",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(rewriting)


def test_every_image_is_pinned_and_every_server_is_waited_for() -> None:
    for name, service in SERVICES.items():
        assert re.search(r":[0-9][\w.-]*$", service["image"]), name
        for other, how in service.get("depends_on", {}).items():
            told = "build" in SERVICES[other] and "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
            assert told or "healthcheck" in SERVICES[other] or how["condition"] == "service_completed_successfully"


def test_the_example_names_every_variable_of_compose_and_the_api_every_address() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE))
    assert asked == set(re.findall(r"^(\w+)=", (ROOT / "deploy" / "env.example").read_text(), re.MULTILINE))
    settings = (ROOT / "infra" / "settings.py").read_text()
    assert all(f'"{name}"' in settings for name in SERVICES["api"]["environment"])


def test_the_image_holds_every_room() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    rooms = {folder.name for folder in ROOT.iterdir() if any(folder.glob("*.py")) or (folder / "embedded").is_dir()}
    assert rooms - {"tests", "bench"} <= kept
    assert "requirements/prod.lock" in kept
