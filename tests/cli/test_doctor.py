"""The doctor's findings on a healthy deployment and on some sick ones."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.embedded.postgres import Postgres
from tests.cli.program import RUNLEDGER, WAIT_S_MAX, Serving, environment
from tests.conftest import fresh_settings
from tests.issuers import AUDIENCE, issuing
from tests.language_models import NAME, sends, serving

MODEL = {"RUNLEDGER_LLM_MODEL": NAME, "RUNLEDGER_LLM_KEY": "hunter2"}
ISSUER = {"RUNLEDGER_OIDC_AUDIENCE": AUDIENCE, "RUNLEDGER_OIDC_ROLES": "testers=operator"}
EMBEDDINGS = {"RUNLEDGER_EMBEDDINGS_MODEL": NAME, "RUNLEDGER_EMBEDDINGS_KEY": "hunter2"}


def written(server: Serving) -> dict[str, str]:
    """The addresses that the running server noted for its user."""
    lines = (server.directory / "env").read_text().splitlines()
    return {name: shlex.split(value)[0] for name, _, value in (line.partition("=") for line in lines)}


def found(server: Serving, code: int, **settings: str) -> dict[str, Any]:
    done = server.run("doctor", "--json", **settings)
    assert done.returncode == code, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] == (code == 0)
    return {check["name"]: check for check in told["checks"]}


def test_a_healthy_deployment_is_found_healthy(server: Serving) -> None:
    checks = found(server, 0)
    first = ["Python", "Database", "Schema", "Event log", "Durability", "Time zone", "Views", "Clock", "Sequence"]
    names = [name for name in checks if not name.startswith("Follower ")]  # one is known once the worker has begun
    assert names == [
        *first,
        "Data files",
        "Vectors",
        "Words of runs",
        "Redis",
        "S3",
        "Language model",
        "Embedding model",
        "OIDC issuer",
        "Disk",
    ]
    assert {check["state"] for check in checks.values()} == {"ok"}
    assert {check["advice"] for check in checks.values()} == {""}
    assert "PostgreSQL 18" in checks["Database"]["found"]
    assert re.match(r"\d+ of \d+ documents have one of ", checks["Vectors"]["found"])


def test_the_doctor_keeps_secrets(server: Serving) -> None:
    credentials = json.loads((server.directory / "credentials.json").read_text())
    shown = server.run("doctor").stdout
    assert "set, hidden" in shown
    secrets = [value for value in credentials.values() if isinstance(value, str)]
    assert len(secrets) == 5
    assert not [value for value in secrets if value in shown]


@pytest.mark.parametrize(
    ("settings", "name", "code", "state"),
    [
        ({"RUNLEDGER_REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"}, "Redis", 4, "down"),
        ({"RUNLEDGER_S3_ENDPOINT": "http://127.0.0.1:1"}, "S3", 4, "down"),
        ({"RUNLEDGER_DATABASE_URL": "postgresql://a:hunter2@127.0.0.1:1/b"}, "Database", 4, "down"),
        ({"RUNLEDGER_S3_BUCKETS": "runledger,elsewhere"}, "S3", 1, "fault"),
        ({"RUNLEDGER_SCHEMA": "other"}, "Schema", 1, "fault"),
        (MODEL | {"RUNLEDGER_LLM_URL": "http://127.0.0.1:1/v1"}, "Language model", 1, "fault"),
        (EMBEDDINGS | {"RUNLEDGER_EMBEDDINGS_URL": "http://127.0.0.1:1/v1"}, "Embedding model", 1, "fault"),
        (ISSUER | {"RUNLEDGER_OIDC_ISSUER": "http://127.0.0.1:1"}, "OIDC issuer", 1, "fault"),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy(server: Serving, settings: dict[str, str], name: str, code: int, state: str) -> None:
    check = found(server, code, **settings)[name]
    assert check["state"] == state
    assert check["advice"]
    assert "hunter2" not in str(check)


def test_a_language_model_is_looked_for_in_its_servers_list(server: Serving) -> None:
    with serving(sends(b'{"data": [{"id": "small-model-1"}]}')) as models:
        right = found(server, 0, **MODEL, RUNLEDGER_LLM_URL=models.url)["Language model"]
        wrong = found(server, 1, **MODEL | {"RUNLEDGER_LLM_MODEL": "other"}, RUNLEDGER_LLM_URL=models.url)["Language model"]
    assert right["found"] == f"{models.url} answers; small-model-1 is in its list"
    assert (wrong["state"], wrong["found"]) == ("fault", f"{models.url} answers; other is not in its list")


def test_a_role_that_may_change_events_is_a_fault(server: Serving) -> None:
    owner = written(server)["RUNLEDGER_DATABASE_OWNER_URL"]
    check = found(server, 1, RUNLEDGER_DATABASE_URL=owner)["Event log"]
    assert check["state"] == "fault"
    assert check["found"].startswith("runledger_owner may UPDATE, DELETE, TRUNCATE events; UPDATE, DELETE, TRUNCATE ledger; ")


def test_views_of_another_release_are_a_fault(server: Serving) -> None:
    owner = written(server)["RUNLEDGER_DATABASE_OWNER_URL"]
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute("UPDATE runledger.view_set SET fingerprint = 'older ' || fingerprint")
        check = found(server, 1)["Views"]
        conn.execute("UPDATE runledger.view_set SET fingerprint = replace(fingerprint, 'older ', '')")
    assert (check["state"], check["advice"]) == ("fault", "Run `runledger rebuild`.")


def test_a_database_without_a_ledger_is_told(server: Serving) -> None:
    done = server.run("token", "list", RUNLEDGER_SCHEMA="other")
    assert (done.returncode, done.stdout) == (1, "")
    assert "holds no ledger yet" in done.stderr


def test_a_database_that_may_lose_what_it_acknowledged_is_a_fault_and_a_start_warns_of_it(server: Serving) -> None:
    with psycopg.connect(written(server)["RUNLEDGER_DATABASE_OWNER_URL"], autocommit=True) as conn:
        conn.execute("ALTER DATABASE runledger SET synchronous_commit = off")
        try:
            check = found(server, 1)["Durability"]
            begun = subprocess.Popen([RUNLEDGER, "worker"], env=environment(server.directory), stderr=subprocess.PIPE, text=True)
            assert begun.stderr is not None
            told = [begun.stderr.readline(), begun.stderr.readline()]
            begun.terminate()
            begun.communicate(timeout=WAIT_S_MAX)
        finally:
            conn.execute("ALTER DATABASE runledger RESET synchronous_commit")
    assert (check["state"], check["found"]) == ("fault", "synchronous_commit = off")
    assert "Warning: Durability: synchronous_commit = off. Set fsync, " in "".join(told)


def test_a_server_without_fsync_is_told_of(server: Serving, postgres: Postgres, tmp_path: Path) -> None:
    with fresh_settings(postgres, tmp_path) as unsafe:
        check = found(server, 1, RUNLEDGER_DATABASE_URL=unsafe.database_url or "")["Durability"]
    assert check["found"] == "fsync = off, full_page_writes = off, synchronous_commit = off"


def test_an_issuer_is_asked_for_keys_that_would_be_taken(server: Serving) -> None:
    with issuing() as issuer:
        settings = ISSUER | {"RUNLEDGER_OIDC_ISSUER": issuer.url}
        right = found(server, 0, **settings)["OIDC issuer"]
        wrong = found(server, 1, **settings, RUNLEDGER_OIDC_ALGORITHMS="ES256")["OIDC issuer"]
    assert right["found"] == f"{issuer.url}: 1 keys for RS256, ES256"
    assert (wrong["state"], wrong["found"]) == ("fault", f"{issuer.url}: 0 keys for ES256")
