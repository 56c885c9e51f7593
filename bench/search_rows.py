"""The row of search: hybrid answers over a large ledger whose texts and vectors PostgreSQL makes up."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
from msgspec.structs import replace

from bench import figures
from bench.figures import Figures
from bench.ledger_maker import Size
from bench.load import drive_apart, request
from bench.world import World
from infra.embedding import choice, vector_index
from projections.search_documents import MEANING

DOCUMENTS = int(os.environ.get("RUNLEDGER_BENCH_DOCUMENTS", "100000"))
RUN_DOCUMENTS, RUN_CARDS = 50, 5  # a run, its cards, and steps for the rest
WORDS = 20_000
CLIENTS, ROUNDS, ROUND_S, WARM_S = 8, 3, 5.0, 3.0
QUESTIONS = (
    "wordbcd wordcde", "13V undervoltage", "SN-1234", "20 V wordfgh", "wordbcd wordbce wordca wordcde wordf", "wrodbcde", "SN-12",
    '"wordbc wordca"', "interference needs a filter", "frost on the aerial", "moisture in the plug", "wordbcd -wordba", "TR-0042",
    "wordab cold", "wordbcde", "wordcdef wordbcde",
)  # fmt: skip
COMMON = ("wordbc",)

# Word n, from 10 on, is written about as often as 1 / n: the commonest in every third text.
# It is "word" and n in letters, so that they are words to the parser and to the stemmer.
_TEXT = """CREATE OR REPLACE FUNCTION pg_temp.text_of(words int, seed double precision) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT string_agg(CASE WHEN n = 7 THEN (random() * 200)::int || ' V' WHEN n = 8 THEN 'SN-' || (random() * 9999)::int
    ELSE 'word' || translate((10 * power(%(words)s / 10, random()))::int::text, '0123456789', 'abcdefghij') END, ' ')
  FROM generate_series(1, words) n WHERE seed IS NOT NULL $$"""
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'search_documents' AND indexdef LIKE '% gin %'"
_ROWS = """INSERT INTO {table} SELECT p.* FROM made m, (SELECT t FROM {table} t LIMIT 1) one(t),
  LATERAL jsonb_populate_record(one.t, jsonb_build_object({values})) p WHERE {which}"""
_MADE = f"""CREATE TEMP TABLE made AS
  SELECT gen_random_uuid() AS id, n, n %% {RUN_DOCUMENTS} AS place, NULL::uuid AS run_id, NULL::uuid AS card_id
  FROM generate_series(0, %(documents)s - 1) n"""
_PARENTS = f"""UPDATE made m SET run_id = r.id, card_id = c.id FROM made r, made c WHERE r.place = 0 AND r.n = m.n - m.place
  AND c.n = m.n - m.place + 1 + m.n %% {RUN_CARDS}"""
_VECTORS = f"""INSERT INTO document_vectors (document_id, run_id, model, text_hash, embedding)
  SELECT d.document_id, d.run_id, %(model)s, sha256(convert_to({MEANING}, 'UTF8')),
    (SELECT array_agg(random() - 0.5) FROM generate_series(1, %(dimension)s) WHERE d.document_id IS NOT NULL)::real[]::vector::halfvec
  FROM search_documents d JOIN made m ON m.id = d.document_id"""


def search(world: World) -> list[Figures]:
    """Search by words and meaning at 8 clients."""
    world.make(Size(1, 1, 1))
    lines = fill(world, DOCUMENTS)
    goal = "p95 < 60 ms" if DOCUMENTS <= 100_000 else "p95 < 150 ms"
    for name, questions in (("", QUESTIONS), (", a word of a quarter of them", COMMON)):
        requests = [request("GET", f"/test-runs/search?q={quote(text)}", world.token) for text in questions]
        drive_apart(world.port, requests, 1, WARM_S)  # loads the model, and the vectors of the questions are remembered
        loads = [drive_apart(world.port, requests, CLIENTS, ROUND_S) for _ in range(ROUNDS)]
        lines.append(figures.of(f"GET search, {DOCUMENTS:,} documents{name}", goal, loads))
    return lines


def fill(world: World, documents: int) -> list[Figures]:
    """Rows of the views and vectors without events; how long the indexes took and how large they are."""
    settings = replace(world.settings, owner_url=world.owner_url)
    embedder = choice.of(settings)
    lines: list[Figures] = []
    with psycopg.connect(world.owner_url, autocommit=True, options=world.search_path) as conn:
        indexes = conn.execute(_INDEXES).fetchall()
        of_vectors = conn.execute("SELECT relname FROM pg_class WHERE starts_with(relname, %s)", (vector_index.PREFIX,)).fetchall()
        for name, *_ in [*indexes, *of_vectors]:  # the worker may have made the vectors' already
            conn.execute(f"DROP INDEX {name}")
        _write(conn, documents, embedder.model_id, embedder.dimension)
        for name, definition in indexes:
            with _timed(lines, f"index {name}, {documents:,} documents"):
                conn.execute(definition)
        with _timed(lines, f"index of the vectors, {documents:,} documents"):
            asyncio.run(vector_index.provide(settings, embedder.model_id, embedder.dimension))
        conn.execute("VACUUM (ANALYZE)")
        sizes = "SELECT relname, pg_relation_size(oid) / 1e6 FROM pg_class WHERE relname = ANY(%s) OR starts_with(relname, %s)"
        for name, size in conn.execute(sizes, ([name for name, _ in indexes], vector_index.PREFIX)).fetchall():
            lines.append(Figures(f"size of {name}", "MB", float(size), None, None, None, None, ""))
    return lines


def _write(conn: psycopg.Connection, documents: int, model: str, dimension: int) -> None:
    conn.execute(_TEXT.replace("%(words)s", str(WORDS)))
    conn.execute(_MADE, {"documents": documents})
    conn.execute(_PARENTS, {})
    conn.execute("ANALYZE made")
    kind = f"CASE WHEN place = 0 THEN 'run' WHEN place <= {RUN_CARDS} THEN 'card' ELSE 'step' END"
    for table, which, values in (
        ("runs", "place = 0", "'run_id', m.id, 'number', 1000000 + m.n"),
        ("cards", f"place BETWEEN 1 AND {RUN_CARDS}", "'card_id', m.id, 'run_id', m.run_id"),
        ("steps", f"place > {RUN_CARDS}", "'step_id', m.id, 'card_id', m.card_id, 'run_id', m.run_id"),
    ):
        conn.execute(_ROWS.format(table=table, which=which, values=values))
    conn.execute(
        f"""INSERT INTO search_documents (document_id, run_id, kind, card_id, step_id, code, title, body, deleted)
          SELECT id, run_id, {kind}, CASE {kind} WHEN 'card' THEN id WHEN 'step' THEN card_id END, CASE {kind} WHEN 'step' THEN id END,
            '', pg_temp.text_of(5, n), pg_temp.text_of(25, n), false FROM made"""
    )
    conn.execute(_VECTORS, {"model": model, "dimension": dimension})


@contextmanager
def _timed(lines: list[Figures], name: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    lines.append(Figures(name, "s", time.perf_counter() - begun, None, None, None, None, ""))
