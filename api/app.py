"""The HTTP application: every surface, written out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from api import parameters, problems
from api.atlas import (
    audit,
    cards,
    catalogue,
    data_files,
    diff,
    evidence,
    history,
    issue_links,
    observations,
    reports,
    runs,
    search,
    steps,
    uploads,
)
from api.bodies import BODY_BYTES_MAX
from api.conventions import Conventions
from api.exchange import Exchange, Req
from api.openapi import document
from api.operations import access_log, docs, health, metrics, problem_pages, projections, tokens, users
from api.request_log import log_request
from commands.door import Door
from domain.refusals import Refusal
from infra.settings import Settings
from projections import views

ATLAS = [
    *search.HANDLERS,
    *runs.HANDLERS,
    *cards.HANDLERS,
    *steps.HANDLERS,
    *observations.HANDLERS,
    *data_files.HANDLERS,
    *uploads.HANDLERS,
    *reports.HANDLERS,
    *issue_links.HANDLERS,
    *catalogue.HANDLERS,
    *audit.HANDLERS,
    *evidence.HANDLERS,
    *history.HANDLERS,
    *diff.HANDLERS,
]
OPERATIONS = [*projections.HANDLERS, *tokens.HANDLERS, *users.HANDLERS, *access_log.HANDLERS]
OPEN = [*health.HANDLERS, *metrics.HANDLERS, *docs.HANDLERS, *problem_pages.HANDLERS]


async def check_address(request: Req) -> None:
    parameters.check_address(request.scope, ())


def create(settings: Settings, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> Conventions:
    """The application on a migrated database; the pool opens and closes with the server's lifespan."""
    door = Door(pool, views.project_inline)
    exchange = Exchange(settings, pool, door)
    meter = metrics.Meter(pool.get_stats, exchange.rates.counts_alone)
    door.appended = meter.appended

    async def admit(request: Req) -> None:
        await exchange.admit(request)

    @asynccontextmanager
    async def connected(_: Litestar) -> AsyncIterator[None]:
        await pool.open()
        async with exchange.objects, exchange.rates:
            yield
        await pool.close()

    app = Litestar(
        route_handlers=[
            Router("/api/v1", route_handlers=[*ATLAS, *OPERATIONS], before_request=admit, request_max_body_size=BODY_BYTES_MAX),
            Router("/", route_handlers=OPEN, before_request=check_address),
        ],
        dependencies={"exchange": Provide(lambda: exchange, sync_to_thread=False, use_cache=True)},
        exception_handlers={
            Refusal: problems.on_refusal,
            HTTPException: problems.on_http,
            psycopg.errors.DiskFull: problems.on_disk_full,
            psycopg.OperationalError: problems.on_database_down,
            PoolTimeout: problems.on_database_down,
            Exception: problems.on_crash,
        },
        lifespan=[connected],
        openapi_config=None,
        logging_config=None,
    )
    app.state.openapi = document.render(app)
    app.state.objects = exchange.objects
    app.state.meter = meter
    return Conventions(app, exchange.access_log, exchange.rates, (meter.count, log_request))
