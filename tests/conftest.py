"""One real PostgreSQL for the session, one database a test, the real application over them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from api import app as application
from cli.main import issue
from commands import tokens
from domain.tokens import Role
from infra import database
from infra.embedded.postgres import Postgres
from infra.settings import Settings
from projections import views

UNSAFE_AND_FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    root = tmp_path_factory.mktemp("pg")
    for folder in (root, *root.parents[:2]):
        folder.chmod(0o711)  # the server runs as another user when the tests run as root
    server = Postgres(root / "postgres", "owner", "app", UNSAFE_AND_FAST)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def settings(postgres: Postgres, tmp_path: Path) -> Iterator[Settings]:
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.owner_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    yield Settings(
        data_dir=tmp_path,
        database_url=postgres.url("runledger_app", "app", name),
        owner_url=postgres.url("runledger_owner", "owner", name),
    )
    with psycopg.connect(postgres.owner_url, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Atlas:
    """A client of the Atlas surface with one role's token."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http, self.token = http, token

    async def __call__(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        given = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, f"/api/v1{path}", content=content, headers=given)


class World:
    """The application on its own database, with a client for every role."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, clients: dict[Role, Atlas]) -> None:
        self.settings, self.http, self.clients = settings, http, clients

    @property
    def engineer(self) -> Atlas:
        return self.clients[Role.ENGINEER]


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    await database.migrate(settings, views.create)
    async with database.pool(settings) as pool:
        asgi = application.create(settings, pool)
        clients = {}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url="http://test") as http:
            for role in Role:
                token = tokens.fresh()
                await issue(pool, token, role.value, f"{role.value}@example.com", role)
                clients[role] = Atlas(http, token)
            yield World(settings, http, clients)
