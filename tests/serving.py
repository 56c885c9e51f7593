"""The application behind a real server on a free port, for clients that are no part of the test's event loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn

from api import app as application
from commands import tokens
from commands.asking import HOST, Ask
from commands.door import Door
from commands.work import Query, Work
from domain.tokens import Role
from infra import database
from infra.settings import Settings
from projections import views


class Served(NamedTuple):
    url: str
    token: str


@contextmanager
def serving(settings: Settings, role: Role = Role.ADMIN, http: Any = "auto") -> Iterator[Served]:
    """A running server that speaks `http`, and a token of this role."""
    token = tokens.fresh()
    asyncio.run(_prepare(settings, token, role))
    app = application.create(settings, database.pool(settings))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, http=http))
    thread = threading.Thread(target=server.run)
    started = threading.Event()
    begin = server.startup

    async def startup(*args: object, **more: object) -> None:
        await begin(*args, **more)
        started.set()

    server.startup = startup
    thread.start()
    try:
        assert started.wait(30)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(f"http://127.0.0.1:{port}", token)
    finally:
        server.should_exit = True
        thread.join(30)


async def _prepare(settings: Settings, token: str, role: Role) -> None:
    await database.migrate(settings, views.create)

    async def decide(work: Work) -> Query:
        await tokens.issue(work, token, role.value, f"{role.value}@example.com", role, None, None)
        return Query(204)

    async with database.pool(settings) as pool:
        await Door(pool, views.project_inline).perform(Ask(actor=HOST), None, Role.ADMIN, decide)
