"""The demo campaign, told through the real server."""

import json
from typing import Any

import httpx
import pytest

from cli.demo_campaign import PEOPLE
from cli.demo_runs import RUNS
from commands.tokens import fresh
from tests.cli.program import Serving


def seen(server: Serving, path: str) -> Any:
    headers = {"authorization": f"Bearer {server.said['first_admin_token']}"}
    answer = httpx.get(f"{server.url}/api/v1{path}", headers=headers, trust_env=False)
    assert answer.status_code == 200
    return answer.json()


def find(server: Serving, title: str) -> str:
    return str(next(item["uuid"] for item in seen(server, "/test-runs")["items"] if item["title"] == title))


@pytest.fixture(scope="module")
def campaign(server: Serving) -> Serving:
    done = server.run("demo", "--url", server.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"The demo campaign is told: 20 runs at {server.url}\n"
    assert [line.split("  ", 1)[1] for line in done.stderr.splitlines()] == [run.title for run in RUNS]
    return server


def test_the_campaign_is_mixed_and_the_work_of_several_people(campaign: Serving) -> None:
    items = seen(campaign, "/test-runs")["items"]
    assert [item["title"] for item in reversed(items)] == [run.title for run in RUNS]
    assert {item["status"] for item in items} == {"open", "closed"}
    assert {s for item in items for s in item["step_status_counts"]} == {"todo", "done", "passed", "passed_with_exception", "failed"}
    assert {who for item in items for who in item["contributors"]} == {person.email for person in PEOPLE.values()}
    assert max(len(item["contributors"]) for item in items) == 3
    assert sum(item["issue_count"] for item in items) >= 5
    assert all(item["asset_count"] for item in items)
    people = {person.email for person in PEOPLE.values()}
    shelves = [seen(campaign, path)["items"] for path in ("/systems", "/assets", "/card-templates", "/issues")]
    assert [sum(item["created_by"] in people for item in shelf) for shelf in shelves] == [3, 12, 8, 5]


def test_a_failure_has_its_observation_its_issue_and_its_retest(campaign: Serving) -> None:
    run = seen(campaign, f"/test-runs/{find(campaign, RUNS[3].title)}")
    card = next(card for card in run["test_cards"] if card["title"] == "Overvoltage protection")
    step = card["test_steps"][1]
    assert step["execution_status"] == "passed"
    assert [o["created_by"] for o in step["observations"]] == ["tomas.rivera@example.com"] * 2
    assert [(i["status"], i["priority"]) for i in step["issues"]] == [("resolved", "high")]
    assert step["started_at"].startswith("2026-04-15")
    assert card["test_steps"][0]["started_at"].startswith("2026-04-14")


def told(server: Serving) -> list[dict[str, Any]]:
    """The runs without the time of their last change: the worker still reads their files."""
    return [{name: value for name, value in item.items() if name != "updated_at"} for item in seen(server, "/test-runs")["items"]]


def test_a_second_telling_changes_nothing(campaign: Serving) -> None:
    before = told(campaign)
    again = campaign.run("demo", "--url", campaign.url, "--json")
    assert json.loads(again.stdout) == {"url": campaign.url, "status": "present", "runs": 20}
    assert again.stderr == ""
    assert told(campaign) == before
    with_token = campaign.run("demo", "--url", campaign.url, "--token", str(campaign.said["first_admin_token"]))
    assert (with_token.returncode, with_token.stdout) == (0, f"The demo campaign is there already: 20 runs at {campaign.url}\n")


def test_the_peoples_tokens_are_revoked_at_the_end(campaign: Serving) -> None:
    items = json.loads(campaign.run("token", "list", "--json").stdout)["items"]
    assert {item["state"] for item in items if item["name"] == "demo"} == {"revoked"}


def test_a_bad_token_is_told(server: Serving) -> None:
    done = server.run("demo", "--url", server.url, "--token", fresh())
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not accept this token" in done.stderr
