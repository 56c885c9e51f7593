"""What the rows work on: the running program, and a ledger that grows as they ask."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from bench import floors, ledger_maker
from bench.ledger_maker import Made, Size
from bench.load import drive, request
from bench.program import Program
from infra.settings import Settings

SYSTEMS = 10
FLOOR_RUNS = 50
SETTLE_S_MAX = 900
QUIET = {"RUNLEDGER_SEARCH_MEANING": "false"}  # else a process of low priority embeds for hours the texts that were made

# The follower that embeds is not waited for: it takes what others leave of the cores, for as long as it needs.
_STANDING = """SELECT LEAST(h.seq, min(f.seq)), (SELECT count(*) FROM events) FROM ledger_head h
  LEFT JOIN followers f ON f.name NOT LIKE 'embed%' GROUP BY h.seq"""


class World:
    """The program with some systems in its catalogue, and the floor's tables beside its own."""

    def __init__(self, program: Program) -> None:
        self.program, self.port, self.token = program, program.port, program.token
        self.owner_url = program.owner_url
        self.settings = Settings(data_dir=program.directory, database_url=program.app_url)
        names = [msgspec.json.encode({"system_name": f"System {n}"}) for n in range(SYSTEMS)]
        if drive(self.port, [request("POST", "/systems", self.token, name) for name in names], SYSTEMS, 0).refused:
            raise RuntimeError("the systems could not be made")
        with self._views() as conn:
            self.systems: list[UUID] = [row[0] for row in conn.execute("SELECT system_id FROM systems ORDER BY system_id")]
            self.actor_id: UUID = conn.execute("SELECT owner_id FROM tokens").fetchall()[0][0]
        floors.prepare(self.owner_url, self.settings.schema, FLOOR_RUNS)

    def make(self, size: Size, texts: Iterator[tuple[str, str]] = ledger_maker.PLAIN) -> list[Made]:
        """Runs of that size, once the worker has done with their events and the disk with their pages."""
        made = ledger_maker.make(self.owner_url, self.settings.schema, size, self.systems, self.actor_id, texts)
        self.settle()
        return made

    def settle(self) -> int:
        """Waits until every event has its position and every follower has seen it; the last position."""
        end = time.monotonic() + SETTLE_S_MAX
        with psycopg.connect(self.owner_url, options=self.search_path, autocommit=True) as conn:
            while (found := conn.execute(_STANDING).fetchone() or (0, 0))[0] != found[1]:
                if time.monotonic() > end:
                    raise TimeoutError("the worker does not keep up")
                time.sleep(0.1)
            conn.execute("CHECKPOINT")
        return int(found[1])

    def fill(self, runs: int) -> None:
        """Grows the ledger to that many runs with small ones."""
        with self._views() as conn:
            present = (conn.execute("SELECT count(*) FROM runs").fetchone() or (0,))[0]
        if present < runs:
            self.make(Size(runs - present, 1, 1, outcomes=1))

    def events(self) -> int:
        with self._views() as conn:
            return int((conn.execute("SELECT count(*) FROM events").fetchone() or (0,))[0])

    @property
    def search_path(self) -> str:
        """The option of a connection that finds the ledger's tables and views."""
        return f"-c search_path={self.settings.schema}_views,{self.settings.schema},public"

    def filters(self) -> dict[str, str]:
        """Queries that a caller would send: a system, the newest, the oldest, with reports."""
        with self._views() as conn:
            sql = "SELECT percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY created_at) FROM runs"
            half, newest = (conn.execute(sql).fetchone() or ((None, None),))[0]
        return {
            "nothing": "",
            "system": f"system_id={self.systems[0]}",
            "created_after (newest 1 %)": f"created_after={newest:%Y-%m-%dT%H:%M:%S.%fZ}",
            "created_before (older half)": f"created_before={half:%Y-%m-%dT%H:%M:%S.%fZ}",
            "has_reports": "has_reports=true",
            "system and date": f"system_id={self.systems[1]}&created_after={half:%Y-%m-%dT%H:%M:%S.%fZ}",
        }

    def _views(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.owner_url, options=self.search_path)
