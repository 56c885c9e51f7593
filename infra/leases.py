"""Leases on the reports that are to be made: one worker at a time, by the database's clock, a few attempts each."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from domain.refusals import StateConflict
from domain.reports import ATTEMPTS_MAX
from infra.database import Connection

CHANNEL = "runledger_reports"
WAITING_MAX = 10_000  # reports that one look finds


class Lease(NamedTuple):
    """The right to try a report; `attempt` counts from 1."""

    report_id: UUID
    run_id: UUID
    attempt: int
    fence: int


class Standing(NamedTuple):
    """Reports that have not ended, by whether a worker holds them, and the age of the oldest request."""

    waiting: int
    running: int
    oldest_s: float


class Fenced(StateConflict):
    """The report has ended, or another worker has taken it over: this one's lease is worth nothing any more."""


class Lost(NamedTuple):
    """A report that no worker will end: out of attempts, or `late`. `error` is what its last attempt said."""

    lease: Lease
    late: bool
    error: str | None


_FREE = "(leased_until IS NULL OR leased_until < clock_timestamp())"

_TAKE = f"""UPDATE report_jobs SET attempts = attempts + 1, fence = fence + 1, leased_until = clock_timestamp() + make_interval(secs => %s)
  WHERE report_id = %s AND {_FREE} AND not_before <= clock_timestamp() AND attempts < {ATTEMPTS_MAX}
  RETURNING report_id, run_id, attempts, fence"""

_WAITING = f"""SELECT report_id FROM report_jobs
  WHERE {_FREE} AND not_before <= clock_timestamp() AND attempts < {ATTEMPTS_MAX} ORDER BY noted_at LIMIT {WAITING_MAX}"""

_LOST = f"""SELECT report_id, run_id, attempts, fence, late, error
  FROM (SELECT *, noted_at < clock_timestamp() - make_interval(secs => %s) AS late FROM report_jobs) j
  WHERE late OR ({_FREE} AND attempts >= {ATTEMPTS_MAX}) ORDER BY noted_at LIMIT {WAITING_MAX}"""

_STANDING = f"""SELECT count(*) FILTER (WHERE {_FREE}), count(*) FILTER (WHERE NOT {_FREE}),
  coalesce(extract(epoch FROM clock_timestamp() - min(noted_at)), 0)::float8 FROM report_jobs"""

_MINE = "WHERE report_id = %s AND fence = %s"


async def standing(conn: Connection) -> Standing:
    return Standing(*(await (await conn.execute(_STANDING)).fetchone() or (0, 0, 0.0)))


async def note(conn: Connection, report_id: UUID, run_id: UUID) -> None:
    """A report was asked for: whoever listens is told when the transaction commits."""
    await conn.execute("INSERT INTO report_jobs (report_id, run_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", (report_id, run_id))
    await _tell(conn, report_id)


async def end(conn: Connection, report_ids: Sequence[UUID]) -> None:
    """These reports have ended; a worker that still works at one finds its lease gone."""
    await conn.execute("DELETE FROM report_jobs WHERE report_id = ANY(%s)", (list(report_ids),))


async def take(conn: Connection, report_id: UUID, lease_s: float) -> Lease | None:
    """None where there is nothing to do: ended, held by another, too early, or out of attempts."""
    row = await (await conn.execute(_TAKE, (lease_s, report_id))).fetchone()
    return Lease(*row) if row else None


async def renew(conn: Connection, lease: Lease, lease_s: float) -> bool:
    """Whether it was still ours, whatever the clock says: an expired lease that nobody took goes on."""
    sql = f"UPDATE report_jobs SET leased_until = clock_timestamp() + make_interval(secs => %s) {_MINE}"
    return (await conn.execute(sql, (lease_s, lease.report_id, lease.fence))).rowcount == 1


async def hold(conn: Connection, lease: Lease) -> None:
    """Keeps the report ours until the transaction ends, or raises `Fenced`."""
    cursor = await conn.execute(f"SELECT FROM report_jobs {_MINE} FOR UPDATE", (lease.report_id, lease.fence))
    if await cursor.fetchone() is None:
        raise Fenced("The report has ended, or another worker has taken it over.")


async def hand_back(conn: Connection, lease: Lease) -> None:
    """Undone by its worker's end, not by a failure: the attempt does not count, and another worker is called at once."""
    sql = f"UPDATE report_jobs SET attempts = attempts - 1, leased_until = NULL {_MINE}"
    if (await conn.execute(sql, (lease.report_id, lease.fence))).rowcount:
        await _tell(conn, lease.report_id)


async def put_off(conn: Connection, lease: Lease, wait_s: float, error: str) -> None:
    """The attempt came to nothing; the next one may begin after `wait_s`."""
    wait = "not_before = clock_timestamp() + make_interval(secs => %s)"
    await conn.execute(
        f"UPDATE report_jobs SET leased_until = NULL, {wait}, error = %s {_MINE}", (wait_s, error, lease.report_id, lease.fence)
    )


async def waiting(conn: Connection) -> list[UUID]:
    """The reports that a worker could begin now, longest waiting first."""
    return [row[0] for row in await (await conn.execute(_WAITING)).fetchall()]


async def lost(conn: Connection, bound_s: float) -> list[Lost]:
    """The reports that have used up their attempts, or were not ended `bound_s` after they were noted."""
    return [Lost(Lease(*row[:4]), row[4], row[5]) for row in await (await conn.execute(_LOST, (bound_s,))).fetchall()]


async def _tell(conn: Connection, report_id: UUID) -> None:
    await conn.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(report_id)))
