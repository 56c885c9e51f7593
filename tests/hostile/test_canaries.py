"""No token, password or key that a deployment uses shows in a log, an event, a table, an answer or a report, whatever fails."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
from psycopg import sql

from commands import tokens
from infra.embedded import beside
from tests import language_models
from tests.acceptance.program import Program
from tests.api.test_matrix import ROUTES, fill
from tests.infra import stores

WAIT_S_MAX = 30
ROWS = "\n".join(["time_s,rail_V", *(f"{n / 10},{13.0 if n == 700 else 12.0}" for n in range(1_000)), ""]).encode()
SHOWN_ONCE = ("/download", "/uploads")  # their addresses name the access key, as S3 wants it; never the secret one


class Campaign:
    """A deployment in use, with the secrets that it holds by name."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.addresses = program.addresses()
        kept = json.loads((program.directory / "credentials.json").read_text())
        self.secrets = {name: value for name, value in kept.items() if isinstance(value, str)}
        self.secrets |= {"admin token": program.token, "key of the language model": language_models.KEY}
        self.answers: list[tuple[str, httpx.Response]] = []
        self.http = httpx.Client(base_url=program.url, timeout=20)

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.program.token}"} | more.pop("headers", {})
        answer = self.http.request(method, path, headers=headers, **more)
        self.answers.append((f"{method} {path}", answer))
        return answer

    def make(self, path: str, body: dict[str, Any]) -> Any:
        return self.ask("POST", f"/api/v1{path}", json=body).raise_for_status().json()

    def secret_parts(self) -> dict[str, str]:
        """Of a token the part that must not be known."""
        return {name: value.rsplit("_", 1)[-1] if value.startswith("rl_") else value for name, value in self.secrets.items()}

    def found_in(self, text: str | bytes) -> list[str]:
        plain = text.encode() if isinstance(text, str) else text
        return [name for name, value in self.secret_parts().items() if value.encode() in plain]

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S_MAX
        while not true():
            assert time.monotonic() < end
            time.sleep(0.05)

    @contextmanager
    def stopped(self, server: str) -> Iterator[None]:
        pid = self.program.servers()[server]
        os.kill(pid, signal.SIGSTOP)
        yield
        os.kill(pid, signal.SIGCONT)

    def kill(self, server: str) -> None:
        os.kill(self.program.servers()[server], signal.SIGKILL)


def test_secrets_stay_where_they_are_kept(tmp_path: Path, tell: Callable[[str], None]) -> None:
    tmp_path.chmod(0o711)
    with language_models.serving(language_models.refuses(401)) as models:
        settings = {"RUNLEDGER_LOG": "json", "RUNLEDGER_LOG_LEVEL": "debug", "RUNLEDGER_SEARCH_MEANING": "false"}
        settings |= {"RUNLEDGER_LLM_URL": models.url, "RUNLEDGER_LLM_MODEL": language_models.NAME, "RUNLEDGER_LLM_KEY": language_models.KEY}
        with Program(tmp_path / "data", settings) as program:
            campaign = Campaign(program)
            ids = used(campaign)
            refused(campaign, ids)
            failing(campaign, ids)
            read(campaign, ids)
            tables, rows = of_tables(campaign)
    logs = [program.output, *(program.directory / "logs").iterdir(), *program.directory.glob("*.ndjson")]
    looked_at = {"log lines": sum(file.read_bytes().count(b"\n") for file in logs), "rows": rows, "answers": len(campaign.answers)}
    assert min(looked_at.values()) > 50, looked_at
    assert {str(file): found for file in logs if (found := campaign.found_in(file.read_bytes()))} == {}
    assert tables == {}
    assert of_answers(campaign) == {}
    tell(f"{len(campaign.secrets)} secrets, looked for in {looked_at}")


def used(campaign: Campaign) -> dict[str, str]:
    """An ordinary day: things, files, a token issued and one revoked, a report whose language model refuses."""
    asyncio.run(stores.put(beside.settings(campaign.program.directory), "rail.csv", ROWS))
    system = campaign.make("/systems", {"system_name": "PDU"})["system_id"]
    asset, issue = campaign.make("/assets", {"name": "a"})["uuid"], campaign.make("/issues", {"title": "a"})["uuid"]
    template = campaign.make("/card-templates", {"title": "a", "steps": [{"title": "a"}]})["uuid"]
    run = campaign.make("/test-runs", {"title": "a", "system_id": system, "template_ids": [template]})
    card = run["test_cards"][0]
    ids = {"run_id": run["uuid"], "card_id": card["uuid"], "step_id": card["test_steps"][0]["uuid"], "system_id": system}
    file = {"file_name": "rail.csv", "s3_url": "s3://runledger/rail.csv", "file_size": len(ROWS), "content_type": "text/csv"}
    ids |= {"file_id": campaign.make(f"/test-runs/{run['uuid']}/data", file)["uuid"]}
    campaign.make(f"/test-runs/{run['uuid']}/uploads", {"file_name": "x", "file_size": 1})
    issued = [campaign.make("/admin/tokens", {"name": "b", "email": "b@example.com", "role": "viewer"}) for _ in "ab"]
    campaign.secrets |= {f"issued token {n}": each["token"] for n, each in enumerate(issued)}
    campaign.ask("DELETE", f"/api/v1/admin/tokens/{issued[0]['token_id']}").raise_for_status()
    report = campaign.make(f"/test-runs/{run['uuid']}/reports", {"scope": "run"})
    path = f"/api/v1/test-runs/{run['uuid']}/reports/{report['uuid']}"
    campaign.until(lambda: campaign.ask("GET", path).json()["status"] == "completed")
    ids |= {"report_id": report["uuid"], "job_run_id": report["job_run_id"], "actor_id": issued[0]["actor_id"]}
    return ids | {"asset_id": asset, "issue_id": issue, "template_id": template, "token_id": issued[1]["token_id"]}


def refused(campaign: Campaign, ids: dict[str, str]) -> None:
    """Tokens where they do not belong, and every other kind of refusal."""
    unknown, run = tokens.fresh(), f"/api/v1/test-runs/{ids['run_id']}"
    campaign.secrets |= {"unknown token": unknown}
    for token in (unknown, campaign.secrets["issued token 0"], f"{campaign.program.token}x", f"Bearer {unknown}"):
        assert campaign.ask("GET", run, token).status_code == 401
    for path in (f"{run}?token={unknown}", f"/api/v1/test-runs/{unknown}", f"/{quote(unknown)}/x", f"/problems/{unknown}"):
        campaign.ask("GET", path, unknown)
    campaign.ask("GET", run, campaign.secrets["issued token 0"], headers={"user-agent": unknown, "x-request-id": "a b"})
    assert campaign.ask("POST", run, campaign.secrets["issued token 1"]).status_code == 405
    viewer = campaign.secrets["issued token 1"]
    assert campaign.ask("POST", f"{run}/cards", viewer, json={"title": "a"}).status_code == 403
    for body, kind in (
        (b"{", "application/json"),
        (b"x" * 2_000_000, "application/json"),
        (b"a=b", "text/plain"),
        (b'{"x": 1}', "application/json"),
    ):
        answer = campaign.ask("POST", f"{run}/cards", content=body, headers={"content-type": kind})
        assert answer.status_code in (400, 413, 415, 422)


def failing(campaign: Campaign, ids: dict[str, str]) -> None:
    """A fault in our own SQL, and each server away once; the worker asked for a report meanwhile."""
    run = f"/api/v1/test-runs/{ids['run_id']}"
    with psycopg.connect(campaign.addresses["RUNLEDGER_DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("ALTER TABLE runledger_views.runs RENAME COLUMN title TO other")
        assert campaign.ask("GET", "/api/v1/test-runs").status_code == 500
        owner.execute("ALTER TABLE runledger_views.runs RENAME COLUMN other TO title")
    with campaign.stopped("rclone"):
        file = {"file_name": "x.csv", "s3_url": "s3://runledger/x.csv", "file_size": 1}
        assert campaign.ask("POST", f"{run}/data", json=file).status_code == 503
        campaign.make(f"/test-runs/{ids['run_id']}/reports", {"scope": "run"})
        time.sleep(1)
    for server in ("rclone", "valkey-server", "postgres"):
        campaign.kill(server)
        campaign.ask("GET", "/api/v1/test-runs")
        campaign.ask("GET", "/readyz")
        campaign.until(campaign.program.is_ready)
        campaign.until(lambda server=server: server in campaign.program.servers())
    campaign.until(lambda: campaign.ask("GET", "/api/v1/test-runs").status_code == 200)


def read(campaign: Campaign, ids: dict[str, str]) -> None:
    """Everything that can be read."""
    for route in (route for route in ROUTES if route["method"] == "GET"):
        path = fill(route["path"], ids).replace("{slug}", "closed").replace("{file}", "docs.js")
        campaign.ask("GET", f"{path}?{route.get('query', '')}")
    for form in ("html", "pdf"):
        path = f"/api/v1/test-runs/{ids['run_id']}/reports/{ids['report_id']}?format={form}"
        assert campaign.ask("GET", path).status_code == 200


def of_tables(campaign: Campaign) -> tuple[dict[str, list[str]], int]:
    """The secrets in each table of the ledger and its views, and how many rows were looked at."""
    found, rows = {}, 0
    with psycopg.connect(campaign.addresses["RUNLEDGER_DATABASE_OWNER_URL"]) as conn:
        named = conn.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'runledger%'").fetchall()
        for name in named:
            for row in conn.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*name))):
                rows += 1
                text = b"\0".join(bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in row)
                if secrets := campaign.found_in(text):
                    found[".".join(name)] = secrets
    return found, rows


def of_answers(campaign: Campaign) -> dict[str, list[str]]:
    """The secrets in each answer, but the token that was just made and the access key in an address for S3."""
    found = {}
    for request, answer in campaign.answers:
        path = request.split("?")[0]
        allowed = {"s3_access_key"} if path.endswith(SHOWN_ONCE) else set[str]()
        if request == "POST /api/v1/admin/tokens":
            allowed = {name for name in campaign.secrets if name.startswith("issued")}
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        if secrets := set(campaign.found_in(answer.content) + campaign.found_in(head)) - allowed:
            found[request] = sorted(secrets)
    return found
