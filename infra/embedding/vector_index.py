"""The index that finds the nearest vectors: one for each model, made when the model is first used."""

import hashlib

from psycopg.sql import SQL, Identifier, Literal

from infra import database
from infra.settings import Settings

PREFIX = "document_vectors_by_"
_IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


async def provide(settings: Settings, model_id: str, dimension: int) -> None:
    """Makes the model's index where there is none and nobody is at it. No append waits for it."""
    name = PREFIX + hashlib.sha256(f"{dimension} {model_id}".encode()).hexdigest()[:12]
    async with await database.owner(settings) as conn:
        if not await database.try_lock(conn, f"{settings.schema} vector index"):
            return
        present = await (await conn.execute(_IS_VALID, (name,))).fetchone()
        if present == (True,):
            return
        if present is not None:  # one that was not finished
            await conn.execute(SQL("DROP INDEX CONCURRENTLY {}").format(Identifier(name)))
        expression = SQL("((embedding::halfvec({})) halfvec_cosine_ops) WHERE model = {}").format(Literal(dimension), Literal(model_id))
        await conn.execute(SQL("CREATE INDEX CONCURRENTLY {} ON document_vectors USING hnsw {}").format(Identifier(name), expression))
