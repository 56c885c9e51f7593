"""The twins as programs: made, filled, started, and their answers checked before anything is timed."""

import http.client
import os
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from bench.peers import environments
from infra.embedded.processes import free_port

HERE = Path(__file__).parent
TOKEN = "bench" * 8  # as long as a token of Django REST framework
START_S_MAX = 30
RUNS, CARDS, STEPS = 50, 10, 20

_FILL = f"""
INSERT INTO runs (id, number, title, description, system_id, is_open, created_at, updated_at, n_todo, n_passed, n_failed)
  SELECT md5('run' || r)::uuid, r, 'Acceptance test ' || r, '', md5('system' || r %% 10)::uuid, true, now() - r * interval '1 s', now(),
    CASE WHEN r <= {RUNS} THEN {CARDS * STEPS} ELSE 1 END, 0, 0 FROM generate_series(1, %(runs)s) r;
INSERT INTO cards (id, run_id, title, description, position)
  SELECT md5('card' || r || ' ' || c)::uuid, md5('run' || r)::uuid, 'Card ' || c, 'Apply 13 V and watch', c
  FROM generate_series(1, %(runs)s) r, generate_series(1, CASE WHEN r <= {RUNS} THEN {CARDS} ELSE 1 END) c;
INSERT INTO steps (id, card_id, title, description, step_type, position, status, exception, created_at, updated_at, version)
  SELECT md5('step' || r || ' ' || c || ' ' || s)::uuid, md5('card' || r || ' ' || c)::uuid, 'Step ' || s, 'Trips within 20 ms',
    'passfail', s, 'todo', NULL, now(), now(), 1
  FROM generate_series(1, %(runs)s) r, generate_series(1, CASE WHEN r <= {RUNS} THEN {CARDS} ELSE 1 END) c,
    generate_series(1, CASE WHEN r <= {RUNS} THEN {STEPS} ELSE 1 END) s;
"""
_STEPS = """SELECT c.run_id, c.id, s.id FROM steps s JOIN cards c ON c.id = s.card_id JOIN runs r ON r.id = c.run_id
  WHERE r.number <= %s ORDER BY r.number, c.position, s.position"""
_MISCOUNTED = """SELECT count(*) FROM runs r JOIN (SELECT c.run_id, count(*) FILTER (WHERE s.status = 'todo') AS todo,
    count(*) FILTER (WHERE s.status = 'passed') AS passed, count(*) FILTER (WHERE s.status = 'failed') AS failed
  FROM steps s JOIN cards c ON c.id = s.card_id GROUP BY c.run_id) n ON n.run_id = r.id
  WHERE (r.n_todo, r.n_passed, r.n_failed) IS DISTINCT FROM (n.todo, n.passed, n.failed)"""


class Kind(NamedTuple):
    """How a twin is set up and started; `audit` counts what it has on record of one step, as `from -> to`."""

    name: str
    title: str
    prepare: tuple[str, ...] | None
    command: tuple[str, ...]
    audit: str


DJANGO = Kind(
    "django",
    "Django",
    ("python", "-m", "django_twin.tables"),
    ("gunicorn", "-k", "gthread", "--workers", "1", "--threads", "8", "--keep-alive", "120", "--log-level", "warning",
     "--no-control-socket", "--bind", "127.0.0.1:{port}", "django.core.wsgi:get_wsgi_application()"),
    "SELECT count(*) FROM auditlog_logentry WHERE object_pk = %s::text AND actor_id IS NOT NULL AND changes -> 'status' ->> 1 = %s",
)  # fmt: skip
FASTAPI = Kind(
    "fastapi",
    "FastAPI",
    None,
    ("uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", "--port", "{port}",
     "fastapi_twin:app"),
    "SELECT count(*) FROM audit_entries WHERE object_id = %s::uuid AND actor <> '' AND changes -> 'status' ->> 1 = %s",
)  # fmt: skip
KINDS = (DJANGO, FASTAPI)


class WrongAnswer(Exception):
    """A twin does not do what it is timed for."""


class Twin:
    """Serves on `port`, on a schema of its own in the database that Runledger has, until the end of the block."""

    def __init__(self, kind: Kind, owner_url: str, runs: int) -> None:
        self.kind, self.runs, self.port = kind, runs, free_port()
        self.schema = f"twin_{kind.name}"
        self.owner_url = owner_url
        given = conninfo_to_dict(owner_url)
        self.env = os.environ | {
            "PGHOST": str(given["host"]),
            "PGUSER": str(given["user"]),
            "PGPASSWORD": str(given["password"]),
            "PGDATABASE": str(given["dbname"]),
            "TWIN_SCHEMA": self.schema,
            "TWIN_TOKEN": TOKEN,
            "DJANGO_SETTINGS_MODULE": "django_twin.settings",
            "PYTHONPATH": str(HERE),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._database() as conn:
            conn.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")
            conn.execute(f"CREATE SCHEMA {self.schema}")
        bin_folder = environments.binaries(self.kind.name)
        if self.kind.prepare is not None:
            program, *arguments = self.kind.prepare
            subprocess.run([bin_folder / program, *arguments], env=self.env, cwd=HERE, check=True)
        program, *arguments = self.kind.command
        command = [str(bin_folder / program), *(a.format(port=self.port) for a in arguments)]
        self.process = subprocess.Popen(command, env=self.env, cwd=HERE, stdin=subprocess.DEVNULL)
        try:
            self._await_start()
            with self._database() as conn:
                with psycopg.ClientCursor(conn) as cursor:
                    cursor.execute(_FILL, {"runs": self.runs})
                conn.execute("VACUUM (ANALYZE) runs, cards, steps")
            self._check_answers()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def steps(self) -> list[tuple[uuid.UUID, uuid.UUID, uuid.UUID]]:
        """Run, card and step of all steps of the RUNS large runs."""
        with self._database() as conn:
            return conn.execute(_STEPS, (RUNS,)).fetchall()

    def check_counts(self) -> None:
        """The summaries still agree with the steps."""
        with self._database() as conn:
            if conn.execute(_MISCOUNTED).fetchone() != (0,):
                raise WrongAnswer(f"{self.kind.title}: a run's counts are not those of its steps")

    def _check_answers(self) -> None:
        run, card, step = self.steps()[-1]
        for status in ("failed", "passed"):
            answered = self._ask("PATCH", f"/test-runs/{run}/cards/{card}/steps/{step}", {"execution_status": status})
            with self._database() as conn:
                stored = conn.execute("SELECT status FROM steps WHERE id = %s", (step,)).fetchone()
                noted = conn.execute(self.kind.audit, (step, status)).fetchone()
            if answered["status"] != status or stored != (status,) or noted != (1,):
                raise WrongAnswer(f"{self.kind.title}: {status} was answered {answered}, stored {stored}, audited {noted}")
        self.check_counts()
        detail, page = self._ask("GET", f"/test-runs/{run}"), self._ask("GET", "/test-runs?limit=50")
        shape = [len(c["steps"]) for c in detail["cards"]]
        if shape != [STEPS] * CARDS or detail["cards"][-1]["steps"][-1]["status"] != "passed" or detail["n_passed"] != 1:
            raise WrongAnswer(f"{self.kind.title}: a run was answered with {shape} steps")
        if page["count"] != self.runs or [r["number"] for r in page["results"]] != list(range(1, 51)):
            raise WrongAnswer(f"{self.kind.title}: the list is not the newest 50 of {self.runs}")

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"authorization": f"Bearer {TOKEN}"} | ({"content-type": "application/json"} if body else {})
        connection.request(method, f"/api/v1{path}", msgspec.json.encode(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise WrongAnswer(f"{self.kind.title}: {method} {path} was answered {answer.status}: {text[:300]!r}")
        return msgspec.json.decode(text)

    def _await_start(self) -> None:
        end = time.monotonic() + START_S_MAX
        while time.monotonic() < end and self.process is not None and self.process.poll() is None:
            try:
                http.client.HTTPConnection("127.0.0.1", self.port, timeout=1).connect()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError(f"the {self.kind.title} twin did not start")

    def _database(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.owner_url, autocommit=True, options=f"-c search_path={self.schema}")

    def _end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(START_S_MAX)
