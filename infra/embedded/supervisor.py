"""The embedded servers together: one directory, one lock, one set of credentials, restarts when one dies."""

import fcntl
import logging
import os
import shlex
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import psycopg

from infra.embedded import credentials
from infra.embedded.postgres import Postgres
from infra.embedded.processes import CannotStart
from infra.embedded.programs import OwnProgram
from infra.embedded.s3 import S3
from infra.embedded.valkey import Valkey
from infra.settings import Settings

WATCH_S = 0.5
logger = logging.getLogger("runledger.embedded")


class DirectoryInUse(Exception):
    """Another Runledger serves from this data directory."""

    def __init__(self, directory: Path, holder: str) -> None:
        super().__init__(f"{directory} is in use by another Runledger (process {holder}). Stop it, or set RUNLEDGER_DATA_DIR.")


def holder_of(directory: Path) -> str | None:
    """The process that serves from a data directory, or None when nobody does."""
    try:
        with (directory / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return (directory / "lock").read_text().strip() or "unknown"
    return None


class EmbeddedServers:
    """Starts what the settings have no address for; `settings` then holds every address."""

    def __init__(self, settings: Settings, postgres_extra: tuple[str, ...] = ()) -> None:
        self.settings = settings
        self._extra = postgres_extra
        self._lock: Any = None
        self._servers: list[Postgres | Valkey | S3 | OwnProgram] = []
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="embedded-servers", daemon=True)

    def __enter__(self) -> Self:
        if self.settings.is_complete:
            return self  # nothing of ours runs, so several programs may share the directory
        self._take_directory()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for server in reversed(self._servers):
            server.stop()
        if self._lock is not None:
            self._lock.close()

    def _take_directory(self) -> None:
        directory = self.settings.data_dir
        try:
            directory.mkdir(mode=0o711, parents=True, exist_ok=True)
            _check_owner(directory / "credentials.json")
            self._lock = (directory / "lock").open("a+")
        except OSError as error:
            raise CannotStart(f"{directory} cannot be used as data directory: {error.strerror}. Set RUNLEDGER_DATA_DIR.") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DirectoryInUse(directory, (directory / "lock").read_text().strip() or "unknown") from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def _start(self) -> None:
        given, directory = self.settings, self.settings.data_dir
        kept = credentials.kept(directory / "credentials.json")
        found: dict[str, Any] = {}
        if given.database_url is None:
            postgres = Postgres(directory / "postgres", kept.owner_password, kept.app_password, self._extra)
            self._add(postgres)
            found |= {"database_url": postgres.app_url, "owner_url": postgres.owner_url}
        if given.redis_url is None:
            valkey = Valkey(directory / "valkey", kept.valkey_port, kept.valkey_password)
            self._add(valkey)
            found["redis_url"] = valkey.url
        if given.s3_endpoint is None:
            s3 = S3(directory / "s3", kept.s3_port, kept.s3_access_key, kept.s3_secret_key, given.bucket_names)
            self._add(s3)
            found |= {"s3_endpoint": s3.endpoint, "s3_access_key": s3.access_key, "s3_secret_key": s3.secret_key}
        self.settings = msgspec.structs.replace(given, **found)
        credentials.write_private(directory / "env", _shell_lines(self.settings))
        self._watcher.start()

    def attend(self, program: OwnProgram) -> None:
        """Starts a program of ours beside the servers, watched like them and ended before them."""
        self._servers.append(program)
        program.start()
        if not self._watcher.is_alive():
            self._watcher.start()

    def _add(self, server: Postgres | Valkey | S3) -> None:
        self._servers.append(server)
        server.start()

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_S):
            for server in self._servers:
                if server.process is not None and server.process.poll() is not None and not self._stopping.is_set():
                    logger.warning("%s ended with %s; starting it again", type(server).__name__, server.process.returncode)
                    self._heal(server)

    def _heal(self, server: Postgres | Valkey | S3 | OwnProgram) -> None:
        try:
            server.start()
        except (CannotStart, OSError, psycopg.Error) as error:
            logger.warning("%s did not start, trying again: %s", type(server).__name__, error)


def _check_owner(file: Path) -> None:
    """Files of two users in one directory would lock the first of them out."""
    if file.exists() and (owner := file.stat().st_uid) != os.geteuid():
        raise CannotStart(f"{file.parent} belongs to the user with id {owner}. Run as that user, or set RUNLEDGER_DATA_DIR.")


def _shell_lines(settings: Settings) -> str:
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.addresses().items())
