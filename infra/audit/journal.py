"""Files of one JSON statement a line that only grow: the data directory's copies of keys and checkpoints."""

import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class Unreadable(Exception):
    """A line is no statement; the text names file and line."""


def read(path: Path, kind: type[T]) -> list[T] | None:
    """Every statement of a file, or None where there is no file. A last line without its end was cut by a crash."""
    try:
        whole, _, _ = path.read_bytes().rpartition(b"\n")
    except FileNotFoundError:
        return None
    found = []
    for number, line in enumerate(whole.split(b"\n") if whole else (), 1):
        try:
            found.append(msgspec.json.decode(line, type=kind))
        except msgspec.DecodeError as error:
            raise Unreadable(f"{path.name}, line {number}, is no {kind.__name__.lower()}: {error}") from None
    return found


def complete(path: Path, wanted: Sequence[T], kind: type[T], identity: Callable[[T], object]) -> int:
    """Appends those of `wanted` that the file lacks, on disk when this returns; returns how many."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _drop_cut_line(path)
        there = {identity(each) for each in read(path, kind) or ()}
        missing = [each for each in wanted if identity(each) not in there]
        file.write(b"".join(msgspec.json.encode(each) + b"\n" for each in missing))
        file.flush()
        os.fsync(file.fileno())
    return len(missing)


def _drop_cut_line(path: Path) -> None:
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def sync(path: Path) -> None:
    """What was written to a file, or renamed within a directory, survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
