"""Search over HTTP: what is found, by whom, in which order, and what no query can break."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from msgspec.structs import replace

from api import exchange
from domain.tokens import Role
from infra import database
from infra.settings import Settings
from projections import search
from tests.api.making import Campaign, campaign, errors, made, problem
from tests.conftest import Atlas, World, opened
from tests.language_models import NAME, sends, serving

module_loop = pytest.mark.asyncio(loop_scope="module")


async def found(client: Atlas, text: str, query: str = "mode=fulltext") -> Any:
    answer = await client("GET", f"/test-runs/search?q={quote(text)}&{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def titles(client: Atlas, text: str, query: str = "mode=fulltext") -> list[str]:
    """The titles of what matched, best first."""
    return [m["component_title"] for r in (await found(client, text, query))["results"] for m in r["matches"]]


async def told(world: World, word: str) -> Campaign:
    """A campaign whose every text holds a word of its own."""
    here = await campaign(world)
    await world.engineer("PATCH", here.run_path, {"title": f"Run {word}", "description": f"At 13V {word}"})
    await world.engineer("PATCH", here.card_path, {"title": f"Card {word}"})
    outcome = {"title": f"Step {word}", "execution_status": "passed_with_exception", "exception": f"{word} by 98.7 ms"}
    await world.engineer("PATCH", here.step_path, outcome)
    await world.engineer("POST", f"{here.step_path}/observations", {"text": f"Smoke {word} from SN-1234"})
    return here


@module_loop
async def test_every_text_of_a_run_is_found_with_its_path(shared: World) -> None:
    here = await told(shared, "zephyr")
    answer = await found(shared.engineer, "zephyr")
    assert answer["total_count"] == 1
    (result,) = answer["results"]
    listed = (await shared.engineer("GET", f"/test-runs?system_id={here.system}")).json()["items"]
    assert result["test_run"] == listed[0]
    assert 0 < result["score"] <= 1
    assert {(m["component_type"], m["component_id"], m["path"]) for m in result["matches"]} == {
        ("run", here.run, "Run zephyr"),
        ("card", here.card, "Card zephyr"),
        ("step", here.steps[0], "Card zephyr > Step zephyr"),
    }
    assert {m["match_type"] for m in result["matches"]} == {"fulltext"}


@module_loop
@pytest.mark.parametrize(
    "text", ["13V quixote", "13 V quixote", "quixot", '"smoke quixote"', "SN-1234 quixote", "98.7ms quixote", "QUIXOTE"]
)
async def test_words_quantities_identifiers_and_phrases_find(shared: World, text: str) -> None:
    await told(shared, "quixote")
    assert "quixote" in " ".join(await titles(shared.engineer, text))


@module_loop
async def test_a_phrase_must_be_there_and_a_minus_must_not(shared: World) -> None:
    await told(shared, "harlequin")
    assert await titles(shared.engineer, '"harlequin smoke"') == []
    assert await titles(shared.engineer, "harlequin -smoke -step -run -card") == []
    assert len(await titles(shared.engineer, "harlequin -smoke -step -run")) == 1


@module_loop
async def test_a_number_names_its_run(shared: World) -> None:
    here = await campaign(shared)
    number = (await shared.engineer("GET", here.run_path)).json()["test_run_id"]
    first = (await found(shared.engineer, number))["results"][0]
    assert first["test_run"]["uuid"] == here.run


@module_loop
async def test_what_is_deleted_never_matches_and_comes_back(shared: World) -> None:
    here = await told(shared, "marzipan")
    for path, left in ((here.step_path, {"run", "card"}), (here.card_path, {"run"}), (here.run_path, set())):
        await shared.engineer("DELETE", path)
        matches = [m for r in (await found(shared.engineer, "marzipan"))["results"] for m in r["matches"]]
        assert {m["component_type"] for m in matches} == left
        await shared.engineer("POST", f"{path}/restore")
        assert len((await found(shared.engineer, "marzipan"))["results"][0]["matches"]) == 3


@module_loop
async def test_a_change_is_found_at_once_and_what_was_there_is_not(shared: World) -> None:
    here = await told(shared, "obelisk")
    await shared.engineer("PATCH", here.card_path, {"title": "Card pyramid"})
    assert "Card pyramid" in await titles(shared.engineer, "pyramid")
    assert "Card obelisk" not in await titles(shared.engineer, "obelisk")
    await shared.engineer("PATCH", here.step_path, {"execution_status": "passed"})
    assert "Step obelisk" not in await titles(shared.engineer, "98.7ms")


@module_loop
async def test_an_identifier_finds_what_has_it_and_nothing_like_it(shared: World) -> None:
    here, other = await told(shared, "basalt"), await told(shared, "basalt")
    for each, part in ((here, "SN-771-A"), (other, "SN-771-B")):
        await shared.engineer("PATCH", each.run_path, {"description": part})
    answer = await found(shared.engineer, "SN-771-A", "mode=default")
    assert (answer["total_count"], [r["test_run"]["uuid"] for r in answer["results"]]) == (1, [here.run])
    assert (await found(shared.engineer, "SN-771-Z", "mode=default"))["total_count"] == 0


@module_loop
async def test_only_what_the_token_may_see_is_found_and_counted(shared: World) -> None:
    one, other = await told(shared, "labyrinth"), await told(shared, "labyrinth")
    limited = await shared.client(Role.VIEWER, systems=[one.system])
    for mode in ("fulltext", "default", "semantic"):
        answer = await found(limited, "labyrinth", f"mode={mode}")
        assert {r["test_run"]["uuid"] for r in answer["results"]} <= {one.run}
        assert answer["total_count"] == len(answer["results"])
    assert (await found(shared.engineer, "labyrinth"))["total_count"] == 2
    assert (await found(shared.engineer, "labyrinth", f"mode=fulltext&system_id={other.system}"))["total_count"] == 1


@module_loop
async def test_pages_and_orders_cover_every_run_once(shared: World) -> None:
    runs = [(await told(shared, "cinnabar")).run for _ in range(3)]
    for order, expected in (("created_at", runs[::-1]), ("updated_at", runs[::-1])):
        pages = [await found(shared.engineer, "cinnabar", f"mode=fulltext&sort_by={order}&limit=1&offset={n}") for n in range(4)]
        assert [p["total_count"] for p in pages] == [3] * 4
        assert [r["test_run"]["uuid"] for p in pages for r in p["results"]] == expected
    relevant = [r["score"] for r in (await found(shared.engineer, "cinnabar"))["results"]]
    assert relevant == sorted(relevant, reverse=True)


@module_loop
async def test_a_run_whose_every_text_matches_hides_no_other(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is ranked for the first pages may all be of one run; then the others are ranked too."""
    monkeypatch.setattr(search, "KEPT", 3)
    runs = {(await told(shared, "feldspar")).run for _ in range(3)}
    for mode in ("fulltext", "default"):
        pages = [await found(shared.engineer, "feldspar", f"mode={mode}&limit=2&offset={n}") for n in (0, 2)]
        listed = [r["test_run"]["uuid"] for page in pages for r in page["results"]]
        assert runs <= set(listed)
        assert len(listed) == len(set(listed)) == min(pages[0]["total_count"], 4)


@module_loop
async def test_kinds_restrict_what_may_match(shared: World) -> None:
    await told(shared, "kestrel")
    for kinds in (["card"], ["step"], ["run", "step"], ["report"]):
        query = "&".join(f"component_types={k}" for k in kinds)
        matches = [m for r in (await found(shared.engineer, "kestrel", f"mode=fulltext&{query}"))["results"] for m in r["matches"]]
        assert {m["component_type"] for m in matches} == set(kinds) - {"report"}


@module_loop
@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("", {("query:q", "required")}),
        ("q=%20", {("query:q", "blank")}),
        ("q=" + "x" * 513, {("query:q", "too_long")}),
        ("q=x&mode=magic", {("query:mode", "invalid_value")}),
        ("q=x&component_types=run&component_types=system", {("query:component_types", "invalid_value")}),
        ("q=x&limit=0&offset=10001", {("query:limit", "out_of_range"), ("query:offset", "out_of_range")}),
        ("q=x&sort_by=title&system_id=1", {("query:sort_by", "invalid_value"), ("query:system_id", "invalid_format")}),
    ],
)
async def test_parameters_that_do_not_fit_are_named(shared: World, query: str, wrong: set[tuple[str, str]]) -> None:
    assert errors(await shared.engineer("GET", f"/test-runs/search?{query}")) == wrong


NASTY = [
    "&", "| | |", "!", "<->", ":*", "'", "''", '"', '""', "\\", "a:*", "a & b | !c <-> d:*", "-", "--", '-"x"', "(", ")", "()", "a'b", "%", "%s", "{}",
    "'; DROP TABLE runs; --", "\u202e", "🔋", "é" * 100, "the of and", "or or or", "x" * 512, "1e309", "-1", "\\'", "日本語", "a\\b", '"the"', "*",
]  # fmt: skip


@module_loop
@pytest.mark.parametrize("text", NASTY)
async def test_no_query_breaks_it(shared: World, text: str) -> None:
    for mode in ("fulltext", "default"):
        answer = await shared.engineer("GET", f"/test-runs/search?q={quote(text)}&mode={mode}")
        assert answer.status_code == 200, answer.text


@module_loop
async def test_what_is_no_text_is_malformed(shared: World) -> None:
    assert problem(await shared.engineer("GET", "/test-runs/search?q=%00")) == (400, "malformed-request")
    assert problem(await shared.engineer("GET", "/test-runs/search?q=%ff")) == (400, "malformed-request")
    assert problem(await shared.engineer("GET", f"/test-runs/search?q={'x' * 10_000}"))[0] == 422


@module_loop
async def test_a_report_is_found_by_its_content_without_its_pictures(shared: World) -> None:
    here = await campaign(shared)
    await made(shared.engineer, f"{here.run_path}/reports", {"scope": "run"})
    assert "Motor Controller Acceptance Test \u2013 Run Analysis" in await titles(shared.engineer, "analysis")


@contextmanager
def locked_documents(world: World) -> Iterator[psycopg.Connection]:
    """No search ends before this does."""
    with psycopg.connect(world.settings.owner_url or "", options=f"-c search_path={database.search_path(world.settings)}") as conn:
        conn.execute("LOCK TABLE search_documents IN ACCESS EXCLUSIVE MODE")
        yield conn


@module_loop
async def test_searches_that_take_long_wait_for_each_other_and_nobody_for_them(shared: World) -> None:
    here = await told(shared, "patience")
    with locked_documents(shared) as conn:
        asked = [asyncio.create_task(found(shared.engineer, "patience")) for _ in range(3 * shared.settings.pool_max)]
        await asyncio.sleep(0.2)
        assert (await asyncio.wait_for(shared.engineer("GET", here.run_path), 2)).status_code == 200
        waiting = conn.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'search_documents'::regclass").fetchone()
        assert waiting == (shared.settings.searches_max,)
    assert {answer["total_count"] for answer in await asyncio.gather(*asked)} == {1}


@module_loop
async def test_a_search_whose_turn_does_not_come_is_refused(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "SEARCH_WAIT_S", 0.1)
    with locked_documents(shared):
        asked = [asyncio.create_task(found(shared.engineer, "patience")) for _ in range(shared.settings.searches_max)]
        await asyncio.sleep(0.1)
        answer = await shared.engineer("GET", "/test-runs/search?q=patience&mode=fulltext")
        assert (answer.headers["retry-after"], problem(answer)) == ("2", (503, "unavailable"))
    await asyncio.gather(*asked)


async def test_who_waits_for_vectors_from_elsewhere_keeps_nobody_else_waiting(with_s3: Settings) -> None:
    held, loading = threading.Event(), [0.0] * 383 + [1.0]
    body = json.dumps({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": loading}], "model": NAME}).encode()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        held.wait(5)
        sends(body)(handler)

    with serving(sends(body), slow) as server:
        async with opened(replace(with_s3, search_meaning=True, embeddings_url=server.url, embeddings_model=NAME)) as world:
            first = await world.engineer("GET", "/test-runs/search?q=something")
            waiting = [asyncio.create_task(found(world.engineer, f"question {n}", "")) for n in range(world.settings.searches_max)]
            await asyncio.sleep(0.2)
            assert await asyncio.wait_for(titles(world.engineer, "something"), 1) == []
            assert not any(search.done() for search in waiting)
            held.set()
            await asyncio.gather(*waiting)
    assert "x-search-meaning" not in first.headers
