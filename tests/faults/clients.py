"""Seeded clients that do what people and test rigs do, and write down each change before they ask for it."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from tests.acceptance.journal import JournalingClient, Operation

PAUSE_S = 0.01
BACK_OFF_S = 0.1
UNKEYED_SHARE = 0.3
STATUSES = ("todo", "passed_with_exception", "failed")


class Object(NamedTuple):
    """One that lies in S3."""

    url: str
    size: int


class Ground:
    """What the clients have made, by its path; each may change what any of them made."""

    def __init__(self, objects: list[Object]) -> None:
        self.objects = objects
        self.systems: list[str] = []
        self.runs: list[str] = []
        self.cards: list[str] = []
        self.steps: list[str] = []
        self.observations: list[str] = []
        self.files: list[str] = []
        self.job_runs: list[str] = []
        self.deleted: list[str] = []


class Tally:
    """What was answered under which harm. `phase` is set by whoever harms."""

    def __init__(self) -> None:
        self.phase = ""
        self.asked, self.unexpected = 0, list[str]()
        self.refused: Counter[tuple[str, str, str]] = Counter()
        self.slowest: dict[str, float] = {}
        self.secrets: tuple[str, ...] = ()

    def note(self, phase: str, took_s: float, answer: httpx.Response | None, method: str, path: str) -> None:
        self.asked += 1
        if phase == self.phase:
            self.slowest[phase] = max(self.slowest.get(phase, 0), took_s)
        status = "none" if answer is None else str(answer.status_code)
        if answer is None or answer.status_code >= 500:
            if phase == self.phase:
                about = "to register a file" if method == "POST" and path.endswith("/data") else "for something else"
                self.refused[phase, status, about] += 1
            if status not in ("none", "503", "507") or (answer is not None and "retry-after" not in answer.headers):
                self.unexpected.append(f"{method} {path} was answered {status} under {phase}")
        if answer is not None and any(secret in answer.text for secret in self.secrets):
            self.unexpected.append(f"{method} {path} was answered with a secret")


class Client(threading.Thread):
    """Works until `stopping`; `chance` decides what it does, the ground and the tally are shared."""

    def __init__(self, http: JournalingClient, ground: Ground, tally: Tally, chance: random.Random, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self.http, self.ground, self.tally, self.chance, self.stopping = http, ground, tally, chance, stopping
        self.seen: dict[str, int] = {}
        self.failure: BaseException | None = None
        self.was_refused = False

    def run(self) -> None:
        deeds, weights = zip(*DEEDS, strict=True)
        try:
            while not self.stopping.is_set():
                self.chance.choices(deeds, weights)[0](self)
                time.sleep(BACK_OFF_S if self.was_refused else PAUSE_S)
        except BaseException as failure:
            self.failure = failure
            raise

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, **more: Any) -> Any:
        """What a change was answered, or None. `body` may name its marker `{}`, which is found in the log later."""
        key = uuid4().hex
        marked = None if body is None else {name: _marked(value, key) for name, value in body.items()}
        phase, began = self.tally.phase, time.monotonic()
        answer = self.http.send(Operation(key, method, path, marked, **more))
        self._note(phase, time.monotonic() - began, answer, method, path)
        if answer is None or answer.status_code >= 300:
            return None
        self._remember(path, answer)
        return answer.json() if answer.content else {}

    def look(self, path: str) -> httpx.Response | None:
        phase, began = self.tally.phase, time.monotonic()
        try:
            answer = self.http.http.get(path)
        except httpx.TransportError:
            answer = None
        self._note(phase, time.monotonic() - began, answer, "GET", path)
        if answer is not None and answer.status_code == 200:
            self._check_nothing_is_gone(path, answer)
        return answer

    def _note(self, phase: str, took_s: float, answer: httpx.Response | None, method: str, path: str) -> None:
        self.was_refused = answer is None or answer.status_code >= 500
        self.tally.note(phase, took_s, answer, method, path)

    def _remember(self, path: str, answer: httpx.Response) -> None:
        run, version = _run_of(path), answer.headers.get("x-run-version")
        if run and version and "idempotency-replayed" not in answer.headers:
            self.seen[run] = max(self.seen.get(run, 0), int(version))

    def _check_nothing_is_gone(self, path: str, answer: httpx.Response) -> None:
        """Whoever has written reads what is at least as new."""
        run, version = _run_of(path), answer.headers.get("x-run-version")
        if run and version and int(version) < self.seen.get(run, 0):
            self.tally.unexpected.append(f"GET {path} showed version {version} after {self.seen[run]}")


def _marked(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [{name: _marked(each, key) for name, each in entry.items()} for entry in value]
    return f"m-{key}" if value == "{}" else value


def _run_of(path: str) -> str | None:
    parts = path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "test-runs" else None


def create_run(client: Client) -> None:
    ground = client.ground
    if not ground.systems:
        if made := client.ask("POST", "/systems", {"system_name": "{}"}):
            ground.systems.append(made["system_id"])
    elif made := client.ask("POST", "/test-runs", {"title": "{}", "system_id": client.chance.choice(ground.systems)}):
        ground.runs.append(f"/test-runs/{made['uuid']}")


def add_card(client: Client) -> None:
    if (run := _any(client, "runs")) and (made := client.ask("POST", f"{run}/cards", {"title": "{}"})):
        client.ground.cards.append(f"{run}/cards/{made['uuid']}")


def add_step(client: Client) -> None:
    if (card := _any(client, "cards")) and (made := client.ask("POST", f"{card}/steps", {"title": "{}"})):
        client.ground.steps.append(f"{card}/steps/{made['uuid']}")


def record_outcome(client: Client) -> None:
    if step := _any(client, "steps"):
        keyed = client.chance.random() > UNKEYED_SHARE
        client.ask("PATCH", step, {"execution_status": "passed_with_exception", "exception": "{}"}, keyed=keyed)


def record_results(client: Client) -> None:
    if step := _any(client, "steps"):
        run = step.split("/cards/")[0]
        ids = [other.rpartition("/")[2] for other in client.ground.steps if other.startswith(f"{run}/")][-20:]
        results = [{"test_step_id": i, "execution_status": "passed_with_exception", "exception": "{}"} for i in ids]
        client.ask("POST", f"{run}/results", {"results": results})


def observe(client: Client) -> None:
    if (step := _any(client, "steps")) and (made := client.ask("POST", f"{step}/observations", {"text": "{}"})):
        client.ground.observations.append(f"{step}/observations/{made['uuid']}")


def edit(client: Client) -> None:
    """With the ETag that it was just shown."""
    what, member = client.chance.choice((("runs", "title"), ("cards", "description"), ("steps", "title")))
    if (path := _any(client, what)) and (shown := client.look(path)) is not None and "etag" in shown.headers:
        client.ask("PATCH", path, {member: "{}"}, if_match=shown.headers["etag"])


def edit_observation(client: Client) -> None:
    if path := _any(client, "observations"):
        client.ask("PATCH", path, {"text": "{}"})


def delete(client: Client) -> None:
    path = _any(client, client.chance.choice(("cards", "steps", "files")))
    if path and client.ask("DELETE", path) is not None:
        client.ground.deleted.append(path)


def restore(client: Client) -> None:
    if path := _any(client, "deleted"):
        client.ask("POST", f"{path}/restore")


def close_and_reopen(client: Client) -> None:
    if run := _any(client, "runs"):
        client.ask("POST", f"{run}/close", {"reason": "{}"})
        client.ask("POST", f"{run}/reopen", {"reason": "{}"})


def register_file(client: Client) -> None:
    if run := _any(client, "runs"):
        there = client.chance.choice(client.ground.objects)
        file = {"file_name": "{}", "s3_url": there.url, "file_size": there.size, "content_type": "text/csv"}
        if made := client.ask("POST", f"{run}/data", file):
            client.ground.files.append(f"{run}/data/{made['uuid']}")


def ask_for_report(client: Client) -> None:
    if (run := _any(client, "runs")) and (made := client.ask("POST", f"{run}/reports", {"scope": "run", "analysis_context": "{}"})):
        client.ground.job_runs.append(made["job_run_id"])


def cancel_report(client: Client) -> None:
    if job_run := _any(client, "job_runs"):
        client.ask("POST", f"/job-runs/{job_run}/cancel")


def look(client: Client) -> None:
    if path := _any(client, client.chance.choice(("runs", "cards", "steps"))):
        client.look(path)


def look_around(client: Client) -> None:
    client.look(client.chance.choice(("/test-runs", "/test-runs/search?q=m", "/systems", "/test-runs?limit=5")))


def look_back(client: Client) -> None:
    if run := _any(client, "runs"):
        client.look(run + client.chance.choice(("/history", "/data", "/reports", "?version=1")))


def _any(client: Client, what: str) -> str | None:
    """One of the newer half more often, so that some things change much."""
    there: list[str] = getattr(client.ground, what)
    return there[-1 - int(len(there) * client.chance.random() ** 2)] if there else None


DEEDS: tuple[tuple[Callable[[Client], None], float], ...] = (
    (create_run, 3),
    (add_card, 5),
    (add_step, 10),
    (record_outcome, 30),
    (record_results, 4),
    (observe, 6),
    (edit, 6),
    (edit_observation, 3),
    (delete, 3),
    (restore, 4),
    (close_and_reopen, 1),
    (register_file, 4),
    (ask_for_report, 0.2),
    (cancel_report, 0.2),
    (look, 10),
    (look_around, 5),
    (look_back, 4),
)
