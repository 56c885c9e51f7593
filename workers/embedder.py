"""The process that makes vectors: claims documents, embeds them in batches, and ends when nothing has been wanted for a while."""

import asyncio
import logging
import os
import signal
import time
from uuid import UUID

from infra import database
from infra.crowding import Crowding
from infra.database import LOST, Connection
from infra.embedding import choice, vector_index
from infra.embedding.vectors import Embedder, Unanswered
from infra.settings import Settings
from projections import embedding_backlog
from projections.embedding_backlog import CHANNEL, FIRST, TEXTS_MAX, Waiting
from workers.sequencer import RETRY_S
from workers.waiting import pause, woken

IDLE_S = 60.0
LOOK_S = 0.5
RESTS, REST_S_MAX = 20, 5.0  # the more others want the processors, which to be nice alone does not leave them; the rush may end meanwhile
KEPT_AT_ONCE = 8  # an entry of a large index takes milliseconds, and the sequence waits for the transaction
UNANSWERED_S = 5.0
logger = logging.getLogger("runledger.embedding")


async def until_told(settings: Settings, claim_id: UUID, parent: int) -> None:
    """Until SIGTERM or Ctrl-C, until nothing is to be done, or until the process that started this one is no more."""
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    work = asyncio.create_task(run(settings, choice.of(settings), claim_id, stopping))
    while not work.done():
        if os.getppid() != parent:
            stopping.set()
        await asyncio.wait([work], timeout=LOOK_S)
    await work


async def run(settings: Settings, embedder: Embedder, claim_id: UUID, stopping: asyncio.Event) -> None:
    """Until `stopping`, or until nothing could be done for IDLE_S. Any number may run, each with a claim of its own."""
    idle = False
    while not stopping.is_set() and not idle:
        try:
            async with await database.dedicated(settings) as conn:
                await conn.execute(f"LISTEN {CHANNEL}")
                await embedding_backlog.take_over(conn, embedder.model_id)
                await _go_on(Desk(settings, embedder, claim_id, conn), stopping)
                idle = True
        except LOST as error:
            logger.warning("the process that embeds lost the database (%s); trying again", type(error).__name__)
            await pause(stopping, RETRY_S)


async def _go_on(desk: "Desk", stopping: asyncio.Event) -> None:
    last = time.monotonic()
    while not stopping.is_set() and time.monotonic() < last + IDLE_S:
        crowding = Crowding()
        try:
            done = await desk.batch()
        except Unanswered as error:
            logger.warning("the embedding model %s; documents wait", error)
            await desk.lay_down()
            await pause(stopping, UNANSWERED_S)
            continue
        if done:
            last = time.monotonic()
            await pause(stopping, min(RESTS * crowding.waited_s(), REST_S_MAX))
        else:
            await woken(desk.conn, LOOK_S)


class Desk:
    """One who embeds. Batches grow from one text after a failure, so that a text that no model takes soon fails alone."""

    def __init__(self, settings: Settings, embedder: Embedder, claim_id: UUID, conn: Connection) -> None:
        self.settings, self.embedder, self.claim_id, self.conn = settings, embedder, claim_id, conn
        self.model = embedder.model_id
        self.texts, self.dimension = TEXTS_MAX, 0

    async def batch(self) -> int:
        """How many documents wait no more. Raises `Unanswered`."""
        await self._look_through()
        claimed = await embedding_backlog.claim(self.conn, self.model, self.claim_id, self.texts)
        await self._embed([each for each in claimed if each.text is not None])
        await embedding_backlog.keep(self.conn, self.model, self.claim_id, [(each, None) for each in claimed if each.text is None])
        self.texts = min(self.texts * 2, TEXTS_MAX)
        if not claimed and self.dimension and not await embedding_backlog.waiting(self.conn):
            await self._forget_others()
        return len(claimed)

    async def lay_down(self) -> None:
        """What failed together is tried again at once, one by one; what failed alone when its claim has run out."""
        if self.texts > 1:
            await embedding_backlog.release(self.conn, self.claim_id)
        self.texts = 1

    async def _look_through(self) -> None:
        """All documents, where the model or the views are new."""
        built_at = await embedding_backlog.unseen(self.conn, self.model)
        if built_at is None:
            return
        after = FIRST
        while (last := await embedding_backlog.note_page(self.conn, self.model, after)) is not None:
            after = last
        await embedding_backlog.note_seen(self.conn, self.model, built_at)

    async def _embed(self, claimed: list[Waiting]) -> None:
        if not claimed:
            return
        vectors = await asyncio.to_thread(self.embedder.embed, [each.text or "" for each in claimed])
        if not self.dimension:
            self.dimension = len(vectors[0])
            await vector_index.provide(self.settings, self.model, self.dimension)
        made = [(each, vector.tolist()) for each, vector in zip(claimed, vectors, strict=True)]
        for begin in range(0, len(made), KEPT_AT_ONCE):
            await embedding_backlog.keep(self.conn, self.model, self.claim_id, made[begin : begin + KEPT_AT_ONCE])

    async def _forget_others(self) -> None:
        """Vectors of the models before, now that every document has one of this model; their indexes, which tell of them, go last."""
        names = await vector_index.others(self.conn, self.model, self.dimension)
        if not names:
            return
        after = FIRST
        while (last := await embedding_backlog.forget_page(self.conn, self.model, after)) is not None:
            after = last
        await vector_index.drop(self.settings, names)
