"""The whole program as it is deployed, with a proxy before each server: the API with its worker, and a second worker."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.embedded.postgres import DATABASE, Postgres
from infra.embedded.s3 import S3
from infra.embedded.supervisor import EmbeddedServers
from infra.embedded.valkey import Valkey
from infra.settings import Settings
from tests.acceptance.program import Program, alive, processes
from tests.faults.proxy import Proxy

RUNLEDGER = str(Path(sys.executable).with_name("runledger"))
READY_S_MAX = 60.0
WORKS = "Runledger works behind the API"
SETTINGS = {
    "RUNLEDGER_RATE_CAPACITY": "1000000",  # counted in Redis, and never refused
    "RUNLEDGER_RATE_PER_S": "100000",
    "RUNLEDGER_REPORT_LEASE_S": "2",
    "RUNLEDGER_GRACE_S": "5",
    "RUNLEDGER_SEARCH_MEANING": "false",
}


class Deployment:
    """`directory` must be one that other users may pass: PostgreSQL refuses to run as root."""

    def __init__(self, directory: Path, settings: dict[str, str] | None = None) -> None:
        self.servers = EmbeddedServers(Settings(data_dir=directory))
        self.directory, self.more = directory, SETTINGS | (settings or {})

    async def __aenter__(self) -> Self:
        self.servers.__enter__()
        given = self.servers.settings
        self.postgres = Proxy(Path(str(conninfo_to_dict(given.database_url or "")["host"])) / ".s.PGSQL.5432")
        self.redis, self.s3 = Proxy(urlsplit(given.redis_url or "").port or 0), Proxy(urlsplit(given.s3_endpoint or "").port or 0)
        addresses = given.addresses() | await self._by_proxy(given) | self.more
        self.api = Program(self.directory, addresses)
        self.worker = Program(self.directory, addresses, [RUNLEDGER, "worker"])
        await asyncio.to_thread(self.api.start)
        self.restart_worker()
        return self

    async def __aexit__(self, *_: object) -> None:
        for program in (self.api, self.worker):
            if program.process is not None and program.process.poll() is None:
                program.kill()
        self.servers.stop()
        for proxy in self.proxies:
            await proxy.end()

    @property
    def settings(self) -> Settings:
        """With the addresses of the servers themselves."""
        return self.servers.settings

    @property
    def proxies(self) -> tuple[Proxy, Proxy, Proxy]:
        return self.postgres, self.redis, self.s3

    async def _by_proxy(self, given: Settings) -> dict[str, str]:
        postgres, redis, s3 = [await proxy.start() for proxy in self.proxies]
        cache = urlsplit(given.redis_url or "")
        return {
            "RUNLEDGER_DATABASE_URL": _over_tcp(given.database_url or "", postgres),
            "RUNLEDGER_DATABASE_OWNER_URL": _over_tcp(given.owner_url or "", postgres),
            "RUNLEDGER_REDIS_URL": f"redis://:{cache.password}@127.0.0.1:{redis}{cache.path}",
            "RUNLEDGER_S3_ENDPOINT": f"http://127.0.0.1:{s3}",
        }

    def execute(self, query: Any, *params: Any, database: str = DATABASE) -> list[Any]:
        """As the owner, past the proxy."""
        options = f"-c search_path={self.settings.schema}_views,{self.settings.schema},public"
        with psycopg.connect(self.settings.owner_url or "", autocommit=True, options=options, dbname=database) as conn:
            cursor = conn.execute(query, params or None)
            return cursor.fetchall() if cursor.description else []

    def server(self, kind: type[Postgres | Valkey | S3]) -> int:
        """The process id of an embedded server."""
        process = self._server(kind).process
        return process.pid if process else 0

    def _server(self, kind: type[Any]) -> Any:
        return next(server for server in self.servers._servers if isinstance(server, kind))

    def workers(self) -> list[int]:
        """Process ids: the API's own worker and the one beside it."""
        beside = [pid for pid, parent, _ in processes() if parent == self.api.pid and b"worker" in _command(pid)]
        return beside + [self.worker.pid for process in [self.worker.process] if process is not None and process.poll() is None]

    async def is_ready(self) -> float:
        """Waits until the API says so and everything that died runs again; how many seconds that took."""
        began = time.monotonic()
        while not (await asyncio.to_thread(self.api.is_ready) and self._is_whole()):
            assert time.monotonic() < began + READY_S_MAX, f"{self._standing()}\n{self.api.said()[-2_000:]}"
            self.restart_worker()  # as whatever supervises it does: without its database it does not start
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    def _standing(self) -> str:
        servers = {type(s).__name__: s.process and s.process.poll() for s in self.servers._servers}
        return f"API ready: {self.api.is_ready()}, ended: {servers}, workers begun: {self.worker.said().count(WORKS) - self.works_said}"

    def _is_whole(self) -> bool:
        return self.worker.said().count(WORKS) > self.works_said and all(
            s.process is not None and alive(s.process.pid) for s in self.servers._servers
        )

    async def restart_api(self) -> None:
        await asyncio.to_thread(self.api.start)

    def restart_worker(self) -> None:
        if self.worker.process is None or self.worker.process.poll() is not None:
            self.works_said = self.worker.said().count(WORKS) if self.worker.output.exists() else 0
            self.worker.launch()

    async def run(self, *args: str, wait_s: float = 120, **settings: str) -> tuple[int, str]:
        """A command of the program beside it: its exit code and what it said."""
        process = await self.begin(*args, **settings)
        said, _ = await asyncio.wait_for(process.communicate(), wait_s)
        return process.returncode or 0, said.decode(errors="replace")

    async def begin(self, *args: str, **settings: str) -> asyncio.subprocess.Process:
        return await _spawned(RUNLEDGER, *args, env=self.worker.environment | settings)

    async def tool(self, name: str, *args: str, database: str = DATABASE) -> tuple[int, str]:
        """A program of PostgreSQL's, with the owner's address at the end: its exit code and what it said."""
        where = make_conninfo(self.settings.owner_url or "", dbname=database)
        process = await _spawned(str(self._server(Postgres).place.programs / name), *args, where)
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode(errors="replace")


def kill(pid: int, deed: signal.Signals = signal.SIGKILL) -> None:
    """One that ended by itself in the same moment is as good."""
    try:
        os.kill(pid, deed)
    except ProcessLookupError:
        return


async def _spawned(*args: str, **options: Any) -> asyncio.subprocess.Process:
    pipe, same = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    return await asyncio.create_subprocess_exec(*args, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=same, **options)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _over_tcp(url: str, port: int) -> str:
    parts = urlsplit(url)
    return f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable"
