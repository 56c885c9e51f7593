"""The `runledger` command."""

import asyncio
import gc
import signal
import sys
from datetime import UTC, datetime, timedelta
from types import FrameType
from uuid import UUID

import click
import uvicorn
from psycopg_pool import AsyncConnectionPool

from api import app
from cli.joined_writes import JoinedWrites
from commands import tokens
from commands.asking import Actor, Ask
from commands.door import Door
from commands.work import Query, Work
from domain.tokens import Role
from infra import database
from infra.embedded.processes import CannotStart
from infra.embedded.supervisor import DirectoryInUse, EmbeddedServers
from infra.settings import Settings, SettingsError
from projections import views

EXIT_ERROR, EXIT_USAGE, EXIT_DEPENDENCY, EXIT_REFUSED = 1, 2, 4, 5
TOKEN_DAYS = 90
GC_THRESHOLDS = 10_000, 20, 20
HOST = Actor(actor_id=UUID(int=0), token_id=UUID(int=0), role=Role.ADMIN)


@click.group()
def main() -> None:
    """Runledger: the system of record for test evidence."""


@main.command()
def serve() -> None:
    """Serve the API; starts the embedded servers that no address is set for."""
    settings = _settings()
    signal.signal(signal.SIGTERM, _end)
    try:
        with EmbeddedServers(settings) as servers:
            asyncio.run(_prepare(servers.settings))
            click.echo(f"Runledger serves on http://{settings.host}:{settings.port}  (docs: /docs, data: {settings.data_dir})", err=True)
            gc.collect()
            gc.freeze()  # what is there now stays; collections only look at what requests leave
            gc.set_threshold(*GC_THRESHOLDS)
            uvicorn.run(
                app.create(servers.settings, database.pool(servers.settings)),
                host=settings.host,
                port=settings.port,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                http=JoinedWrites,
                timeout_graceful_shutdown=10,
            )
    except DirectoryInUse as refusal:
        click.echo(str(refusal), err=True)
        sys.exit(EXIT_REFUSED)
    except CannotStart as reason:
        click.echo(str(reason), err=True)
        sys.exit(EXIT_DEPENDENCY)


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _settings() -> Settings:
    try:
        return Settings.from_env()
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_USAGE)


async def _prepare(settings: Settings) -> None:
    """Migrates, and makes the first admin token when there is none."""
    await database.migrate(settings, views.create)
    async with database.pool(settings) as pool:
        async with pool.connection() as conn:
            row = await (await conn.execute("SELECT count(*) FROM tokens WHERE role = 'admin' AND NOT revoked")).fetchone()
        if row and row[0]:
            return
        token = settings.admin_token or tokens.fresh()
        await issue(pool, token, "first admin", "admin@localhost", Role.ADMIN)
        if settings.admin_token is None:
            click.echo(f"First admin token (shown once): {token}", err=True)


async def issue(pool: AsyncConnectionPool, token: str, name: str, email: str, role: Role) -> None:
    """Issues a token from the host itself."""

    async def decide(work: Work) -> Query:
        expires = datetime.now(UTC) + timedelta(days=TOKEN_DAYS)
        await tokens.issue(work, token, name, email, role, None, expires)
        return Query(204)

    await Door(pool, views.project_inline).perform(Ask(actor=HOST, surface="cli"), None, Role.ADMIN, decide)


if __name__ == "__main__":
    main()
