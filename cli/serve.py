"""`runledger serve`: the API, with the embedded servers that no address is set for."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NoReturn

import click
import uvicorn

from api import app
from cli import database_rules, deployment, first_admin, output
from cli.exits import Exit, Stop
from cli.joined_writes import JoinedWrites
from infra import database, logs, tracing
from infra import listener as listening
from infra.embedded.supervisor import DirectoryInUse, holder_of
from infra.listener import Listener
from infra.settings import Settings

GRACE_S = 10
GC_THRESHOLDS = 10_000, 20, 20


@click.command()
@click.option("--worker/--no-worker", "with_worker", default=True, show_default=True, help="Run a worker beside the API.")
@click.option(
    "--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that answer; more than one are its children."
)
@click.option("--listener", "inherited", type=int, hidden=True)
@output.json_option
def serve(*, with_worker: bool, processes: int, inherited: int | None, as_json: bool) -> None:
    """Serve the API, with a worker; starts the embedded servers that no address is set for."""
    settings = Settings.from_env()
    logs.configure(settings.log, settings.log_level)
    if inherited is not None:  # one of several, and all is prepared
        tracing.begin("api")
        _run(settings, Listener(fileno=inherited), Farewell())
    if processes == 1:
        tracing.begin("api")
    first_admin.check(settings.admin_token)
    if not settings.is_complete and (holder := holder_of(settings.data_dir)):
        raise DirectoryInUse(settings.data_dir, holder)
    farewell = Farewell()
    with listening.bind(settings.host, settings.port) as listener, deployment.whole(settings, with_worker=with_worker) as there:
        asyncio.run(database_rules.warn_of_broken_rules(there.settings))
        token = asyncio.run(_prepare(there.settings))
        listening.listen(listener)
        _announce(settings, listener, token, as_json=as_json)
        if processes == 1:
            _run(there.settings, listener, farewell)
        with TemporaryDirectory(prefix="runledger-figures-") as figures:
            there.answer_at(listener, processes, Path(figures))
            farewell.wait()


class Farewell:
    """SIGTERM and Ctrl-C, whenever they come: at once while starting; later the server finishes its requests first.

    What a handler raises is lost where the interpreter cannot pass it on (in a finaliser), so the wish is remembered too.
    """

    def __init__(self) -> None:
        self.code: Exit | None = None
        self._server: uvicorn.Server | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def attend(self, server: uvicorn.Server) -> None:
        """From here on the server is asked to end."""
        self._server = server
        server.should_exit = self.code is not None

    def wait(self) -> NoReturn:
        """Until the wish to end, which is then done."""
        while True:
            signal.pause()

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.code = Exit.INTERRUPTED if number == signal.SIGINT else Exit.OK
        if self._server is None:
            sys.exit(self.code)
        self._server.should_exit = True


async def _prepare(settings: Settings) -> str | None:
    """The first admin's token where one was made."""
    async with database.pool(settings) as pool:
        return await first_admin.provide(pool, settings.admin_token)


def _announce(settings: Settings, listener: Listener, token: str | None, *, as_json: bool) -> None:
    url = listening.url(listener)
    if listening.is_open_to_others(listener):
        output.warn(f"{settings.host} can be reached from other machines, without encryption. Put a proxy with TLS in front.")
    if as_json:
        output.line({"url": url, "pid": os.getpid(), "data_dir": str(settings.data_dir), "first_admin_token": token})
        return
    if token is not None:
        output.note(f"First admin token (shown once): {token}")
    output.note(f"Runledger serves on {url}  (docs: /docs, data: {settings.data_dir})")


def _run(settings: Settings, listener: Listener, farewell: Farewell) -> NoReturn:
    """Until SIGTERM or Ctrl-C: requests that run are finished, then the program ends."""
    gc.collect()
    gc.freeze()  # what is there now stays; collections only look at what requests leave
    gc.set_threshold(*GC_THRESHOLDS)
    server = uvicorn.Server(
        uvicorn.Config(
            app.create(settings, database.pool(settings)),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            http=JoinedWrites,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    farewell.attend(server)
    server.run(sockets=[listener])
    if not server.started:
        raise Stop(Exit.ERROR, "The server did not start; the lines above say why.")
    sys.exit(farewell.code or Exit.OK)
