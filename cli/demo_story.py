"""How the demo campaign is told to the server: catalogue first, then run by run as the people worked."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from cli.demo_campaign import ASSETS, CARDS, FIRST_DAY, ISSUES, PEOPLE, SYSTEMS, Step
from cli.demo_runs import RUNS, Run
from cli.demo_signals import Recording, record
from infra.public_api import Client

LEAD = "maya"
START_OF_WORK = time(8, 30)
STEP_S_MIN, STEP_S_MAX = 90, 900
CARD_MINUTES = 75

Told = Callable[[Run, str], None]


class Story:
    """Remembers the ids that the server gave to what the campaign names. `told` hears of each run when it is complete."""

    def __init__(self, client: Client, told: Told) -> None:
        self.client, self.told = client, told
        self.systems: dict[str, str] = {}
        self.assets: dict[str, list[str]] = {}
        self.templates: dict[str, str] = {}
        self.issues: dict[str, str] = {}

    def tell(self) -> None:
        self._catalogue()
        for run in RUNS:
            self.told(run, self._run(run))
        self._resolve()

    def is_told(self) -> bool:
        """Whether every run of the campaign is there already."""
        present: set[tuple[str, str]] = set()
        for key, (name, _) in SYSTEMS.items():
            found = self.client(LEAD, "GET", f"/systems?search={name.replace(' ', '+')}")["items"]
            for system in (item for item in found if item["system_name"] == name):
                runs = self.client(LEAD, "GET", f"/test-runs?system_id={system['system_id']}")["items"]
                present |= {(key, item["title"]) for item in runs}
        return all((run.system, run.title) in present for run in RUNS)

    def _catalogue(self) -> None:
        for key, (name, description) in SYSTEMS.items():
            made = self.client(LEAD, "POST", "/systems", {"system_name": name, "description": description})
            self.systems[key] = made["system_id"]
            bodies = [asset._asdict() | {"system_id": self.systems[key]} for asset in ASSETS[key]]
            self.assets[key] = [self.client(LEAD, "POST", "/assets", body)["uuid"] for body in bodies]
        for key, card in CARDS.items():
            steps = [{"title": s.title, "description": s.description, "step_type": s.step_type} for s in card.steps]
            body = {"title": card.title, "description": card.description, "steps": steps}
            self.templates[key] = self.client(LEAD, "POST", "/card-templates", body)["uuid"]

    def _run(self, run: Run) -> str:
        body = {
            "title": run.title,
            "system_id": self.systems[run.system],
            "asset_ids": [self.assets[run.system][place] for place in run.assets],
            "template_ids": [self.templates[card] for card in run.cards],
        }
        made = self.client(run.lead, "POST", "/test-runs", body)
        path = f"/test-runs/{made['uuid']}"
        for place, (key, card) in enumerate(zip(run.cards[: run.done], made["test_cards"], strict=False)):
            self._card(run, place, key, card, path)
        self._reports(run, made, path)
        if run.deleted_for_a_while:
            self.client(run.lead, "DELETE", path)
            self.client(run.lead, "POST", f"{path}/restore")
        if run.closed:
            self.client(run.lead, "POST", f"{path}/close", {"reason": run.closed})
        return str(made["test_run_id"])

    def _card(self, run: Run, place: int, key: str, card: dict[str, Any], path: str) -> None:
        """One sitting at the bench: outcomes together, then a word about what went wrong, and a retest where there was one."""
        person = run.bench[place % len(run.bench)]
        at = datetime.combine(FIRST_DAY + timedelta(run.day), START_OF_WORK, UTC) + timedelta(minutes=CARD_MINUTES * place)
        chance = Random(f"{run.title} {key}")  # noqa: S311 - the same durations at every run, no secret
        results, trouble = [], None
        for step, made in zip(CARDS[key].steps, card["test_steps"], strict=True):
            ended = at + timedelta(seconds=chance.randint(STEP_S_MIN, STEP_S_MAX))
            outcome = _outcome(run, key, step)
            results.append({"test_step_id": made["uuid"], "started_at": at, "ended_at": ended, **outcome})
            if outcome["execution_status"] == "failed":
                trouble = made["uuid"], step.failure, ended
            at = ended
        self.client(person, "POST", f"{path}/results", {"results": results})
        if key in run.recorded:
            recording = record(key, run.title, [(r["started_at"], r["ended_at"]) for r in results])
            self._file(person, recording, path, {"test_card_id": card["uuid"], "test_step_id": card["test_steps"][1]["uuid"]})
        if trouble is not None:
            step_id, seen, when = trouble
            where = f"{path}/cards/{card['uuid']}/steps/{step_id}"
            self.client(person, "POST", f"{where}/observations", {"text": seen, "observed_at": when})
            self.client(person, "PUT", f"{where}/issues/{self._issue(key, run)}")
            if key in run.retested:
                self._retest(run, where, key, when + timedelta(days=1, minutes=20))

    def _file(self, person: str, file: Recording, path: str, place: dict[str, str]) -> None:
        """As any client does it: ask where to, send, register."""
        about = {"file_name": file.file_name, "file_size": len(file.content), "content_type": file.content_type}
        upload = self.client(person, "POST", f"{path}/uploads", about)
        self.client.upload(upload["url"], file.content, upload["headers"])
        self.client(person, "POST", f"{path}/data", about | {"s3_url": upload["s3_url"], "associate_with": place})

    def _reports(self, run: Run, made: dict[str, Any], path: str) -> None:
        cards = dict(zip(run.cards, made["test_cards"], strict=True))
        for wanted in run.analysed:
            scope = {"scope": "run"} if wanted == "run" else {"scope": "card", "test_card_id": cards[wanted]["uuid"]}
            self.client(run.lead, "POST", f"{path}/reports", scope)

    def _retest(self, run: Run, where: str, key: str, when: datetime) -> None:
        person = run.bench[-1]
        outcome = {"execution_status": "passed", "started_at": when, "ended_at": when + timedelta(minutes=12)}
        self.client(person, "PATCH", where, outcome)
        self.client(person, "POST", f"{where}/observations", {"text": ISSUES[key].resolution, "observed_at": when})

    def _issue(self, key: str, run: Run) -> str:
        if key not in self.issues:
            issue = ISSUES[key]
            body = {
                "title": issue.title,
                "description": [{"type": "paragraph", "text": issue.text}],
                "status": "in_progress",
                "priority": issue.priority,
                "owner": issue.owner,
                "tags": [key, "acceptance"],
                "system_id": self.systems[run.system],
            }
            self.issues[key] = self.client(run.lead, "POST", "/issues", body)["uuid"]
        return self.issues[key]

    def _resolve(self) -> None:
        for key, issue in ISSUES.items():
            if issue.resolution:
                body = {"status": "resolved", "resolution_summary": issue.resolution}
                self.client(LEAD, "PATCH", f"/issues/{self.issues[key]}", body)


def _outcome(run: Run, key: str, step: Step) -> dict[str, Any]:
    if step.failure and key in run.failed + run.retested:
        return {"execution_status": "failed"}
    if step.exception and key in run.excepted:
        return {"execution_status": "passed_with_exception", "exception": step.exception}
    return {"execution_status": "done" if step.step_type in ("information", "checklist") else "passed"}


def everyone(token: str) -> dict[str, str]:
    """One token for all people of the campaign, where the server gives no others."""
    return dict.fromkeys(PEOPLE, token)
