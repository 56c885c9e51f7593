"""A recorder of the `eventsourcing` library over our tables, without its lock on the whole table.

It lets an `Application` of that library live in a ledger of its own: a schema that `database.migrate` made and `prepare`
made ready. It stands beside our door and is never used by it. What the door guards (rules, views, members, idempotency)
it knows nothing of, so streams of ours are not to be written through it, and a ledger that the door writes to is not to
be followed by it. Read from the primary only: a replica does not show who is writing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from threading import Thread
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from eventsourcing import persistence
from eventsourcing.persistence import ApplicationRecorder, ListenNotifySubscription, Notification, StoredEvent
from psycopg_pool import ConnectionPool

from domain.facts import Kind
from infra.append import GATE
from infra.bell import CHANNEL

POLL_S = 0.2
VERSION_MAX = 2**31 - 1
ID_MAX = 2**63 - 1

Connection = psycopg.Connection[Any]

# Numbers are given in one order and committed in another. So a writer says, before it takes any, that its own will be
# above the newest one that it sees: a shared advisory lock (this table, that number) until its transaction has ended.
_ANNOUNCE = """SELECT pg_current_xact_id(),
  pg_advisory_xact_lock_shared('events'::regclass::oid::int, coalesce(max(notification_id), 0)::bit(32)::int) FROM events"""

# All numbers up to `top` were taken before this snapshot, and the locks are looked at after it: the writer of one has
# either ended, so that the next statement sees what it wrote, or its lock keeps the reader below. A lock has room for
# the low 32 bits of a number; the rest is that of `top`, which is near.
_FINISHED = """SELECT LEAST(top, min(top - (top - l.objid::bigint)::bit(32)::int))
  FROM (SELECT coalesce(max(notification_id), 0) AS top FROM events) newest
  LEFT JOIN pg_locks l ON l.locktype = 'advisory' AND l.classid = 'events'::regclass AND l.objsubid = 2
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  GROUP BY top"""

_APPEND = """WITH asked AS (SELECT * FROM unnest(%(roots)s::uuid[], %(firsts)s::int[], %(lasts)s::int[]) AS a(root_id, first, last)),
moment AS MATERIALIZED (
  SELECT GREATEST(clock_timestamp(), h.at, (SELECT max(r.at) FROM roots r JOIN asked USING (root_id))) AS at FROM ledger_head h),
head AS (
  INSERT INTO roots (root_id, kind, status, version, at)
  SELECT a.root_id, %(kind)s, 'open', a.last, moment.at FROM moment CROSS JOIN asked a LEFT JOIN roots r USING (root_id)
  WHERE (r.kind = %(kind)s AND a.first = r.version + 1) OR (r.root_id IS NULL AND a.first IN (0, 1))
  ON CONFLICT (root_id) DO UPDATE SET version = EXCLUDED.version, at = EXCLUDED.at
  RETURNING root_id)
INSERT INTO events (originator_id, originator_version, root_id, root_version, kind, topic, schema_number, state, metadata, recorded_at)
SELECT e.id, e.version, e.id, e.version, %(kind)s, e.topic, 1, e.state, '{}', moment.at
FROM moment, unnest(%(ids)s::uuid[], %(versions)s::int[], %(topics)s::text[], %(states)s::bytea[])
  WITH ORDINALITY AS e(id, version, topic, state, i)
WHERE (SELECT count(*) FROM head) = cardinality(%(roots)s::uuid[])
ORDER BY e.i RETURNING notification_id"""

_EVENTS = """SELECT originator_id, originator_version, topic, state FROM events
  WHERE originator_id = %(id)s AND originator_version > %(gt)s AND originator_version <= %(lte)s
  ORDER BY originator_version {} LIMIT %(limit)s"""

_NOTIFICATIONS = """SELECT originator_id, originator_version, topic, state, notification_id FROM events
  WHERE notification_id >= %(first)s AND notification_id <= %(last)s
    AND (%(topics)s::text[] = '{}' OR topic = ANY(%(topics)s::text[]))
  ORDER BY notification_id LIMIT %(limit)s"""

# The driver's errors under the library's names, the narrower first.
_NAMES: tuple[tuple[type[psycopg.Error], type[persistence.PersistenceError]], ...] = (
    (psycopg.IntegrityError, persistence.IntegrityError),
    (psycopg.OperationalError, persistence.OperationalError),
    (psycopg.DataError, persistence.DataError),
    (psycopg.InternalError, persistence.InternalError),
    (psycopg.ProgrammingError, persistence.ProgrammingError),
    (psycopg.NotSupportedError, persistence.NotSupportedError),
    (psycopg.DatabaseError, persistence.DatabaseError),
    (psycopg.InterfaceError, persistence.InterfaceError),
    (psycopg.Error, persistence.PersistenceError),
)


def prepare(owner: Connection) -> None:
    """Makes a migrated ledger ready, once, as its owner: the library reads by number, which our own ledgers have no index for."""
    owner.execute("CREATE UNIQUE INDEX IF NOT EXISTS events_by_number ON events (notification_id)")


class LedgerRecorder(ApplicationRecorder):
    """Appends and reads events over a pool in autocommit mode (`database.blocking_pool`); every originator is its own root.

    `kind` is what its roots are called: it touches no others, and none of our own kinds may be given. Originators are
    UUIDs, a stream begins at version 1 or 0 and has no holes (`runledger verify` accepts only those that begin at 1).
    Errors are the library's; an OperationalError of an append leaves open whether it was committed.
    """

    def __init__(self, pool: ConnectionPool[Connection], kind: str) -> None:
        if kind in set(Kind):
            raise ValueError(f"Roots of kind {kind} are written by the door only.")
        self.pool, self.kind = pool, kind

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """The numbers of the events in the order given. IntegrityError, and nothing written, where a version is not the next."""
        if not stored_events:
            return None
        with _translated(), self.pool.connection() as conn:
            with conn.transaction():
                numbers = append(conn, self.kind, stored_events)
            with suppress(psycopg.OperationalError):  # it is committed; a bell that is lost costs a round of polling
                conn.execute(f"NOTIFY {CHANNEL}")
        return numbers

    def select_events(
        self, originator_id: UUID | str, *, gt: int | None = None, lte: int | None = None, desc: bool = False, limit: int | None = None
    ) -> Sequence[StoredEvent]:
        sql = _EVENTS.format("DESC" if desc else "ASC")
        asked = {"id": originator_id, "gt": -1 if gt is None else gt, "lte": VERSION_MAX if lte is None else lte, "limit": limit}
        with _translated(), self.pool.connection() as conn:
            return [StoredEvent(*row) for row in conn.execute(sql, asked, binary=True)]

    def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, topics: Sequence[str] = (), *, inclusive_of_start: bool = True
    ) -> Sequence[Notification]:
        """Events by number, only those below which nothing can appear any more: reading on from the last one misses none.

        A writer whose transaction is still open holds back what was numbered after it began.
        """
        first = (start or 0) + (0 if inclusive_of_start else 1)
        with _translated(), self.pool.connection() as conn:
            last = min(_finished(conn), ID_MAX if stop is None else stop)
            asked = {"first": first, "last": last, "topics": list(topics), "limit": limit}
            rows = conn.execute(_NOTIFICATIONS, asked, binary=True).fetchall()
        return [Notification(*row) for row in rows]

    def max_notification_id(self) -> int | None:
        """The number up to which `select_notifications` reads now."""
        with _translated(), self.pool.connection() as conn:
            return _finished(conn) or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "LedgerSubscription":
        """Holds a connection of the pool while it lasts."""
        return LedgerSubscription(self, gt, topics)


class LedgerSubscription(ListenNotifySubscription[LedgerRecorder]):
    """Woken by the bell, and every POLL_S by itself: a writer that gives up rings none, yet held others back."""

    def __init__(self, recorder: LedgerRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._listening = Thread(target=self._listen)
        self._listening.start()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listening.join()

    def _listen(self) -> None:
        try:
            with _translated(), self._recorder.pool.connection() as conn:
                conn.execute(f"LISTEN {CHANNEL}")
                while not self._has_been_stopped:
                    for _ in conn.notifies(timeout=POLL_S, stop_after=1):
                        pass
                    self._has_been_notified.set()
                conn.execute(f"UNLISTEN {CHANNEL}")
        except persistence.PersistenceError as error:  # the caller gets it from the iterator
            self._thread_error = self._thread_error or error
            self.stop()


class _Reach(NamedTuple):
    """What is asked of one root: events of these versions, one after the other."""

    root_id: UUID | str
    first: int
    last: int


def append(conn: Connection, kind: str, events: Sequence[StoredEvent]) -> list[int]:
    """Numbers of the events, written in the caller's transaction, which has written nothing before and soon ends."""
    reaches = _reaches(events)
    roots = [reach.root_id for reach in reaches]
    asked = {
        "kind": kind,
        "roots": roots,
        "firsts": [reach.first for reach in reaches],
        "lasts": [reach.last for reach in reaches],
        "ids": [e.originator_id for e in events],
        "versions": [e.originator_version for e in events],
        "topics": [e.topic for e in events],
        "states": [e.state for e in events],
    }
    with conn.pipeline():
        conn.execute(f"SELECT {GATE.format('root')} FROM unnest(%s::uuid[]) root", (roots,))
        conn.execute(_ANNOUNCE)
        numbers = [number for (number,) in conn.execute(_APPEND, asked)]
    if not numbers:
        raise persistence.IntegrityError("A stream is at another version, or is not of this recorder's kind.")
    return numbers


def _reaches(events: Sequence[StoredEvent]) -> list[_Reach]:
    """In the order in which all writers pass the gates of roots, so that no two wait for each other."""
    by_root = sorted(events, key=lambda e: str(e.originator_id))
    reaches = []
    for root_id, group in groupby(by_root, key=lambda e: e.originator_id):
        versions = [e.originator_version for e in group]
        if versions != list(range(versions[0], versions[0] + len(versions))):
            raise persistence.IntegrityError(f"The versions of {root_id} do not follow one another: {versions}.")
        reaches.append(_Reach(root_id, versions[0], versions[-1]))
    return reaches


def _finished(conn: Connection) -> int:
    """The number up to which every event is there to be read by the next statement; 0 if there is none."""
    row = conn.execute(_FINISHED).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise next(ours for theirs, ours in _NAMES if isinstance(error, theirs))(str(error)) from error
