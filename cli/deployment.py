"""Where the servers are: the environment first, else a Runledger that runs on this host, else embedded ones for the duration."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra import database
from infra.embedded import beside
from infra.embedded.programs import Api, Worker
from infra.embedded.supervisor import EmbeddedServers, holder_of
from infra.listener import Listener
from infra.settings import Settings
from projections import views


@contextmanager
def reach(*, whole: bool = False) -> Iterator[Settings]:
    """Settings that hold the database's address; `whole` asks for those of Redis and S3 as well."""
    given = Settings.from_env()
    if given.is_complete or (given.database_url is not None and not whole):
        yield given
    elif holder_of(given.data_dir) is not None:
        yield beside.settings(given.data_dir)
    else:
        with EmbeddedServers(given) as servers:
            if given.database_url is None:
                asyncio.run(database.migrate(servers.settings, views.create))
            yield servers.settings


class Deployment:
    """What runs beside us; `settings` hold its addresses."""

    def __init__(self, servers: EmbeddedServers) -> None:
        self._servers, self.settings = servers, servers.settings

    def answer_at(self, listener: Listener, processes: int, figures: Path) -> None:
        """Starts that many processes of the API."""
        for _ in range(processes):
            self._servers.attend(Api(self.settings, listener, figures))


@contextmanager
def whole(settings: Settings, *, with_worker: bool) -> Iterator[Deployment]:
    """The embedded servers, the tables, and a worker beside us, until the end of the block."""
    with EmbeddedServers(settings) as servers:
        asyncio.run(database.migrate(servers.settings, views.create))
        if with_worker:
            servers.attend(Worker(servers.settings))
        yield Deployment(servers)
