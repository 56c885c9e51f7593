"""What must hold once a harmed deployment is quiet again: the invariants of a campaign, each breach a line of text."""

import asyncio
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from botocore.exceptions import ClientError

from infra import storage
from tests import words_of_runs
from tests.acceptance.journal import Journal, Operation
from tests.faults.deployment import Deployment

QUIET_S_MAX = 120.0
MARKER = re.compile(r"m-[0-9a-f]{32}")
OURS = """SELECT convert_from(metadata, 'UTF8')::jsonb ->> 'command_id',
    CASE topic WHEN 'report.requested' THEN convert_from(state, 'UTF8')::json ->> 'analysis_context' ELSE convert_from(state, 'UTF8') END
  FROM events
  WHERE topic NOT IN ('report.started', 'report.completed', 'report.failed', 'file.verified', 'token.issued', 'token.revoked')"""

EMPTY = {
    "hole in the versions of a root": """SELECT root_id FROM events GROUP BY 1
      HAVING min(root_version) <> 1 OR max(root_version) <> count(*) OR count(DISTINCT root_version) <> count(*)""",
    "hole in the versions of a stream": """SELECT originator_id FROM events GROUP BY 1
      HAVING min(originator_version) <> 1 OR max(originator_version) <> count(*)""",
    "head row that is not the last event": """SELECT root_id FROM roots r
      WHERE version <> (SELECT count(*) FROM events e WHERE e.root_id = r.root_id)""",
    "hole in the sequence": "SELECT count(*) FROM ledger HAVING count(*) > 0 AND (min(seq) <> 1 OR max(seq) <> count(*))",
    "event that has no position, or two": """SELECT 1 FROM (SELECT count(*) AS n FROM events) e, (SELECT count(*) AS n FROM ledger) l,
      (SELECT count(DISTINCT (originator_id, originator_version)) AS n FROM ledger) d WHERE e.n <> l.n OR d.n <> l.n""",
    "recorded time that runs backwards": """SELECT seq FROM (SELECT seq, recorded_at - lag(recorded_at) OVER (ORDER BY seq) AS step
      FROM ledger JOIN events USING (originator_id, originator_version)) s WHERE step < interval '0'""",
    "report without exactly one end": """SELECT originator_id FROM events WHERE kind = 'report' GROUP BY 1
      HAVING count(*) FILTER (WHERE topic IN ('report.completed', 'report.failed', 'report.cancelled')) <> 1""",
    "follower that is not at the head": "SELECT name FROM followers, ledger_head h WHERE followers.seq <> h.seq",
    "run that is not stale and has not the words of its documents": words_of_runs.WRONG,
    "root that a follower has parked": "SELECT follower, root_id FROM parked",
}
BUSY = {
    "the sequence": "SELECT 1 FROM events e WHERE NOT EXISTS (SELECT FROM ledger l WHERE l.originator_id = e.originator_id"
    " AND l.originator_version = e.originator_version) LIMIT 1",
    "a follower": EMPTY["follower that is not at the head"],
    "a report": "SELECT 1 FROM report_jobs LIMIT 1",
    "the digester": "SELECT 1 FROM files WHERE sha256 IS NULL AND NOT deleted LIMIT 1",
    "embeddings": "SELECT 1 FROM documents_to_embed LIMIT 1",
}


class Found(NamedTuple):
    """`lost`, `doubled` and `divergent` are breaches of their own; `breaches` holds them all, in words."""

    events: int
    lost: int
    doubled: int
    divergent: int
    breaches: list[str]


async def is_quiet(there: Deployment) -> None:
    """Waits until nothing is left to do."""
    end = time.monotonic() + QUIET_S_MAX
    while busy := await asyncio.to_thread(lambda: [what for what, query in BUSY.items() if there.execute(query)]):
        if time.monotonic() > end:
            raise AssertionError(f"{', '.join(busy)} never came to rest")
        await asyncio.sleep(0.1)


async def check(there: Deployment, journal: Journal) -> Found:
    operations = journal.read()
    lost, doubled, strangers = kept(await asyncio.to_thread(there.execute, OURS), operations)
    doubled += [f"command {command} is in the log, and nobody was told that it was done" for command in strangers]
    breaches = [*lost, *doubled, *await asyncio.to_thread(lambda: list(_in_sql(there)))]
    views, said = await _verified(there)
    breaches += [*said, *await _files(there), *_leaked(there)]
    events = there.execute("SELECT count(*) FROM events")[0][0]
    return Found(events, len(lost), len(doubled), views, breaches)


def kept(log: list[Any], operations: list[Operation]) -> tuple[list[str], list[str], set[str]]:
    """What was acknowledged and is not in the log; what is there though it was refused, or more often than it was asked for;
    and the commands of the log that none of the operations was told of. `log` is what OURS finds.
    """
    commands, markers = Counter[str](), defaultdict[str, set[str]](set)
    for command, state in log:
        commands[command] += 1
        for marker in MARKER.findall(state):
            markers[marker].add(command)
    lost, doubled, done = list[str](), list[str](), set[str]()
    for operation in operations:
        found = markers[f"m-{operation.key}"]
        if operation.is_done:
            done.add(operation.command_id or "")
            if operation.command_id not in commands or (_says(operation) and found != {operation.command_id}):
                lost.append(f"acknowledged and not in the log as it was asked for: {operation}, found {found}")
        elif found and (operation.is_settled or "Nothing was recorded" in (operation.detail or "")):
            doubled.append(f"in the log, though it was refused: {operation}")
        if len(found) > 1:
            doubled.append(f"in the log {len(found)} times: {operation}")
        if not operation.is_settled and not operation.keyed:
            done |= found
    return lost, doubled, commands.keys() - done


def _says(operation: Operation) -> bool:
    """Whether it leaves its marker in the log."""
    return b"m-" + operation.key.encode() in msgspec.json.encode(operation.body)


def _in_sql(there: Deployment) -> Iterator[str]:
    for what, query in EMPTY.items():
        if rows := there.execute(query):
            yield f"{what}: {len(rows)}, for example {rows[0]}"


async def _verified(there: Deployment) -> tuple[int, list[str]]:
    """How many differences of views, and all that `runledger verify --full` found."""
    code, said = await there.run("verify", "--full", "--json", wait_s=300)
    if code == 0:
        return 0, []
    try:
        problems = msgspec.json.decode(said[said.index("{") :])["problems"]
    except (ValueError, msgspec.DecodeError):
        return 0, [f"verify ended with {code}: {said[-1_000:]}"]
    return sum(p["kind"] == "view" for p in problems), [f"verify: {problem}" for problem in problems]


async def _files(there: Deployment) -> list[str]:
    """Rows of files whose object is not the one that HEAD shows."""
    breaches = []
    async with storage.client(there.settings, connect_s=5, read_s=10) as s3:
        for url, size, etag in there.execute("SELECT DISTINCT s3_url, file_size, s3_etag FROM files"):
            bucket, _, key = url.removeprefix("s3://").partition("/")
            try:
                head = await s3.head_object(Bucket=bucket, Key=key)
            except ClientError as error:
                breaches.append(f"{url}: {error}")
                continue
            if (head["ContentLength"], head["ETag"].strip('"')) != (size, etag.strip('"')):
                breaches.append(f"{url} is registered as {size} bytes with {etag}, HEAD says {head['ContentLength']} with {head['ETag']}")
    return breaches


def secrets(there: Deployment) -> tuple[str, ...]:
    """What nobody may ever read: the token's secret and the servers' passwords."""
    addresses = there.settings.addresses()
    urls = [
        part for name in ("RUNLEDGER_DATABASE_URL", "RUNLEDGER_DATABASE_OWNER_URL", "RUNLEDGER_REDIS_URL") for part in [addresses[name]]
    ]
    passwords = [url.split("@")[0].rpartition(":")[2] for url in urls]
    return (there.api.token.rpartition("_")[2], *passwords, addresses["RUNLEDGER_S3_SECRET_KEY"])


def _leaked(there: Deployment) -> list[str]:
    """Secrets in logs, outputs, events, kept answers, reports or the access log."""
    texts = {str(file): file.read_text(errors="replace") for file in [*_logs(there.directory), there.api.output]}
    for table in ("events", "idempotency", "reports", "access_log", "parked", "rebuilds"):
        texts[table] = "\n".join(row[0] for row in there.execute(f"SELECT t::text FROM {table} t"))
    for column in ("state", "metadata"):
        texts[f"events.{column}"] = "\n".join(row[0] for row in there.execute(f"SELECT convert_from({column}, 'UTF8') FROM events"))
    return [f"a secret stands in {where}" for where, text in texts.items() if any(secret in text for secret in secrets(there))]


def _logs(directory: Path) -> list[Path]:
    return sorted((directory / "logs").glob("*.log"))
