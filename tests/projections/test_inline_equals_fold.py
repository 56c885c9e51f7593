"""What commands wrote beside their events is what a fold of the log gives, row for row."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID

import httpx
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from api import app as application
from cli.tokens import issue
from commands import data_files, reports, tokens
from commands.asking import HOST, Ask
from commands.door import Door
from commands.work import Query, Target, Work
from domain.facts import BY_NAME, Kind
from domain.reports import ReportCompleted, ReportFailed
from domain.steps import ExecutionStatus
from domain.tokens import Role
from infra import database, replay, storage
from infra.settings import Settings
from projections import comparison, shadow, views
from projections.fold import Fold
from tests.conftest import Atlas

ADDRESS = "s3://runledger/campaign"
EVERY_ROOT = UUID(int=0), UUID(int=2**128 - 1)
number = st.integers(0, 7)
NAMES = """
system asset issue template run card card step step step outcome outcome outcome results observe move close reopen reopen reopen file file report report
associate card|associate step|dissociate card|dissociate step|verify|link report|unlink report|begin|complete|fail|cancel
edit run|edit card|edit step|edit issue|edit template|edit observation|link run|link card|link step|unlink step|order cards|order steps|move card|unlink run|assets run
delete card|restore card|delete step|restore step|delete run|restore run|restore run|restore run|delete observation|delete file|restore file|delete issue|restore issue
"""
OPERATIONS = [name for line in NAMES.strip().split("\n") for name in (line.split("|") if "|" in line else line.split())]
operation = st.tuples(
    st.sampled_from(OPERATIONS),
    number,
    number,
    st.sampled_from([*ExecutionStatus]),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=8).filter(str.strip),
)


class Campaign:
    """Turns small numbers into requests about what was made so far; refusals are fine, crashes are not."""

    def __init__(self, client: Atlas, pool: database.Pool) -> None:
        self.client, self.pool = client, pool
        self.made: dict[str, list[Any]] = {}

    def pick(self, noun: str, n: int) -> Any:
        found = self.made.get(noun)
        return found[n % len(found)] if found else None

    def newest(self, noun: str, n: int) -> Any:
        """One of the last few, for what soon comes to its end."""
        return self.pick(noun, len(self.made[noun]) - 1 - n % 2) if noun in self.made else None

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.client(method, path, body)
        assert answer.status_code < 500, answer.text
        return answer.json() if answer.content and answer.status_code < 300 else None

    async def make(self, noun: str, path: str, body: object, *above: Any) -> None:
        found = await self.ask("POST", path, body)
        if found is not None:
            self.made.setdefault(noun, []).append((*above, found.get("uuid") or found["system_id"]))

    async def perform(self, name: str, a: int, b: int, status: ExecutionStatus, text: str) -> None:
        system, run, card, step = (self.pick(noun, a) for noun in ("system", "run", "card", "step"))
        issue, template, asset, seen = (self.pick(noun, b) for noun in ("issue", "template", "asset", "observation"))
        at_run = f"/test-runs/{run[0]}" if run else ""
        at_card = "/test-runs/{}/cards/{}".format(*card) if card else ""
        at_step = "/test-runs/{}/cards/{}/steps/{}".format(*step) if step else ""
        match name:
            case "system":
                await self.make("system", "/systems", {"system_name": text})
            case "asset":
                await self.make("asset", "/assets", {"name": text, "description": text})
            case "issue":
                await self.make("issue", "/issues", {"title": text, "tags": [text, "b"], "description": [{text: [b]}]})
            case "template":
                await self.make("template", "/card-templates", {"title": text, "steps": [{"title": text, "description": text}] * (b % 3)})
            case "run" if system:
                ids = {"asset_ids": [asset[0]] if asset else [], "issue_ids": [issue[0]] if issue else []}
                ids["template_ids"] = [template[0]] * (a % 3) if template else []
                await self.make("run", "/test-runs", {"title": text, "system_id": system[0], **ids})
            case "card" if run:
                body = {"title": text, "order": a or None, "template_id": template[0] if template and b % 2 else None}
                await self.make("card", f"{at_run}/cards", body, run[0])
            case "step" if card:
                await self.make("step", f"{at_card}/steps", {"title": text, "order": b or None}, *card)
            case "observe" if step:
                await self.make(
                    "observation", f"{at_step}/observations", {"text": text, "observed_at": "2026-04-13T11:00:00.5+02:00"}, *step
                )
            case "outcome" if step:
                note = text if status is ExecutionStatus.PASSED_WITH_EXCEPTION else None
                body = {"execution_status": status, "exception": note, "ended_at": "2026-04-13T11:00:00Z" if b % 2 else None}
                await self.ask("PATCH", at_step, body | ({"title": text} if b == 3 else {}))
            case "file" if run:
                body = {"file_name": text, "s3_url": ADDRESS, "file_size": 3}
                body["associate_with"] = {"test_step_id": step[2]} if step and b % 2 else None
                await self.make("file", f"{at_run}/data", body, run[0])
            case "report" if run:
                about = step if step and step[0] == run[0] and b % 2 else None
                body = {"scope": "step", "test_card_id": about[1], "test_step_id": about[2]} if about else {"scope": "run"}
                await self.make("report", f"{at_run}/reports", body | {"analysis_context": text}, run[0])
            case "associate card" | "dissociate card" | "associate step" | "dissociate step" if (file := self.pick("file", b)) and step:
                verb, noun = name.split()
                path = "/test-runs/{}/data/{}".format(*file) + f"/associations/{noun}s/{step[2] if noun == 'step' else step[1]}"
                await self.ask("PUT" if verb == "associate" else "DELETE", path)
            case "verify" | "begin" | "complete" | "fail":
                await self.work(name, self.newest("file" if name == "verify" else "report", b), text)
            case "cancel" if report := self.newest("report", b):
                shown = await self.ask("GET", "/test-runs/{}/reports/{}".format(*report)) or {"job_run_id": UUID(int=0)}
                await self.ask("POST", f"/job-runs/{shown['job_run_id']}/cancel")
            case "results" if step:
                mine = list(dict.fromkeys(s[2] for s in self.made["step"] if s[0] == step[0]))
                await self.ask(
                    "POST", f"/test-runs/{step[0]}/results", {"results": [{"test_step_id": s, "execution_status": status} for s in mine]}
                )
            case _:
                await self.change(name, {"run": at_run, "card": at_card, "step": at_step}, issue, template, seen, b, text)

    async def work(self, name: str, about: Any, text: str) -> None:
        """What the machine records, whatever was deleted or closed meanwhile."""
        if about is None:
            return
        run_id, stream_id = UUID(about[0]), UUID(about[1])

        async def decide(work: Work) -> Query:
            state = work.streams[stream_id].state
            match name:
                case "verify":
                    await data_files.verify(work, stream_id, "0" * 64)
                case "begin":
                    await reports.start(work, stream_id, state.attempt + 1)
                case "complete":
                    done = ReportCompleted(attempt=1, run_version=1, summary=text, content=text)
                    await reports.finish(work, stream_id, done)
                case "fail":
                    await reports.finish(work, stream_id, ReportFailed(attempt=1, reason=text))
            return Query(204)

        kind = Kind.FILE if name == "verify" else Kind.REPORT
        target = Target(Kind.RUN, run_id, below=((kind, stream_id),), anyhow=True)
        await Door(self.pool, views.project_inline).perform(Ask(actor=HOST), target, Role.ADMIN, decide)

    async def change(self, name: str, at: dict[str, str], issue: Any, template: Any, seen: Any, b: int, text: str) -> None:
        verb, _, noun = name.partition(" ")
        path = at.get(noun.removesuffix("s") if noun else "run") or ""
        match verb:
            case "delete" | "restore" | "link" | "unlink" if noun in ("file", "report"):
                found, folder = self.newest(noun, b), "data" if noun == "file" else "reports"
                path = f"/test-runs/{found[0]}/{folder}/{found[1]}" if found else ""
            case "edit" | "delete" | "restore" if noun in ("issue", "template", "observation"):
                path = {
                    "issue": f"/issues/{issue[0]}" if issue else "",
                    "template": f"/card-templates/{template[0]}" if template else "",
                }.get(noun, "")
                if noun == "observation" and seen:
                    path = "/test-runs/{}/cards/{}/steps/{}/observations/{}".format(*seen)
        match verb:
            case _ if not path:
                return
            case "edit":
                await self.ask("PATCH", path, {"text" if noun == "observation" else "title": text})
            case "move":
                await self.ask("PATCH", path if noun else at["step"] or path, {"order": b + 1})
            case "assets":
                await self.ask("PATCH", path, {"asset_ids": [a[0] for a in self.made.get("asset", [])[b:]]})
            case "delete":
                await self.ask("DELETE", path)
            case "restore" | "close" | "reopen":
                await self.ask("POST", f"{path}/{verb}", {"reason": text} if verb == "reopen" else None)
            case "link" | "unlink" if issue:
                linked = self.made["issue"][b % 2][0] if len(self.made["issue"]) > 1 else issue[0]
                await self.ask("PUT" if verb == "link" else "DELETE", f"{path}/issues/{linked}")
            case "order":
                path = at["run"] if noun == "cards" else at["card"]
                shown = await self.ask("GET", path) or {}
                ids = [c["uuid"] for c in shown.get(f"test_{noun}", [])]
                await self.ask("PUT", f"{path}/{noun}/order", {"ids": ids[b:] + ids[:b]})


async def folded(conn: AsyncConnection[Any], name: str) -> None:
    """The whole log folded into a fresh view set."""
    await shadow.make_bare(conn, name)
    fold = Fold()
    async for page in replay.of_roots(conn, *EVERY_ROOT, limit=50):
        fold.apply(page)
    await shadow.load(conn, name, fold)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(operations=st.lists(operation, min_size=30, max_size=80))
def test_inline_views_are_the_fold_of_the_log(with_s3: Settings, operations: list[Any]) -> None:
    asyncio.run(check(with_s3, operations))


async def check(given: Settings, operations: list[Any]) -> None:
    await database.migrate(given, views.create)
    async with storage.client(given, connect_s=2, read_s=5) as s3:
        await s3.put_object(Bucket="runledger", Key="campaign", Body=b"abc")
    async with database.pool(given) as pool:
        token = tokens.fresh()
        await issue(pool, token, "engineer", "engineer@example.com", Role.ENGINEER)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application.create(given, pool)), base_url="http://test") as http:
            campaign = Campaign(Atlas(http, token), pool)
            for place, noun in enumerate(
                ["system", "asset", "issue", "template", "run", "run", "card", "card", "step", "step", "step", "observe", "file", "report"]
            ):
                await campaign.perform(noun, 0, place, ExecutionStatus.TODO, noun)
            for wanted in operations:
                await campaign.perform(*wanted)
    async with await owner(given) as conn:
        await conn.execute("DROP SCHEMA IF EXISTS folded CASCADE")
        await folded(conn, "folded")
        assert await comparison.differences(conn, f"{given.schema}_views", "folded") == []


async def owner(given: Settings) -> AsyncConnection[Any]:
    options = f"-c search_path={given.schema},public -c timezone=UTC"
    return await psycopg.AsyncConnection.connect(given.owner_url or "", autocommit=True, options=options)


async def test_a_long_campaign_meets_every_event_of_a_run(with_s3: Settings) -> None:
    chance = Random(1)
    wanted = [
        (
            chance.choice(OPERATIONS),
            chance.randrange(8),
            chance.randrange(8),
            chance.choice([*ExecutionStatus]),
            chance.choice("aäö\\\t\n'\"🔋") + "x",
        )
        for _ in range(1_800)
    ]
    await check(with_s3, wanted)
    async with await owner(with_s3) as conn:
        met = {row[0] for row in await (await conn.execute("SELECT DISTINCT topic FROM events")).fetchall()}
    catalogue_and_tokens = ("system.", "asset.", "token.", "card_template.")
    assert {name for name in BY_NAME if not name.startswith(catalogue_and_tokens)} - met == set()


async def test_a_row_that_was_altered_is_named_with_its_column(with_s3: Settings) -> None:
    await check(with_s3, [])
    async with await owner(with_s3) as conn:
        views_schema = f"{with_s3.schema}_views"
        await conn.execute(f"UPDATE {views_schema}.runs SET title = 'altered', n_failed = 7")
        await conn.execute(f"DELETE FROM {views_schema}.cards")
        found = await comparison.differences(conn, views_schema, "folded")
        assert [(d.table, d.column, d.rows) for d in found] == [("runs", "n_failed", 2), ("runs", "title", 2), ("cards", "", 2)]
        assert found[1].example[1:] == ("altered", "run")
