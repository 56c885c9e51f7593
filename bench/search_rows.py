"""The rows of search: hybrid answers over a large ledger, and what search costs those who write."""

import os
from collections.abc import Iterator
from itertools import count, cycle, islice
from urllib.parse import quote

import msgspec
import psycopg

from bench import figures, search_ledger
from bench.figures import Figures
from bench.ledger_maker import Made, Size
from bench.load import Load, drive_apart, request
from bench.pace import CLIENTS, QUICK, ROUND_S, ROUNDS
from bench.program import Program
from bench.requests import outcomes
from bench.world import QUIET, World

DOCUMENTS = int(os.environ.get("BENCH_DOCUMENTS", "2000" if QUICK else "100000"))
MANY = 2_000 if QUICK else 1_000_000
SEARCHERS = 8
QUESTIONS = (
    "wordbcd wordcde", "13V undervoltage", "SN-1234", "20 V wordfgh", "wordbcd wordbce wordca wordcde wordf", "wrodbcde", "SN-12",
    '"wordbc wordca"', "interference needs a filter", "frost on the aerial", "moisture in the plug", "wordbcd -wordba", "TR-0042",
    "wordab cold", "wordbcde", "wordcdef wordbcde",
)  # fmt: skip
COMMON = ("wordbc",)
NEW = 4_000  # questions that nobody asked before: more than a round can ask
WRITTEN = Size(50, 2, 10, outcomes=1)


def search(world: World) -> list[Figures]:
    """Search by words and meaning at 8 clients."""
    return _searched(world, DOCUMENTS)


def many(world: World) -> list[Figures]:
    """The same over ten times as many documents, which take a quarter of an hour to make: measured when it is named."""
    return _searched(world, MANY)


def _searched(world: World, documents: int) -> list[Figures]:
    return [*search_ledger.fill(world, documents), *answers(world.port, world.token, documents)]


def answers(port: int, token: str, documents: int) -> list[Figures]:
    """Questions that were asked before, whose vectors are remembered; new ones; and one word that a fifth of the documents have."""
    goal = "p95 < 60 ms" if documents <= 100_000 else "p95 < 150 ms"
    lines = []
    for name, texts in (("questions asked before", QUESTIONS), ("new questions", tuple(new_questions())), ("a common word", COMMON)):
        asked = cycle([_asking(text, token) for text in texts])
        if len(texts) < NEW:
            drive_apart(port, list(islice(asked, len(texts))), 1, ROUND_S)
        else:  # others, so that PostgreSQL has in its memory what it has after a while
            drive_apart(port, [_asking(text, token) for text in new_questions(11)], SEARCHERS, ROUND_S * ROUNDS)
        loads = [drive_apart(port, list(islice(asked, NEW // ROUNDS)), SEARCHERS, ROUND_S) for _ in range(ROUNDS)]
        lines.append(figures.of(f"GET search, {documents:,} documents, {name}, closed loop of {SEARCHERS}", goal, loads))
    return lines


def new_questions(seed: int = 7) -> Iterator[str]:
    """Two to five words each, as common as those of the texts."""
    for number, (_, body) in zip(range(NEW), search_ledger.texts(seed), strict=False):
        yield " ".join(body.split()[: 2 + number % 4])


def _asking(text: str, token: str) -> bytes:
    return request("GET", f"/test-runs/search?q={quote(text)}", token)


def writes(world: World) -> list[Figures]:
    """PATCHes with search on, beside a program that makes no vectors and has no words of its documents."""
    with Program(QUIET) as program:
        without = World(program)
        with psycopg.connect(without.owner_url, autocommit=True, options=without.search_path) as conn:
            conn.execute("ALTER TABLE search_documents ALTER words DROP NOT NULL, ALTER words DROP EXPRESSION")
            conn.execute("DROP INDEX search_documents_words_idx")
        sides = [(each, each.make(WRITTEN, search_ledger.texts(8))) for each in (world, without)]
        search_ledger.settle(world)
        lines = []
        for name, requests in (("outcome", outcomes), ("description of 25 words", _descriptions)):
            asked = [(each, list(requests(each, made))) for each, made in sides]
            loads: list[list[Load]] = []
            for number in range(ROUNDS):
                loads.append([])
                for side, requested in asked:
                    search_ledger.wait_for_vectors(world)  # which would be made while the other is asked
                    drive_apart(side.port, requested[2 * number :: 2 * ROUNDS], CLIENTS, ROUND_S / 2)  # it has rested meanwhile
                    loads[-1].append(drive_apart(side.port, requested[2 * number + 1 :: 2 * ROUNDS], CLIENTS, ROUND_S))
            title = f"PATCH {name}, search on beside off, closed loop of {CLIENTS}"
            lines.append(figures.of(title, "ratio ≥ 0.85", *zip(*loads, strict=True)))
        return lines


def _descriptions(world: World, made: list[Made]) -> Iterator[bytes]:
    """Forty of every step, no two alike."""
    steps = [(run.run_id, card, step) for run in made for card, step in run.steps]
    texts = search_ledger.texts(9)
    for number, (run, card, step) in zip(count(), islice(cycle(steps), 40 * len(steps)), strict=False):
        body = msgspec.json.encode({"description": f"{number} {next(texts)[1]}"})
        yield request("PATCH", f"/test-runs/{run}/cards/{card}/steps/{step}", world.token, body)
