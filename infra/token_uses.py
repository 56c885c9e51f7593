"""When each token was last used, to about a minute: at most one write a token and minute, and never waited for."""

import asyncio
import logging
import time
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from infra.database import Pool

NOTED_EVERY_S = 60
KNOWN_MAX = 10_000

logger = logging.getLogger("runledger.access")

_NOTE = f"""INSERT INTO token_uses (token_id, used_at) SELECT id, clock_timestamp() FROM unnest(%s::uuid[]) id ORDER BY id
  ON CONFLICT (token_id) DO UPDATE SET used_at = EXCLUDED.used_at
  WHERE token_uses.used_at < EXCLUDED.used_at - interval '{NOTED_EVERY_S} seconds'"""


class TokenUses:
    """Gathers what one process sees; a use that cannot be written is lost, for no request may fail for it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._noted: dict[UUID, float] = {}
        self._waiting: set[UUID] = set()
        self._writer: asyncio.Task[None] | None = None

    def note(self, token_id: UUID) -> None:
        now = time.monotonic()
        if now - self._noted.get(token_id, -NOTED_EVERY_S) < NOTED_EVERY_S:
            return
        if len(self._noted) >= KNOWN_MAX:
            self._noted.clear()
        self._noted[token_id] = now
        self._waiting.add(token_id)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._waiting:
            ids, self._waiting = list(self._waiting), set()
            try:
                async with self._pool.connection() as conn:
                    await conn.execute(_NOTE, (ids,), prepare=True)
            except (psycopg.Error, PoolTimeout) as error:
                logger.info("the use of %d tokens was not noted: %s", len(ids), type(error).__name__)
