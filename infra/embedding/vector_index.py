"""The index that finds the nearest vectors: one for each model, made when the model is first used."""

import hashlib

from psycopg.sql import SQL, Identifier, Literal

from infra import database
from infra.database import Connection
from infra.settings import Settings

PREFIX = "document_vectors_by_"
_OTHERS = """SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid
  WHERE indrelid = 'document_vectors'::regclass AND starts_with(relname, %s) AND relname <> %s"""
# 1,000 vectors of 384 dimensions take 1.2 MB; what does not fit is added one by one, which takes several times as long. One process
# takes only what it needs, where several would take all of it, and from shared memory, of which a container has 64 MB.
_ROOM = "SELECT set_config('maintenance_work_mem', '2GB', false), set_config('max_parallel_maintenance_workers', '0', false)"
_IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


async def provide(settings: Settings, model_id: str, dimension: int) -> None:
    """Makes the model's index where there is none and nobody is at it. No append waits for it."""
    name = _name(model_id, dimension)
    async with await database.owner(settings) as conn:
        if not await database.try_lock(conn, f"{settings.schema} vector index"):
            return
        present = await (await conn.execute(_IS_VALID, (name,))).fetchone()
        if present == (True,):
            return
        if present is not None:  # one that was not finished
            await conn.execute(SQL("DROP INDEX CONCURRENTLY {}").format(Identifier(name)))
        await conn.execute(_ROOM)
        expression = SQL("((embedding::halfvec({})) halfvec_cosine_ops) WHERE model = {}").format(Literal(dimension), Literal(model_id))
        await conn.execute(SQL("CREATE INDEX CONCURRENTLY {} ON document_vectors USING hnsw {}").format(Identifier(name), expression))


async def others(conn: Connection, model_id: str, dimension: int) -> list[str]:
    """The indexes of models before this one."""
    rows = await (await conn.execute(_OTHERS, (PREFIX, _name(model_id, dimension)))).fetchall()
    return [row[0] for row in rows]


async def drop(settings: Settings, names: list[str]) -> None:
    async with await database.owner(settings) as conn:
        if await database.try_lock(conn, f"{settings.schema} vector index"):
            for name in names:
                await conn.execute(SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(Identifier(name)))


def _name(model_id: str, dimension: int) -> str:
    return PREFIX + hashlib.sha256(f"{dimension} {model_id}".encode()).hexdigest()[:12]
