"""The embedded servers: private, lasting, healing, and inside one directory whatever its name."""

import json
import os
import pwd
import shlex
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from infra import storage
from infra.embedded.processes import CannotStart
from infra.embedded.supervisor import DirectoryInUse, EmbeddedServers
from infra.settings import Settings

FAST = ("-c", "fsync=off", "-c", "full_page_writes=off")
HEAL_S_MAX = 15


def servers(directory: Path, **settings: object) -> EmbeddedServers:
    return EmbeddedServers(Settings(data_dir=directory, **settings), FAST)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServers]:
    with servers(tmp_path_factory.mktemp("embedded") / "data") as started:
        yield started


def ask_postgres(settings: Settings, sql: str = "SELECT 'fine'") -> object:
    with psycopg.connect(settings.owner_url or "", autocommit=True) as conn:
        cursor = conn.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def ask_valkey(settings: Settings) -> redis.Redis:
    return redis.Redis.from_url(settings.redis_url or "", decode_responses=True)


async def object_at(settings: Settings, key: str, content: bytes | None = None) -> bytes:
    """The content of an object, after storing it when given."""
    async with storage.client(settings, connect_s=2, read_s=10) as s3:
        if content is not None:
            await s3.put_object(Bucket="runledger", Key=key, Body=content)
        answer = await s3.get_object(Bucket="runledger", Key=key)
        async with answer["Body"] as body:
            return await body.read()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + HEAL_S_MAX
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_credentials_and_addresses_are_readable_by_the_owner_only(running: EmbeddedServers) -> None:
    directory = running.settings.data_dir
    for name in ("credentials.json", "env", "valkey/valkey.conf"):
        assert (directory / name).stat().st_mode & 0o777 == 0o600, name
    lines = dict(line.split("=", 1) for line in (directory / "env").read_text().splitlines())
    assert shlex.split(lines["RUNLEDGER_DATABASE_URL"]) == [running.settings.database_url]
    assert shlex.split(lines["RUNLEDGER_S3_SECRET_KEY"]) == [running.settings.s3_secret_key]


def test_no_secret_stands_in_a_command_line(running: EmbeddedServers) -> None:
    kept = json.loads((running.settings.data_dir / "credentials.json").read_text())
    secrets = [value.encode() for name, value in kept.items() if not name.endswith("_port")]
    for server in running._servers:
        command = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
        assert not [s for s in secrets if s in command]


@pytest.mark.parametrize("place", [0, 1, 2], ids=["postgres", "valkey", "s3"])
async def test_a_killed_server_comes_back_with_what_it_held(running: EmbeddedServers, place: int) -> None:
    settings, server = running.settings, running._servers[place]
    ask_postgres(settings, f"CREATE TABLE kept{place} AS SELECT 7 AS n")
    await object_at(settings, f"kept/{place}", b"seven")
    before = server.process.pid
    os.kill(before, signal.SIGKILL)
    until(lambda: server.process.pid != before and answers(settings))
    assert ask_postgres(settings, f"SELECT n FROM kept{place}") == 7
    assert await object_at(settings, f"kept/{place}") == b"seven"


def answers(settings: Settings) -> bool:
    address = settings.s3_endpoint.rpartition(":")[2]
    try:
        ask_postgres(settings)
        ask_valkey(settings).ping()
        socket.create_connection(("127.0.0.1", int(address)), 1).close()
    except (psycopg.OperationalError, redis.RedisError, OSError):
        return False
    return True


def test_a_second_start_on_the_same_directory_is_refused_by_name(running: EmbeddedServers) -> None:
    with pytest.raises(DirectoryInUse, match=f"in use by another Runledger .process {os.getpid()}.*RUNLEDGER_DATA_DIR"):
        servers(running.settings.data_dir).__enter__()
    assert answers(running.settings)


async def test_data_survive_a_restart_even_beside_a_stranger_on_our_port(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with servers(directory) as first:
        ask_postgres(first.settings, "CREATE TABLE kept AS SELECT 7 AS n")
        ask_valkey(first.settings).set("kept", "seven")
        await object_at(first.settings, "kept", b"seven")
    taken = int(first.settings.redis_url.rpartition(":")[2].removesuffix("/0"))
    with socket.create_server(("127.0.0.1", taken)), servers(directory) as second:
        assert second.settings.redis_url != first.settings.redis_url
        assert second.settings.database_url == first.settings.database_url or second._servers[0].place.elsewhere
        assert ask_postgres(second.settings, "SELECT n FROM kept") == 7
        assert ask_valkey(second.settings).get("kept") == "seven"
        assert await object_at(second.settings, "kept") == b"seven"


@pytest.mark.parametrize("name", ["long/" + "x" * 120, 'Prüfstand 4 "links" 100%', "plain"], ids=["long", "odd", "plain"])
def test_the_directory_may_have_any_name(open_folder: Path, name: str) -> None:
    with servers(open_folder / name) as started:
        assert answers(started.settings)
        elsewhere = started._servers[0].place.elsewhere
        assert (elsewhere is not None) == name.startswith("long")
    assert elsewhere is None or not elsewhere.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's servers run as that user")
def test_below_a_closed_directory_root_needs_a_place_elsewhere_which_it_leaves_again(open_folder: Path) -> None:
    (open_folder / "closed").mkdir(mode=0o700)
    with servers(open_folder / "closed" / "data") as started:
        assert answers(started.settings)
        elsewhere = started._servers[0].place.elsewhere
        assert elsewhere.is_dir()
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"database_url": "postgresql://elsewhere/db"}, ["valkey", "s3"]),
        ({"redis_url": "redis://elsewhere"}, ["postgres", "s3"]),
        ({"s3_endpoint": "http://elsewhere"}, ["postgres", "valkey"]),
    ],
    ids=["database", "redis", "s3"],
)
def test_a_server_with_an_address_is_not_started(tmp_path: Path, given: dict[str, str], left: list[str]) -> None:
    with servers(tmp_path / "data", **given) as started:
        assert sorted(p.name for p in (tmp_path / "data").iterdir() if p.name in ("postgres", "valkey", "s3")) == sorted(left)
        assert len(started._servers) == 2
        assert all(getattr(started.settings, name) == value for name, value in given.items())


def test_with_three_addresses_the_directory_is_not_even_made(tmp_path: Path) -> None:
    addresses = {"database_url": "postgresql://elsewhere/db", "redis_url": "redis://elsewhere", "s3_endpoint": "http://elsewhere"}
    with servers(tmp_path / "data", **addresses), servers(tmp_path / "data", **addresses):
        assert not (tmp_path / "data").exists()


def test_data_of_another_postgres_version_are_refused_unchanged(tmp_path: Path) -> None:
    data = tmp_path / "data" / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(CannotStart, match=r"PostgreSQL 17; this release brings PostgreSQL 18\..*pg_dump"):
        servers(tmp_path / "data").__enter__()
    assert [p.name for p in data.iterdir()] == ["PG_VERSION"]


def test_damaged_credentials_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{")
    with pytest.raises(CannotStart, match="damaged"):
        servers(tmp_path).__enter__()
    assert (tmp_path / "credentials.json").read_text() == "{"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_directory_of_another_user_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{}")
    os.chown(tmp_path / "credentials.json", pwd.getpwnam("daemon").pw_uid, -1)
    with pytest.raises(CannotStart, match="belongs to the user"):
        servers(tmp_path).__enter__()
    assert [p.name for p in tmp_path.iterdir()] == ["credentials.json"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="RUNLEDGER_DATA_DIR"):
        servers(tmp_path / "file" / "data").__enter__()
