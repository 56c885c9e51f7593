"""No statement of a search reads a table from end to end: what each looks for has an index."""

from collections.abc import Sequence
from typing import Any

import pytest
from psycopg import AsyncConnection

from infra.database import owner, search_path
from infra.embedding import vector_index
from projections import search, word_counts
from projections.search import Meaning, SearchFilter
from projections.search_query import understood
from projections.word_counts import TELLING_MAX, Counts
from tests.search.test_ranking import Library, library

__all__ = ["library"]
QUERIES = ['"dead time"', "desat undervoltage 13 V -torque", "81-22", "the of", "brwonout", "slop in the linkage"]


class Noting:
    """A connection that keeps the parameters of what it was asked to execute."""

    def __init__(self, conn: AsyncConnection[Any]) -> None:
        self.conn, self.asked = conn, list[Any]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.conn, name)

    async def execute(self, sql: str, params: Any, **options: Any) -> Any:
        self.asked.append(params)
        return await self.conn.execute(sql, params, **options)


def read_whole(plan: dict[str, Any]) -> set[str]:
    """The tables that a plan reads from end to end."""
    below = set[str]().union(*(read_whole(part) for part in plan.get("Plans", [])))
    return below | {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else below


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("text", QUERIES)
async def test_every_plan_uses_indexes(library: Library, text: str) -> None:
    embedder = library.embedder
    await vector_index.provide(library.settings, embedder.model_id, embedder.dimension)
    meaning = Meaning(embedder.model_id, embedder.dimension, str([float(x) for x in embedder.embed([text])[0]]))
    async with library.pool.connection() as conn:
        await conn.execute("DEALLOCATE ALL")
        await search.search(conn, Counts(), understood(text), meaning, SearchFilter())
        prepared = await (await conn.execute("SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")).fetchall()
        assert len(prepared) == 2
        await conn.execute("SET LOCAL enable_seqscan = off")  # a table of a test is too small for an index to pay
        await conn.execute("SET LOCAL enable_sort = off")  # the vectors of a test are soon sorted
        explained = [f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement}".encode() for (statement,) in prepared]
        plans = [(await (await conn.execute(statement)).fetchone() or ([],))[0] for statement in explained]
    for plan in plans:
        assert read_whole(plan[0]["Plan"]) <= {"pg_class"}
    assert "search_documents_words_idx" in str(plans[0])
    if '"' not in text:  # those with a phrase are soon compared one by one
        assert vector_index.PREFIX in str(plans[1])


@pytest.mark.asyncio(loop_scope="module")
async def test_a_large_ledger_is_not_counted_again_but_for_words_that_stand_nowhere(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "torque", "torque", "brwonout", "brwonout"
    assert await counted(library, asked) == list(asked)
    monkeypatch.setattr(word_counts, "EXACT_DOCUMENTS_MIN", 0)
    assert await counted(library, asked) == ["torque", "brwonout", "brwonout"]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_common_words_of_a_large_ledger_are_looked_up_once_and_not_counted(library: Library) -> None:
    """It is told to be large: what most of its documents have counts as more than any index should give."""
    async with await owner(library.settings) as conn:
        await conn.execute("SELECT set_config('search_path', %s, false)", (search_path(library.settings),))
        await conn.execute("ANALYZE search_documents")
        await conn.execute("UPDATE pg_class SET reltuples = 30000 WHERE oid = 'search_documents'::regclass")
        counts, noting = Counts(), Noting(conn)
        found = [await counts.of(noting, understood(text).terms) for text in ("torque", "load", "brwonout")]  # type: ignore[arg-type]
        await conn.execute("ANALYZE search_documents")
        (exact,) = await (await conn.execute("SELECT count(*) FROM search_documents WHERE words @@ 'load'")).fetchone() or (0,)
    assert [size[:2] for size in found] == [(30_000, TELLING_MAX)] * 3
    assert [bool(params["common"]) for params in noting.asked] == [False, True, True]
    assert [count.wholes for _, _, each in found[1:] for count in each.values()] == [TELLING_MAX + 1, 0]
    assert exact < TELLING_MAX  # so it was not counted


async def counted(library: Library, asked: Sequence[str]) -> list[str]:
    """The words that PostgreSQL counted for these searches, one after another."""
    counts = Counts()
    async with library.pool.connection() as conn:
        noting = Noting(conn)
        for text in asked:
            await search.search(noting, counts, understood(text), None, SearchFilter())  # type: ignore[arg-type]
    return [word for params in noting.asked for word in params.get("words", ())]
