"""A ledger for search: runs of about fifty documents made by the projectors, with a vector for each, made without the model's work."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from uuid import UUID

import psycopg
from msgspec.structs import replace

from bench.figures import Figures
from bench.ledger_maker import Size
from bench.world import QUIET, World
from infra import thesaurus
from infra.blas import Floats, np
from infra.embedding import choice, vector_index
from projections.search_documents import MEANING

SIZE = Size(1, 5, 9, outcomes=0)
RUN_DOCUMENTS = 1 + SIZE.cards * (1 + SIZE.steps)
WORDS, FIRST_RANK = 20_000, 10  # word n of the language is written about as often as 1 / n, the commonest in every third text
TITLE_WORDS, BODY_WORDS = 5, 25
EXAMPLES, MIXED, NOISE = 300, 3, 0.3  # vectors of the model, of which some are mixed, and chance added: copies of few would be islands
BATCH = 10_000
_GIN = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'search_documents' AND indexdef LIKE '% gin %'"
_HASHES = f"""SELECT document_id, run_id, sha256(convert_to({MEANING}, 'UTF8')) FROM search_documents d
  WHERE document_id > %(after)s ORDER BY document_id LIMIT %(limit)s"""
_COPY = "COPY document_vectors (document_id, run_id, model, text_hash, embedding) FROM STDIN (FORMAT BINARY)"
_SIZES = "SELECT relname, pg_relation_size(oid) / 1e6 FROM pg_class WHERE relname = ANY(%s) OR starts_with(relname, %s)"
_BEHIND = """SELECT (SELECT seq FROM ledger_head) - min(seq) + (SELECT count(*) FROM events) - (SELECT seq FROM ledger_head),
  (SELECT count(*) FROM runs WHERE NOT deleted) - (SELECT count(*) FROM run_words) + (SELECT count(*) FROM stale_runs)
    + (SELECT count(*) FROM documents_to_embed) + (SELECT count(*) FROM view_set v, embedded_model m WHERE v.built_at <> m.views_built_at)
  FROM followers"""


def words() -> list[str]:
    """The language, commonest first: names of engineering spread among words that mean nothing."""
    real = list(dict.fromkeys(word for names in thesaurus.concepts() for name in names for word in thesaurus.words(name)))
    spelled = str.maketrans("0123456789", "abcdefghij")
    made = [f"word{str(n).translate(spelled)}" for n in range(WORDS)]
    rng = np.random.default_rng(1)
    spread = rng.permutation(real)[: WORDS // 10]
    made[: 10 * len(spread) : 10] = spread.tolist()
    return made


def texts(seed: int) -> Iterator[tuple[str, str]]:
    """Titles and bodies without end, with a quantity and a serial number in each."""
    rng, language = np.random.default_rng(seed), np.array(words())
    each = TITLE_WORDS + BODY_WORDS
    while True:
        ranks = (FIRST_RANK * (WORDS / FIRST_RANK) ** rng.random((BATCH, each))).astype(int) - FIRST_RANK
        volts, serials = rng.integers(0, 200, BATCH), rng.integers(0, 10_000, BATCH)
        for row, volt, serial in zip(language[ranks], volts, serials, strict=True):
            yield " ".join(row[:TITLE_WORDS]), f"{' '.join(row[TITLE_WORDS:])} {volt} V SN-{serial}"


def fill(world: World, documents: int) -> list[Figures]:
    """Grows the ledger to that many documents; how long the indexes took and how large they are."""
    settings = replace(world.settings, owner_url=world.owner_url)
    embedder = choice.of(settings)
    examples = np.array(embedder.embed([f"{title}\n{body}" for title, body in islice(texts(1), EXAMPLES)]))
    lines: list[Figures] = []
    world.program.stop()
    usual, world.program.environment = world.program.environment, QUIET  # nobody makes vectors meanwhile
    world.program.start()
    with psycopg.connect(world.owner_url, autocommit=True, options=world.search_path) as conn:
        indexes = conn.execute(_GIN).fetchall()
        for (name,) in conn.execute("SELECT relname FROM pg_class WHERE starts_with(relname, %s)", (vector_index.PREFIX,)).fetchall():
            conn.execute(f"DROP INDEX {name}")
        for name, _ in indexes:
            conn.execute(f"DROP INDEX {name}")
        world.make(SIZE._replace(runs=-(-documents // RUN_DOCUMENTS)), texts(2))
        _write_vectors(conn, embedder.model_id, examples)
        for name, definition in indexes:
            with _timed(lines, f"index {name}, {documents:,} documents"):
                conn.execute(definition)
        with _timed(lines, f"index of the vectors, {documents:,} documents"):
            asyncio.run(vector_index.provide(settings, embedder.model_id, embedder.dimension))
        conn.execute("VACUUM (ANALYZE)")
        for name, size in conn.execute(_SIZES, ([name for name, _ in indexes], vector_index.PREFIX)).fetchall():
            lines.append(Figures(f"size of {name}", "MB", float(size), None, None, None, None, ""))
    world.program.stop()
    world.program.environment = usual
    world.program.start()
    settle(world)
    return lines


def _write_vectors(conn: psycopg.Connection, model: str, examples: Floats) -> None:
    """In PostgreSQL's binary form; a halfvec is its dimension, two bytes of nothing, and its numbers."""
    rng, dimension = np.random.default_rng(3), examples.shape[1]
    head = dimension.to_bytes(2, "big") + bytes(2)
    conn.execute("TRUNCATE document_vectors")
    last = UUID(int=0)
    while page := conn.execute(_HASHES, {"after": last, "limit": BATCH}).fetchall():
        shares = rng.exponential(size=(len(page), MIXED, 1))
        mixed = (examples[rng.integers(0, len(examples), (len(page), MIXED))] * shares).sum(1)
        mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
        vectors = (mixed + rng.normal(size=mixed.shape) * (NOISE / dimension**0.5)).astype(">f2")
        with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for (document_id, run_id, text_hash), vector in zip(page, vectors, strict=True):
                copy.write(_row(document_id.bytes, run_id.bytes, model.encode(), text_hash, head + vector.tobytes()))
            copy.write(b"\xff\xff")
        last = page[-1][0]


def _row(*fields: bytes) -> bytes:
    return len(fields).to_bytes(2, "big") + b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def wait_for_vectors(world: World) -> None:
    """Until every event was followed, and no document and no run waits."""
    with psycopg.connect(world.owner_url, autocommit=True, options=world.search_path) as conn:
        while conn.execute(_BEHIND).fetchall() != [(0, 0)]:
            time.sleep(0.5)


def settle(world: World) -> None:
    """As a ledger is that was not written to for a while."""
    wait_for_vectors(world)
    with psycopg.connect(world.owner_url, autocommit=True, options=world.search_path) as conn:
        conn.execute("VACUUM (ANALYZE)")


@contextmanager
def _timed(lines: list[Figures], name: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    lines.append(Figures(name, "s", time.perf_counter() - begun, None, None, None, None, ""))
