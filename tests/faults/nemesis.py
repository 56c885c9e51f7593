"""What is done to a deployment that clients work with. Each harm heals what it has hurt; what it may cost is the campaign's to check."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable

from psycopg import sql
from redis import Redis

from infra.embedded.postgres import Postgres
from infra.embedded.s3 import S3
from infra.embedded.valkey import Valkey
from tests.faults.deployment import Deployment, kill
from tests.faults.proxy import Cut, Proxy

APPEND, COMMIT = b'"event_id"', b"COMMIT"
HOLD_S = 2.0  # how long a server is away, slow or hung
SILENCE_S = 7.0  # longer than anybody may wait for it
WAIT_S_MAX = 15.0
BUSY = b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\n\r\n"

Harm = Callable[[Deployment, random.Random], Awaitable[None]]


class Broken(Exception):
    """The program did not do under this harm what it promises."""


async def kill_api(there: Deployment, _: random.Random) -> None:
    there.api.kill()
    await there.restart_api()


async def end_api(there: Deployment, _: random.Random) -> None:
    code = await asyncio.to_thread(there.api.end)
    if code != 0:
        raise Broken(f"the API ended with {code} after SIGTERM")
    await there.restart_api()


async def hang_api(there: Deployment, _: random.Random) -> None:
    kill(there.api.pid, signal.SIGSTOP)
    await asyncio.sleep(HOLD_S)
    kill(there.api.pid, signal.SIGCONT)


async def kill_worker(there: Deployment, chance: random.Random) -> None:
    for pid in there.workers()[: chance.randint(1, 2)]:
        kill(pid)
    await asyncio.sleep(0.2)
    there.restart_worker()


async def kill_sequencer(there: Deployment, _: random.Random) -> None:
    """Every worker at once, so the one that leads is among them."""
    for pid in there.workers():
        kill(pid)
    await asyncio.sleep(0.2)
    there.restart_worker()


async def end_worker(there: Deployment, _: random.Random) -> None:
    code = await asyncio.to_thread(there.worker.end)
    if code != 0:
        raise Broken(f"the worker ended with {code} after SIGTERM")
    there.restart_worker()


async def hang_worker(there: Deployment, chance: random.Random) -> None:
    """Past its lease, and long enough that another sequencer takes over."""
    pid = chance.choice(there.workers())
    kill(pid, signal.SIGSTOP)
    await asyncio.sleep(SILENCE_S)
    kill(pid, signal.SIGCONT)


async def kill_postgres(there: Deployment, _: random.Random) -> None:
    kill(there.server(Postgres))
    await asyncio.sleep(1)


async def kill_backend(there: Deployment, _: random.Random) -> None:
    """PostgreSQL ends every other session with it and recovers."""
    for (pid,) in there.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'runledger_app' LIMIT 1"):
        kill(pid)


async def end_sessions(there: Deployment, _: random.Random) -> None:
    there.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'runledger_app'")


async def cut_connections(there: Deployment, _: random.Random) -> None:
    there.postgres.cut_all()


async def cut_at_commit(there: Deployment, chance: random.Random) -> None:
    await _cut(there, COMMIT, chance.choice((Cut.BEFORE, Cut.AFTER, Cut.AT_ONCE)))


async def cut_at_append(there: Deployment, chance: random.Random) -> None:
    await _cut(there, APPEND, chance.choice((Cut.BEFORE, Cut.AFTER, Cut.AT_ONCE)))


async def _cut(there: Deployment, needle: bytes, cut: Cut) -> None:
    before = there.postgres.cuts
    there.postgres.arm(needle, cut)
    for _ in range(100):
        if there.postgres.cuts > before:
            return
        await asyncio.sleep(0.05)
    there.postgres.disarm()


async def late_commit(there: Deployment, _: random.Random) -> None:
    """The connection is lost, and the server gets the COMMIT a moment later."""
    await _cut(there, COMMIT, Cut.LATE)
    await asyncio.sleep(0.3)
    await asyncio.wait_for(there.postgres.deliver(), WAIT_S_MAX)


async def silence_postgres(there: Deployment, _: random.Random) -> None:
    there.postgres.silent = True
    await _healed(there.postgres, SILENCE_S)


async def refuse_postgres(there: Deployment, _: random.Random) -> None:
    there.postgres.shut = True
    there.postgres.cut_all()
    await _healed(there.postgres)


async def slow_postgres(there: Deployment, chance: random.Random) -> None:
    there.postgres.delay_s = chance.uniform(0.02, 0.2)
    await _healed(there.postgres)


async def _healed(proxy: Proxy, after_s: float = HOLD_S) -> None:
    await asyncio.sleep(after_s)
    proxy.heal()


async def kill_redis(there: Deployment, _: random.Random) -> None:
    kill(there.server(Valkey))
    await asyncio.sleep(HOLD_S)


async def wipe_redis(there: Deployment, _: random.Random) -> None:
    with _redis(there) as redis:
        redis.flushall()


async def hang_redis(there: Deployment, _: random.Random) -> None:
    pid = there.server(Valkey)
    kill(pid, signal.SIGSTOP)
    await asyncio.sleep(HOLD_S)
    kill(pid, signal.SIGCONT)


async def make_redis_read_only(there: Deployment, _: random.Random) -> None:
    with _redis(there) as redis:
        redis.execute_command("REPLICAOF", "127.0.0.1", "1")
        await asyncio.sleep(HOLD_S)
        redis.execute_command("REPLICAOF", "NO", "ONE")


async def cut_redis(there: Deployment, _: random.Random) -> None:
    there.redis.shut = True
    there.redis.cut_all()
    await _healed(there.redis)


def _redis(there: Deployment) -> Redis:
    return Redis.from_url(there.settings.redis_url or "")


async def stop_s3(there: Deployment, _: random.Random) -> None:
    kill(there.server(S3))
    await asyncio.sleep(HOLD_S)


async def busy_s3(there: Deployment, _: random.Random) -> None:
    there.s3.says = BUSY
    await _healed(there.s3)


async def slow_s3(there: Deployment, chance: random.Random) -> None:
    there.s3.delay_s = chance.uniform(0.1, 1.0)
    await _healed(there.s3)


async def silence_s3(there: Deployment, _: random.Random) -> None:
    there.s3.silent = True
    await _healed(there.s3)


async def vacuum(there: Deployment, _: random.Random) -> None:
    tables = there.execute("SELECT schemaname, relname FROM pg_stat_user_tables WHERE schemaname LIKE 'runledger%'")
    for schema, table in tables:
        statement = sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(schema, table))
        await asyncio.to_thread(there.execute, statement)


async def index_concurrently(there: Deployment, _: random.Random) -> None:
    await asyncio.to_thread(there.execute, "CREATE INDEX CONCURRENTLY campaign_index ON events (topic, recorded_at)")
    await asyncio.to_thread(there.execute, "DROP INDEX CONCURRENTLY campaign_index")


async def dump(there: Deployment, _: random.Random) -> None:
    await _expect(0, await there.tool("pg_dump", "--file=/dev/null", "--schema=runledger"))


async def rebuild(there: Deployment, _: random.Random) -> None:
    await _expect(0, await there.run("rebuild", "--processes", "1"))


async def kill_rebuild(there: Deployment, chance: random.Random) -> None:
    """Then another goes on where it was."""
    process = await there.begin("rebuild", "--processes", "1")
    await asyncio.sleep(chance.uniform(0.5, 3))
    if process.returncode is None:
        kill(process.pid)
    await process.communicate()
    await _until_rebuilt(there)


async def _until_rebuilt(there: Deployment) -> None:
    """The lock of the one that was killed goes with its session, a moment later."""
    for _ in range(50):
        code, said = await there.run("rebuild", "--processes", "1")
        if code != 5:
            await _expect(0, (code, said))
            return
        await asyncio.sleep(0.2)
    raise Broken("the lock of a killed rebuild stayed")


async def verify(there: Deployment, _: random.Random) -> None:
    await _expect(0, await there.run("verify"))


async def _expect(code: int, found: tuple[int, str]) -> None:
    if found[0] != code:
        raise Broken(f"exit code {found[0]}: {found[1][-1_000:]}")


HARMLESS: tuple[Harm, ...] = (vacuum, index_concurrently, dump, rebuild, verify, wipe_redis)  # nobody may notice
WITHOUT_REDIS: tuple[Harm, ...] = (kill_redis, hang_redis, make_redis_read_only, cut_redis)  # nobody may be refused
WITHOUT_S3: tuple[Harm, ...] = (stop_s3, busy_s3, slow_s3, silence_s3)  # registering a file may be refused
ROUGH: tuple[Harm, ...] = (
    kill_api,
    end_api,
    hang_api,
    kill_worker,
    kill_sequencer,
    end_worker,
    hang_worker,
    kill_postgres,
    kill_backend,
    end_sessions,
    cut_connections,
    cut_at_commit,
    cut_at_append,
    late_commit,
    silence_postgres,
    refuse_postgres,
    slow_postgres,
    kill_rebuild,
)
ALL = (*ROUGH, *HARMLESS, *WITHOUT_REDIS, *WITHOUT_S3)
