"""PostgreSQL from a wheel: initialised, started, healed and stopped inside one directory."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from infra.embedded.place import Place
from infra.embedded.processes import CannotStart, hand_over, leaving_with_us, spawn, stop, unprivileged

START_S_MAX = 60
START_ATTEMPTS_MAX = 4  # children of a killed server hold its memory for a moment
RETRY_S = 0.5
OWNER, APP, DATABASE = "runledger_owner", "runledger_app", "runledger"
SETTINGS = (
    "max_connections=100",
    "timezone=UTC",
    "log_timezone=UTC",
    "listen_addresses=",
    "max_wal_size=1GB",
    "autovacuum_naptime=10s",
    "shared_preload_libraries=pg_prewarm",  # after a start it reads what was in memory: else each page of a search comes from the disk
)
BUFFERS_MB_MIN, BUFFERS_MB_MAX = 128, 8192
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of the container we run in


def buffers_mb() -> int:
    """A quarter of the memory, as PostgreSQL's manual advises; it is taken as it is used. A million documents of search take 3.2 GB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # "max": no limit
        memory = min(memory, int(MEMORY_LIMIT.read_text()))
    return min(max(memory // 4 // 2**20, BUFFERS_MB_MIN), BUFFERS_MB_MAX)


class Postgres:
    """`extra` are further postgres arguments, for tests (`-c fsync=off`)."""

    def __init__(self, root: Path, owner_password: str, app_password: str, extra: tuple[str, ...] = ()) -> None:
        self.root, self.data = root, root / "data"
        self.owner_password, self.app_password, self.extra = owner_password, app_password, extra
        self.process: subprocess.Popen[bytes] | None = None
        self.place: Place | None = None
        self.log = root.parent / "logs" / "postgres.log"

    def url(self, user: str, password: str, database: str = DATABASE) -> str:
        """Known once the server was started."""
        sockets = self.place.sockets if self.place else self.root / "run"
        return f"postgresql://{user}:{password}@/{database}?host={quote(bytes(sockets))}"

    @property
    def app_url(self) -> str:
        return self.url(APP, self.app_password)

    @property
    def owner_url(self) -> str:
        return self.url(OWNER, self.owner_password)

    def start(self) -> None:
        """Safe after any end of an earlier start, also in the middle of initdb; refuses another version's data."""
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        place = self.place = self.place or Place(self.root)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(place)
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != place.major:
            raise CannotStart(
                f"{self.data} holds data of PostgreSQL {found}; this release brings PostgreSQL {place.major}. Start the release that made"
                " it, dump the database with pg_dump, and restore that into a new data directory."
            )
        self._wait_for_orphan()
        for _ in range(START_ATTEMPTS_MAX):
            if self._serves(place):
                self._provide_database()
                return
            time.sleep(RETRY_S)
        raise CannotStart(f"PostgreSQL ended at its start; see {self.log}.")

    def stop(self) -> None:
        stop(self.process, signal.SIGINT)
        if self.place is not None:
            self.place.leave()

    def _initialise(self, place: Place) -> None:
        """Works in a directory that is renamed when whole, so a kill in the middle leaves nothing half made."""
        for left in self.root.glob("data.*"):
            shutil.rmtree(left, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix="data.", dir=self.root))
        hand_over(fresh)
        secret = place.sockets / "password"
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(self.owner_password)
        if who := unprivileged():
            os.chown(secret, who["user"], who["group"])
        with place.naming(fresh) as (name, options):
            args: list[str | Path] = [place.programs / "initdb", "-D", name, "-U", OWNER, "--auth=scram-sha-256", f"--pwfile={secret}"]
            args += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8", "--no-instructions"]
            more = options | unprivileged() | {"cwd": "/", "preexec_fn": leaving_with_us(signal.SIGTERM)}
            done = subprocess.run(args, capture_output=True, text=True, check=False, **more)
        secret.unlink()
        if done.returncode != 0:
            raise CannotStart(f"initdb failed: {done.stderr.strip()[-800:]}")
        fresh.rename(self.data)

    def _wait_for_orphan(self) -> None:
        """A server whose supervisor was killed is shutting down; starting beside it would fail."""
        pid_file, end = self.data / "postmaster.pid", time.monotonic() + START_S_MAX
        while pid_file.exists() and time.monotonic() < end:
            try:
                pid = int(pid_file.read_text().split("\n", 1)[0])
                if not os.path.samefile(f"/proc/{pid}/cwd", self.data):  # noqa: PTH121  # another process got the number
                    return
            except (OSError, ValueError):
                return
            time.sleep(0.05)

    def _serves(self, place: Place) -> bool:
        """Starts the server and waits until it takes connections; False when it ended instead."""
        settings = [part for setting in (*SETTINGS, f"shared_buffers={buffers_mb()}MB") for part in ("-c", setting)]
        with place.naming(self.data) as (name, options):
            command: list[str | Path] = [place.programs / "postgres", "-D", name, "-k", place.sockets, *settings, *self.extra]
            self.process = spawn(command, self.log, signal.SIGINT, **options, **unprivileged())
        end = time.monotonic() + START_S_MAX
        pid_file = self.data / "postmaster.pid"
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            lines = pid_file.read_text().split("\n") if pid_file.exists() else []
            if len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.02)
        raise CannotStart(f"PostgreSQL did not become ready within {START_S_MAX} s; see {self.log}.")

    def _provide_database(self) -> None:
        with psycopg.connect(self.url(OWNER, self.owner_password, "postgres"), autocommit=True) as conn:
            if conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP,)).fetchone() is None:
                conn.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(APP), Literal(self.app_password)))
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                conn.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
        with psycopg.connect(self.owner_url, autocommit=True) as conn:
            for extension in ("vector", "pg_trgm", "unaccent"):
                conn.execute(SQL("CREATE EXTENSION IF NOT EXISTS {}").format(Identifier(extension)))
