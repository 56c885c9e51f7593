"""One real PostgreSQL for the session, one database a test, the real application over them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp
from uuid import UUID, uuid4

import httpx
import hypothesis
import msgspec
import psycopg
import pytest
import pytest_asyncio
from litestar import Litestar
from psycopg_pool import AsyncConnectionPool

from api import app as application
from commands import tokens
from commands.asking import HOST, Ask
from commands.door import Door
from commands.work import Query, Work
from domain.tokens import Role
from infra import database, storage
from infra.embedded.postgres import Postgres
from infra.embedded.processes import free_port
from infra.embedded.s3 import S3
from infra.settings import Settings
from projections import views
from tests import documented

hypothesis.settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("shared machine")

MIGRATED = "migrated"
UNSAFE_AND_FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


FIGURES = "figures"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Lines that stand at the end of the session's output, whichever process the test ran in."""
    return partial(record_property, FIGURES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [r for outcome in ("passed", "failed") for r in terminalreporter.getreports(outcome)]
    told = [(r.nodeid, text) for r in sorted(reports, key=lambda r: r.nodeid) for name, text in r.user_properties if name == FIGURES]
    if told:
        terminalreporter.section(FIGURES)
    for test, text in told:
        terminalreporter.write_line(f"{test}\n{text}\n")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A directory that other users may pass; pytest closes its own whenever a session begins."""
    with TemporaryDirectory(prefix="ledger-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Its directory is not pytest's, which every other session of the same user closes to the server's user again."""
    root = Path(mkdtemp(prefix="runledger-tests-"))
    root.chmod(0o711)
    server = Postgres(root / "postgres", "owner", "app", UNSAFE_AND_FAST)
    server.start()
    with psycopg.connect(server.owner_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {MIGRATED}")
    with ThreadPoolExecutor(1) as outside_any_loop:
        migrating = database.migrate(settings_of(server, MIGRATED, root), views.create)
        outside_any_loop.submit(asyncio.run, migrating).result()
    yield server
    server.stop()
    rmtree(root)


@pytest.fixture(scope="session")
def object_store() -> Iterator[S3]:
    """A real S3 server with the bucket `runledger`, for every test that does not disturb it."""
    with TemporaryDirectory(prefix="runledger-s3-") as name:
        server = S3(Path(name) / "s3", free_port(), uuid4().hex, uuid4().hex, ("runledger",))
        server.start()
        yield server
        server.stop()


def with_store(settings: Settings, store: S3) -> Settings:
    return msgspec.structs.replace(
        settings, s3_endpoint=store.endpoint, s3_access_key=store.access_key, s3_secret_key=store.secret_key, s3_buckets=store.buckets
    )


def settings_of(postgres: Postgres, name: str, folder: Path) -> Settings:
    return Settings(
        data_dir=folder,
        database_url=postgres.url("runledger_app", "app", name),
        owner_url=postgres.url("runledger_owner", "owner", name),
        rate_capacity=0,
    )


@contextmanager
def fresh_settings(postgres: Postgres, folder: Path, template: str = MIGRATED) -> Iterator[Settings]:
    """A database of its own, migrated already; `template1` for an empty one."""
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.owner_url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield settings_of(postgres, name, folder)
    with psycopg.connect(postgres.owner_url, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def blank(postgres: Postgres, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a database without anything in it."""
    with fresh_settings(postgres, tmp_path, "template1") as fresh:
        yield fresh


@pytest.fixture
def settings(postgres: Postgres, tmp_path: Path) -> Iterator[Settings]:
    with fresh_settings(postgres, tmp_path) as fresh:
        yield fresh


@pytest.fixture
def with_s3(settings: Settings, object_store: S3) -> Settings:
    return with_store(settings, object_store)


class Atlas:
    """A client of the Atlas surface with one role's token."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http, self.token = http, token

    async def __call__(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """`body` is JSON for anything but bytes; a header given as "" is not sent."""
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        given = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in given.items() if value}
        return await self.http.request(method, f"/api/v1{path}", content=content, headers=sent)


class World:
    """The application on its own database, with a client for every role."""

    def __init__(self, settings: Settings, app: Litestar, http: httpx.AsyncClient, pool: AsyncConnectionPool) -> None:
        self.settings, self.app, self.http, self.pool = settings, app, http, pool
        self.clients: dict[Role, Atlas] = {}

    @property
    def engineer(self) -> Atlas:
        return self.clients[Role.ENGINEER]

    async def client(
        self,
        role: Role,
        email: str | None = None,
        *,
        systems: list[str] | None = None,
        projects: list[str] | None = None,
        expires_at: datetime | None = None,
    ) -> Atlas:
        """A client with a new token of this role and scope."""
        token = tokens.fresh()

        async def decide(work: Work) -> Query:
            system_ids = None if systems is None else [UUID(s) for s in systems]
            owner = email or f"{role.value}@example.com"
            await tokens.issue(work, token, role.value, owner, role, system_ids, expires_at, projects)
            return Query(204)

        await Door(self.pool, views.project_inline).perform(Ask(actor=HOST), None, Role.ADMIN, decide)
        return Atlas(self.http, token)

    async def put(self, key: str, content: bytes) -> str:
        return await put(self.settings, key, content)


async def put(settings: Settings, key: str, content: bytes) -> str:
    """Puts an object into the bucket `runledger` and gives its address."""
    async with storage.client(settings, connect_s=2, read_s=5) as s3:
        await s3.put_object(Bucket="runledger", Key=key, Body=content)
    return f"s3://runledger/{key}"


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[Litestar, httpx.AsyncClient, AsyncConnectionPool]]:
    """The application over a migrated database."""
    async with database.pool(settings) as pool:
        asgi = application.create(settings, pool)
        async with asgi.app.state.objects, documented.client(asgi) as http:
            yield asgi.app, http, pool


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[World]:
    await database.migrate(settings, views.create)
    async with served(settings) as (app, http, pool):
        world = World(settings, app, http, pool)
        world.clients = {role: await world.client(role) for role in Role}
        yield world


@pytest.fixture
async def world(with_s3: Settings) -> AsyncIterator[World]:
    async with opened(with_s3) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(postgres: Postgres, object_store: S3, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for the many small tests of a module that do not disturb one another."""
    with fresh_settings(postgres, tmp_path_factory.mktemp("shared")) as settings:
        async with opened(with_store(settings, object_store)) as world:
            yield world
