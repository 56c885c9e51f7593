"""Acting on a ledger from its own host: whoever can reach the database as the application acts as an administrator."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from commands.asking import HOST, Ask
from commands.door import Decide, Door
from commands.work import Target
from domain.tokens import Role
from infra import database
from infra.database import Pool
from infra.settings import Settings
from projections import views

T = TypeVar("T")


def in_ledger(settings: Settings, act: Callable[[Pool], Awaitable[T]]) -> T:
    """Runs `act` with connections to the ledger; psycopg.OperationalError at once where there is no database."""

    async def run() -> T:
        await database.greet(settings)
        async with database.pool(settings) as pool:
            return await act(pool)

    return asyncio.run(run())


async def perform(pool: Pool, target: Target | None, decide: Decide) -> None:
    """A change through the one door."""
    await Door(pool, views.project_inline).perform(Ask(actor=HOST, surface="cli"), target, Role.ADMIN, decide)
