"""The seed's curl lines against the real program, with real curl."""

import asyncio
import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.embedded import beside
from tests.acceptance.program import Program
from tests.infra import stores

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is the reference client and is not installed here")

# What the contract shows: names and types of the answers, None standing for a member that may be null.
RUN = {
    "uuid": str, "test_run_id": str, "title": str, "description": str, "system_id": str, "system_name": str, "test_cards": list,
    "test_data": list, "reports": list, "contributors": list, "created_by": str, "created_at": str, "updated_at": str,
    "status": str, "closed_at": None, "asset_ids": list, "issues": list,
}  # fmt: skip
SUMMARY = {
    "uuid": str, "test_run_id": str, "title": str, "system_id": str, "system_name": str, "completion_pct": float, "step_status_counts": dict,
    "contributors": list, "asset_names": list, "asset_count": int, "issue_count": int, "card_count": int, "file_count": int,
    "report_count": int, "created_by": str, "created_at": str, "updated_at": str, "status": str,
}  # fmt: skip
CARD = {
    "uuid": str, "title": str, "description": str, "order": int, "test_steps": list, "issues": list, "test_data": list, "reports": list,
    "created_at": str, "updated_at": str, "template_id": None, "template_version": None,
}  # fmt: skip
STEP = {
    "uuid": str, "title": str, "description": str, "order": int, "step_type": str, "execution_status": str, "exception": None,
    "started_at": None, "ended_at": None, "observations": list, "test_data": list, "issues": list, "reports": list,
    "created_at": str, "updated_at": str,
}  # fmt: skip

FILE = {
    "uuid": str, "file_name": str, "s3_url": str, "file_size": int, "content_type": str, "uploaded_by": str, "created_at": str,
    "associations": list, "s3_version_id": None, "s3_etag": str, "sha256": None,
}  # fmt: skip
REPORT = {
    "uuid": str, "title": str, "scope": str, "status": str, "content": str, "summary": str, "issues": list, "test_data": list,
    "job_run_id": str, "created_by": str, "created_at": str, "test_card_id": None, "test_step_id": None, "manifest": None,
    "completed_at": None, "failure_reason": None,
}  # fmt: skip
COMPLETED = REPORT | {"manifest": dict, "completed_at": str}
MATCH = {"component_type": str, "component_id": str, "component_title": str, "path": str, "snippet": str, "match_type": str}
LOG = (b"time_s,input_voltage_V\n" + b"".join(b"%d,%d.%02d\n" % (n, 12 + n % 2, n % 100) for n in range(20_000)))[:204_800]
REPORT_S_MAX = 60


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Deployment(NamedTuple):
    port: int
    token: str
    directory: Path

    def curl(self, path: str, *options: str) -> Answer:
        """What curl shows with --include: the status line, the headers, the body as it came."""
        url = f"http://127.0.0.1:{self.port}/api/v1{path}"
        given = [
            "curl",
            "--silent",
            "--show-error",
            "--include",
            "--max-time",
            "30",
            url,
            "-H",
            f"Authorization: Bearer {self.token}",
            *options,
        ]
        out = subprocess.run(given, check=True, capture_output=True, timeout=60).stdout
        head, _, body = out.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        return Answer(int(status.split(" ")[1]), headers, body)

    def send(self, method: str, path: str, body: str) -> Answer:
        return self.curl(path, "-X", method, "-H", "Content-Type: application/json", "-d", body)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The program as an operator starts it, on a directory of its own."""
    with Program(tmp_path_factory.mktemp("seed") / "data", {"RUNLEDGER_S3_BUCKETS": "your-bucket"}) as program:
        asyncio.run(stores.put(beside.settings(program.directory), "test-data/motor_test_log.csv", LOG))
        yield Deployment(program.port, program.token, program.directory)


def shaped(found: dict[str, Any], shape: dict[str, Any]) -> None:
    """Names, types, ids and times as the contract shows them."""
    assert found.keys() == shape.keys()
    for name, kind in shape.items():
        assert found[name] is None if kind is None else type(found[name]) is kind, (name, found[name])
    for name in shape.keys() & {"created_at", "updated_at"}:
        assert STAMP.fullmatch(found[name]), found[name]
    assert UUID_TEXT.fullmatch(found["uuid"])


def test_the_seeds_campaign_from_the_first_run_to_the_last_delete(deployment: Deployment) -> None:
    system = deployment.send("POST", "/systems", '{"system_name": "Power Distribution Unit"}').json()["system_id"]

    created = deployment.send("POST", "/test-runs", '{"title": "Motor Controller Acceptance Test", "system_id": "' + system + '"}')
    run = created.json()
    assert (created.status, created.headers["location"]) == (201, f"/api/v1/test-runs/{run['uuid']}")
    shaped(run, RUN)
    assert {name: run[name] for name in ("test_run_id", "title", "description", "system_id", "system_name", "contributors", "status")} == {
        "test_run_id": "TR-0001",
        "title": "Motor Controller Acceptance Test",
        "description": "",
        "system_id": system,
        "system_name": "Power Distribution Unit",
        "contributors": [run["created_by"]],
        "status": "open",
    }
    assert "@" in run["created_by"]
    at = f"/test-runs/{run['uuid']}"

    listed = deployment.curl(f"/test-runs?system_id={system}")
    assert (listed.status, listed.json().keys(), listed.json()["count"]) == (200, {"items", "count"}, 1)
    shaped(listed.json()["items"][0], SUMMARY)
    assert listed.json()["items"][0]["completion_pct"] == 0.0

    shown = deployment.curl(at)
    assert (shown.status, shown.json(), shown.headers["content-type"]) == (200, run, "application/json")

    renamed = deployment.send("PATCH", at, '{"title": "Motor Controller Acceptance Test \u2013 Rev 2"}')
    assert (renamed.status, renamed.json()["title"]) == (200, "Motor Controller Acceptance Test \u2013 Rev 2")
    shaped(renamed.json(), RUN)

    card_answer = deployment.send(
        "POST", f"{at}/cards", '{"title": "Overvoltage protection", "description": "Apply 13V to input, verify shutdown within 100ms"}'
    )
    card = card_answer.json()
    assert (card_answer.status, card["order"], card["description"]) == (201, 1, "Apply 13V to input, verify shutdown within 100ms")
    shaped(card, CARD)
    card_at = f"{at}/cards/{card['uuid']}"

    changed = deployment.send("PATCH", card_at, '{"title": "Overvoltage protection \u2013 updated threshold"}')
    assert (changed.status, changed.json()["title"]) == (200, "Overvoltage protection \u2013 updated threshold")
    shaped(changed.json(), CARD)

    step_answer = deployment.send("POST", f"{card_at}/steps", '{"title": "Apply 13V to input rail"}')
    step = step_answer.json()
    assert (step_answer.status, step["execution_status"], step["step_type"], step["order"]) == (201, "todo", "passfail", 1)
    shaped(step, STEP)
    step_at = f"{card_at}/steps/{step['uuid']}"

    passed = deployment.send("PATCH", step_at, '{"execution_status": "passed"}')
    assert (passed.status, passed.json()["execution_status"]) == (200, "passed")
    shaped(passed.json(), STEP)
    summary = deployment.curl(f"/test-runs?system_id={system}").json()["items"][0]
    assert (summary["completion_pct"], summary["step_status_counts"], summary["card_count"]) == (1.0, {"passed": 1}, 1)

    file_at = the_data_lines(deployment, at)
    the_report_lines(deployment, at)
    the_search_line(deployment, system, step["uuid"])
    for path in (step_at, card_at, file_at, at):
        gone = deployment.curl(path, "-X", "DELETE")
        assert (gone.status, gone.body) == (204, b"")
        assert "content-type" not in gone.headers
        again = deployment.curl(path, "-X", "DELETE")
        assert (again.status, again.headers["content-type"], again.json()["type"]) == (
            404,
            "application/problem+json",
            "/problems/not-found",
        )


def the_data_lines(deployment: Deployment, at: str) -> str:
    body = {"file_name": "motor_test_log.csv", "s3_url": "s3://your-bucket/test-data/motor_test_log.csv", "file_size": 204800}
    answer = deployment.send("POST", f"{at}/data", json.dumps(body | {"content_type": "text/csv"}))
    file = answer.json()
    assert answer.status == 201, file
    shaped(file, FILE)
    assert file | body == file
    listed = deployment.curl(f"{at}/data").json()
    assert (listed.keys(), listed["count"], listed["items"][0]["uuid"]) == ({"items", "count"}, 1, file["uuid"])
    return f"{at}/data/{file['uuid']}"


def the_report_lines(deployment: Deployment, at: str) -> None:
    answer = deployment.send("POST", f"{at}/reports", '{"scope": "run"}')
    report = answer.json()
    assert (answer.status, report["status"]) == (201, "pending")
    shaped(report, REPORT)
    assert report["title"] == "Motor Controller Acceptance Test \u2013 Rev 2 \u2013 Run Analysis"
    listed = deployment.curl(f"{at}/reports").json()
    assert (listed.keys(), listed["count"]) == ({"items", "count"}, 1)
    end = time.monotonic() + REPORT_S_MAX
    while (shown := deployment.curl(f"{at}/reports/{report['uuid']}").json())["status"] in ("pending", "running"):
        assert time.monotonic() < end, shown
        time.sleep(0.2)
    assert shown["status"] == "completed", shown
    shaped(shown, COMPLETED)
    assert (shown["manifest"]["files"][0]["sha256"], shown["content"][:1]) == (hashlib.sha256(LOG).hexdigest(), "*")


def the_search_line(deployment: Deployment, system: str, step: str) -> None:
    """The query shares no word with the step: its meaning has to be known first."""
    end = time.monotonic() + REPORT_S_MAX
    while True:
        answer = deployment.curl(f"/test-runs/search?q=undervoltage&system_id={system}")
        assert (answer.status, answer.json().keys()) == (200, {"results", "total_count"})
        if matches := [m for r in answer.json()["results"] for m in r["matches"] if m["component_id"] == step]:
            break
        assert time.monotonic() < end, answer.json()
        time.sleep(0.2)
    shaped_match = {name: type(value) for name, value in matches[0].items()}
    assert shaped_match == MATCH
    assert (matches[0]["component_title"], matches[0]["match_type"]) == ("Apply 13V to input rail", "semantic")
    assert matches[0]["path"] == "Overvoltage protection \u2013 updated threshold > Apply 13V to input rail"
    shaped(answer.json()["results"][0]["test_run"], SUMMARY)
    assert 0 < answer.json()["results"][0]["score"] <= 1


def test_head_and_options_over_a_real_connection(deployment: Deployment) -> None:
    get, head = deployment.curl("/test-runs"), deployment.curl("/test-runs", "--head")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", get.headers["content-length"])
    options = deployment.curl("/test-runs", "-X", "OPTIONS")
    assert (options.status, options.headers["allow"], options.body) == (204, "GET, HEAD, OPTIONS, POST", b"")
    tag = deployment.curl(f"/systems/{deployment.send('POST', '/systems', json.dumps({'system_name': 'a'})).json()['system_id']}").headers[
        "etag"
    ]
    assert re.fullmatch(r'"1-1-[0-9a-f]{12}"', tag)


def test_nonsense_over_a_real_connection_is_told_as_a_problem(deployment: Deployment) -> None:
    huge = '{"title": "' + "x" * 1_100_000 + '"}'
    for answer, status in (
        (deployment.send("POST", "/test-runs", "{"), 400),
        (deployment.curl("/test-runs/%00"), 400),
        (deployment.curl("/test-runs/%ff"), 400),
        (deployment.curl("/test-runs/"), 404),
        (deployment.curl("/test-runs", "-X", "TRACE"), 405),
        (deployment.curl("/test-runs", "-H", "Content-Type: application/json", "-H", "Expect:", "--data-binary", "@-", "-X", "POST"), 422),
        (deployment.send("POST", "/test-runs", huge[:100_000]), 400),
    ):
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
