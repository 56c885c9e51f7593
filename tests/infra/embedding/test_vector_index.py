"""The nearest vectors come from the index of their model, and of no other model."""

from uuid import UUID, uuid4

import psycopg
import pytest

from infra.blas import Floats, np
from infra.database import Pool
from infra.embedding import vector_index
from infra.embedding.vectors import unit
from infra.settings import Settings
from projections import search, search_statement
from projections.search import SearchFilter
from projections.search_statement import Vectors
from tests.api.atlas.test_campaign import make_run
from tests.conftest import World

MODEL, DIMENSION, VECTORS = "it's 100 % \\ small@1", 384, 5_000
INSERT = "INSERT INTO document_vectors (document_id, run_id, model, text_hash, embedding) VALUES (%s, %s, %s, '', %s::text::halfvec)"
DOCUMENTS = """INSERT INTO search_documents (document_id, run_id, kind, title, body, code, deleted)
  SELECT document_id, run_id, 'run', 'A', '', '', false FROM document_vectors"""


def some(count: int) -> list[Floats]:
    return [unit(vector) for vector in np.random.default_rng(0).normal(size=(count, DIMENSION)).astype(np.float32)]


async def fill(pool: Pool, run_id: str, vectors: list[Floats]) -> list[UUID]:
    """Documents of one run that have these vectors of the model, and one of another."""
    ids = [uuid4() for _ in vectors]
    rows = [(i, run_id, MODEL, str(v.tolist())) for i, v in zip(ids, vectors, strict=True)]
    async with pool.connection() as conn, conn.cursor() as cursor:
        await cursor.executemany(INSERT, rows)
        await conn.execute(DOCUMENTS)
        await conn.execute(INSERT, (ids[0], run_id, "another@1", "[1,2]"))
    return ids


async def test_a_search_among_thousands_of_vectors_reads_the_index_of_its_model(world: World) -> None:
    vectors = some(VECTORS)
    run, _, _ = await make_run(world, 1)
    ids = await fill(world.pool, run, vectors)
    await vector_index.provide(world.settings, MODEL, DIMENSION)
    with psycopg.connect(world.settings.owner_url or "", autocommit=True) as owner:
        owner.execute("ANALYZE")
    async with world.pool.connection() as conn:
        for place in range(5):  # from the third time on the plan is that of a prepared statement
            nearest = search_statement._nearest(Vectors(MODEL, DIMENSION, of_matched=False), *search._filter(SearchFilter())[:2])
            sql = f"WITH {nearest}, {search_statement._NEAR} SELECT document_id, likeness FROM near"
            given = {"meaning": str(vectors[place].tolist())}
            found = await (await conn.execute(sql, given)).fetchall()
            assert (max(found, key=lambda row: row[1])[0], len(found)) == (ids[place], search_statement.NEAR)
        plan = "\n".join(row[0] for row in await (await conn.execute(f"EXPLAIN {sql}", given)).fetchall())
    assert "Index Scan using document_vectors_by_" in plan, plan


def indexes(owner: psycopg.Connection) -> list[tuple[int, bool]]:
    sql = "SELECT indexrelid::bigint, indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relname LIKE %s ORDER BY 1"
    return owner.execute(sql, (f"{vector_index.PREFIX}%",)).fetchall()


async def test_the_index_is_made_once_and_again_where_it_was_not_finished(settings: Settings) -> None:
    table = f"{settings.schema}.document_vectors"
    with psycopg.connect(settings.owner_url or "", autocommit=True) as owner:
        await vector_index.provide(settings, MODEL, DIMENSION)
        first = indexes(owner)
        await vector_index.provide(settings, MODEL, DIMENSION)
        assert indexes(owner) == first
        owner.execute(f"INSERT INTO {table} VALUES (%s, %s, 'wrong', '', '[1,2]')", (uuid4(), uuid4()))
        with pytest.raises(psycopg.errors.DataException):
            await vector_index.provide(settings, "wrong", 3)
        assert [valid for _, valid in indexes(owner)] == [True, False]
        owner.execute(f"DELETE FROM {table}")
        await vector_index.provide(settings, "wrong", 3)
        assert [valid for _, valid in indexes(owner)] == [True, True]
