"""The list of runs: summaries, filters, pages."""

import asyncio
import re
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from domain.tokens import Role
from tests.api.making import campaign, errors, made, problem
from tests.conftest import Atlas, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def some_runs(world: World, count: int) -> tuple[str, list[str]]:
    """A new system with runs; their ids newest first."""
    system = (await made(world.engineer, "/systems", {"system_name": "PDU"}))["system_id"]
    runs = [(await made(world.engineer, "/test-runs", {"title": f"{n}", "system_id": system}))["uuid"] for n in range(count)]
    return system, runs[::-1]


async def walk(client: Atlas, path: str) -> list[list[dict[str, Any]]]:
    """Every page from the first to the one without a link."""
    pages = []
    while True:
        answer = await client("GET", path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["count"] == len(answer.json()["items"])
        pages.append(answer.json()["items"])
        if "link" not in answer.headers:
            return pages
        found = re.fullmatch(r'</api/v1(/[^>]*)>; rel="next"', answer.headers["link"])
        assert found, answer.headers["link"]
        path = found[1]


async def test_a_summary_counts_what_is_live(shared: World) -> None:
    here, client = await campaign(shared, 4), shared.engineer
    asset = (await made(client, "/assets", {"name": "Rig"}))["uuid"]
    one, two = [(await made(client, "/issues", {"title": t}))["uuid"] for t in ("a", "b")]
    await client("PATCH", here.run_path, {"asset_ids": [asset]})
    for path, issue in ((here.run_path, one), (here.card_path, one), (here.step_path, two)):
        await client("PUT", f"{path}/issues/{issue}")
    results = [
        {"test_step_id": s, "execution_status": status} for s, status in zip(here.steps, ("passed", "passed", "failed"), strict=False)
    ]
    await shared.clients[Role.OPERATOR]("POST", f"{here.run_path}/results", {"results": results})
    await client("DELETE", f"/assets/{asset}")

    async def summary() -> Any:
        return (await client("GET", f"/test-runs?system_id={here.system}")).json()["items"][0]

    item = await summary()
    run = (await client("GET", here.run_path)).json()
    assert item == {
        "uuid": here.run, "test_run_id": run["test_run_id"], "title": run["title"], "system_id": here.system, "system_name": run["system_name"],
        "completion_pct": 0.75, "step_status_counts": {"todo": 1, "passed": 2, "failed": 1}, "contributors": ["engineer@example.com", "operator@example.com"],
        "asset_names": ["Rig"], "asset_count": 1, "issue_count": 2, "card_count": 1, "file_count": 0, "report_count": 0,
        "created_by": "engineer@example.com", "created_at": run["created_at"], "updated_at": run["updated_at"], "status": "open",
    }  # fmt: skip
    await client("DELETE", f"/issues/{two}")
    assert (await summary())["issue_count"] == 1
    await client("DELETE", here.card_path)
    item = await summary()
    assert (item["issue_count"], item["card_count"], item["step_status_counts"], item["completion_pct"]) == (1, 0, {}, 0.0)
    await client("POST", f"{here.card_path}/restore")
    await client("POST", f"/issues/{two}/restore")
    item = await summary()
    assert (item["issue_count"], item["card_count"], item["completion_pct"]) == (2, 1, 0.75)
    await client("POST", f"{here.run_path}/close")
    assert (await summary())["status"] == "closed"


async def test_a_share_is_never_a_whole_number(shared: World) -> None:
    here = await campaign(shared)
    path = f"/test-runs?system_id={here.system}"
    assert b'"completion_pct" : 0.0,' in (await shared.engineer("GET", path)).content
    await shared.engineer("PATCH", here.step_path, {"execution_status": "done"})
    assert b'"completion_pct" : 1.0,' in (await shared.engineer("GET", path)).content


async def test_runs_come_newest_first_page_by_page(shared: World) -> None:
    system, runs = await some_runs(shared, 5)
    for size in (1, 2, 5, 1000):
        pages = await walk(shared.engineer, f"/test-runs?system_id={system}&limit={size}")
        assert [r["uuid"] for page in pages for r in page] == runs
        assert [len(page) for page in pages] == [size] * (5 // size) + ([5 % size] if 5 % size else [])
    answer = await shared.engineer("GET", f"/test-runs?system_id={system}&limit=2")
    assert (answer.json()["count"], answer.headers["x-total-count"]) == (2, "5")


async def test_a_link_keeps_the_filters(shared: World) -> None:
    system, runs = await some_runs(shared, 3)
    path = f"/test-runs?system_id={system.upper()}&limit=1&has_reports=false&created_after=2020-01-01T00:00:00%2B02:00&other=%C3%A9%20x"
    assert [r["uuid"] for page in await walk(shared.engineer, path) for r in page] == runs


async def test_walking_while_others_create_skips_and_repeats_nothing(shared: World) -> None:
    system, runs = await some_runs(shared, 12)
    path, seen = f"/test-runs?system_id={system}&limit=2", []
    while path:
        new = {"title": "late", "system_id": system}
        answer, *_ = await asyncio.gather(shared.engineer("GET", path), *(shared.engineer("POST", "/test-runs", new) for _ in range(2)))
        seen += [r["uuid"] for r in answer.json()["items"]]
        path = answer.headers.get("link", "").removeprefix("</api/v1").partition(">")[0]
    assert [s for s in seen if s in runs] == runs
    assert len(seen) == len(set(seen))


async def test_a_window_takes_its_start_and_not_its_end(shared: World) -> None:
    system, runs = await some_runs(shared, 3)
    times = [r["created_at"] for r in (await shared.engineer("GET", f"/test-runs?system_id={system}")).json()["items"]]
    for query, found in (
        (f"created_after={times[1]}", runs[:2]),
        (f"created_before={times[1]}", runs[2:]),
        (f"created_after={times[1]}Z&created_before={times[0]}%2B00:00", runs[1:2]),
        (f"created_after={times[0]}&created_before={times[0]}", []),
        (f"created_after={times[1]}999", runs[:2]),
        ("created_after=0001-01-01T00:00:00&created_before=9999-12-31T23:59:59", runs),
    ):
        answer = await shared.engineer("GET", f"/test-runs?system_id={system}&{query}")
        assert [r["uuid"] for r in answer.json()["items"]] == found, query
        assert answer.headers["x-total-count"] == str(len(found))


@pytest.mark.parametrize(("text", "found"), [("true", 0), ("TRUE", 0), ("1", 0), ("false", 1), ("False", 1), ("0", 1)])
async def test_runs_with_or_without_reports(shared: World, text: str, found: int) -> None:
    system, _ = await some_runs(shared, 1)
    assert (await shared.engineer("GET", f"/test-runs?system_id={system}&has_reports={text}")).json()["count"] == found


async def test_all_runs_are_told_without_being_counted(shared: World) -> None:
    system, runs = await some_runs(shared, 3)
    refused = await shared.engineer("POST", "/test-runs", {"title": "No", "system_id": str(system), "asset_ids": [str(uuid4())]})
    assert refused.status_code == 422
    for method, path in (("DELETE", ""), ("POST", "/restore"), ("DELETE", "")):
        assert (await shared.engineer(method, f"/test-runs/{runs[1]}{path}")).status_code < 300
        async with shared.pool.connection() as conn:
            counted = await (await conn.execute("SELECT count(*) FROM runs WHERE NOT deleted")).fetchone()
        assert ((await shared.engineer("GET", "/test-runs?limit=1")).headers["x-total-count"],) == (str((counted or (None,))[0]),)


async def test_an_unknown_system_has_no_runs(shared: World) -> None:
    answer = await shared.engineer("GET", f"/test-runs?system_id={uuid4()}")
    assert (answer.json(), answer.headers["x-total-count"]) == ({"items": [], "count": 0}, "0")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "out_of_range"), ("limit=1001", "out_of_range"), ("limit=-1", "out_of_range"), ("limit=abc", "invalid_type"), ("limit=", "invalid_type"),
        ("limit=1.0", "invalid_type"), ("limit=1e2", "invalid_type"), ("limit=%2B5", "invalid_type"), ("limit=+5", "invalid_type"), ("limit=\u0665", "invalid_type"),
        ("limit=99999999999999999999", "out_of_range"), ("system_id=x", "invalid_format"), ("system_id=", "invalid_format"),
        ("has_reports=yes", "invalid_value"), ("has_reports=", "invalid_value"), ("created_after=2026-04-13", "invalid_format"),
        ("created_before=x", "invalid_format"), ("created_after=2026-04-13T11:00:00+02:00", "invalid_format"), ("cursor=", "invalid_value"),
        ("cursor=abc", "invalid_value"), ("cursor=%C3%A9", "invalid_value"), ("cursor=====", "invalid_value"),
    ],
)  # fmt: skip
async def test_an_unsuitable_value_is_named(shared: World, query: str, code: str) -> None:
    answer = await shared.engineer("GET", f"/test-runs?{quote(query, safe='=&%+')}")
    assert problem(answer) == (422, "validation-failed")
    assert errors(answer) == {(f"query:{query.partition('=')[0]}", code)}


async def test_all_unsuitable_values_are_named_together(shared: World) -> None:
    answer = await shared.engineer(
        "GET", "/test-runs?limit=x&system_id=x&has_reports=x&created_after=x&created_before=x&cursor=x&unknown=x"
    )
    assert {p for p, _ in errors(answer)} == {
        f"query:{n}" for n in ("limit", "system_id", "has_reports", "created_after", "created_before", "cursor")
    }


async def test_a_cursor_belongs_to_its_list(shared: World) -> None:
    await some_runs(shared, 2)
    link = (await shared.engineer("GET", "/test-runs?limit=1")).headers["link"]
    cursor = link.partition("cursor=")[2].partition(">")[0]
    assert (await shared.engineer("GET", f"/test-runs?cursor={cursor}")).status_code == 200
    for path in ("/systems", "/assets", "/issues", "/card-templates"):
        assert errors(await shared.engineer("GET", f"{path}?cursor={cursor}")) == {("query:cursor", "invalid_value")}
    assert errors(await shared.engineer("GET", f"/test-runs?cursor={cursor}x")) == {("query:cursor", "invalid_value")}


async def test_the_catalogue_is_paged_in_the_same_way(shared: World) -> None:
    for path, name, key in (
        ("/systems", "system_name", "system_id"),
        ("/assets", "name", "uuid"),
        ("/issues", "title", "uuid"),
        ("/card-templates", "title", "uuid"),
    ):
        mark = uuid4().hex
        ids = [(await made(shared.engineer, path, {name: f"{mark} {n}"}))[key] for n in range(5)][::-1]
        pages = await walk(shared.engineer, f"{path}?search={mark.upper()}&limit=2")
        assert [[item[key] for item in page] for page in pages] == [ids[:2], ids[2:4], ids[4:]]
        assert (await shared.engineer("GET", f"{path}?search={mark}&limit=2")).headers["x-total-count"] == "5"
        assert errors(await shared.engineer("GET", f"{path}?limit=0")) == {("query:limit", "out_of_range")}
