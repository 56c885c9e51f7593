"""Writes the golden file of every example that has none, with its line in SHA256SUMS. What is there is never touched."""

import hashlib
from pathlib import Path

from infra import mapper
from tests.golden.examples import NEWEST, name_of

FOLDER = Path(__file__).parent
SUMS = FOLDER / "SHA256SUMS"


def write() -> None:
    for event in NEWEST:
        path = FOLDER / name_of(event) / f"{mapper.number_of(event)}.json"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(mapper.encode(event))
            with SUMS.open("a") as sums:
                sums.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(FOLDER)}\n")


if __name__ == "__main__":
    write()
