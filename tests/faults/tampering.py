"""A ledger that somebody with every right on its database has tampered with."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from infra import chain, database, sequence
from infra.audit import checkpoints, verification
from infra.audit.findings import Problem
from infra.audit.verification import Range, Report
from infra.embedded.postgres import Postgres
from infra.settings import Settings
from projections import verification as views
from tests.conftest import fresh_settings

WHOLE = Range()


class Original(NamedTuple):
    """An untouched ledger that nobody is connected to, and its data directory."""

    postgres: Postgres
    settings: Settings

    @contextmanager
    def copied(self, folder: Path) -> Iterator["Victim"]:
        """The ledger again, to be tampered with; what lies in `folder` already is kept."""
        shutil.copytree(self.settings.data_dir, folder, dirs_exist_ok=True)
        name = conninfo_to_dict(self.settings.database_url or "")["dbname"]
        with fresh_settings(self.postgres, folder, str(name)) as settings:
            yield Victim(settings)


class Victim:
    """`execute` is the tamperer, `verify` the auditor."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def execute(self, *statements: str) -> None:
        with self._owner() as conn:
            for statement in statements:
                conn.execute(statement)

    def ask(self, query: str, *params: Any) -> list[Any]:
        with self._owner() as conn:
            return conn.execute(query, params).fetchall()

    def _owner(self) -> psycopg.Connection[Any]:
        options = f"-c search_path={self.settings.schema} -c timezone=UTC"
        return psycopg.connect(self.settings.owner_url or "", autocommit=True, options=options)

    def report(self, wanted: Range = WHOLE) -> Report:
        return verification.verify(self.settings, wanted).report()

    def verify(self, wanted: Range = WHOLE) -> list[Problem]:
        return self.report(wanted).problems

    def verify_views(self) -> list[Problem]:
        begun = verification.verify(self.settings, WHOLE)
        asyncio.run(views.verify(self.settings, begun.findings))
        return begun.report().problems

    def chain_again(self, first: int) -> None:
        """Computes every hash from a position on, as one without the key can."""
        query = f"SELECT l.seq, {chain.HEADER}, e.state, e.metadata FROM ledger l JOIN events e USING (originator_id, originator_version)"
        rows = self.ask(f"{query} WHERE l.seq >= {first} ORDER BY l.seq")
        before = self.ask("SELECT chain_hash FROM ledger WHERE seq = %s", first - 1)[0][0] if first > 1 else chain.GENESIS
        with self._owner() as conn:
            for seq, header, state, metadata in rows:
                event = chain.event_hash(header, state, metadata)
                before = chain.chained(before, event)
                conn.execute("UPDATE ledger SET event_hash = %s, chain_hash = %s WHERE seq = %s", (event, before, seq))
            conn.execute("UPDATE ledger_head SET chain_hash = %s", (before,))


async def sequenced(settings: Settings) -> int:
    """Gives every event its position; returns the last."""
    async with await database.dedicated(settings) as conn:
        head, floor, more = await sequence.head(conn), "0", True
        while more or (await sequence.lag(conn)).events:
            head, floor, more = await sequence.extend(conn, head, floor)
        return head.seq


async def signed(settings: Settings) -> int:
    """The same, and signs it."""
    seq = await sequenced(settings)
    await asyncio.to_thread(checkpoints.make, settings)
    return seq


def with_folder(settings: Settings, folder: Path) -> Settings:
    return msgspec.structs.replace(settings, data_dir=folder)
