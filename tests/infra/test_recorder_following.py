"""Readers by number over the recorder miss nothing, for which the library's stock recorder needs a lock on the table."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, OperationalError

from infra import recorder
from infra.recorder import LedgerRecorder
from infra.settings import Settings
from tests.infra.recording import all_of, made

WRITERS = 8
TRANSACTIONS = 40


def write_at_random(ledger: LedgerRecorder, streams: list[UUID], chance: random.Random, commits: list[int]) -> list[tuple[Any, int]]:
    """Transactions over one or two new streams and a shared one, some held open, some rolled back; what was committed."""
    committed: list[tuple[Any, int]] = []
    for _ in range(TRANSACTIONS):
        shared, rolled_back = chance.choice(streams), chance.random() < 0.2
        version = len(ledger.select_events(shared)) + 1
        events = [made(uuid4(), v) for v in (0, 1)] + [made(shared, version), made()]
        try:
            with ledger.pool.connection() as conn, conn.transaction(force_rollback=rolled_back):
                numbers = recorder.append(conn, "note", events)
                if chance.random() < 0.3:
                    time.sleep(chance.random() * 0.01)
        except (IntegrityError, psycopg.errors.UniqueViolation):
            continue  # another writer was faster at the shared stream
        if not rolled_back:
            commits.extend(numbers)
            committed += [(e.originator_id, e.originator_version) for e in events]
    return committed


def follow(ledger: LedgerRecorder, finished: Event) -> list[Any]:
    """Reads on by number in small pages until the writers have finished and nothing is left."""
    seen: list[Any] = []
    while True:
        last_round = finished.is_set()
        page = ledger.select_notifications(seen[-1].id if seen else 0, 7, inclusive_of_start=False)
        seen += page
        if last_round and not page:
            return seen


@pytest.mark.parametrize("seed", [1, 2])
def test_eight_writers_and_a_reader_by_number_that_misses_none_and_repeats_none(ledger: LedgerRecorder, seed: int) -> None:
    streams, finished, commits = [uuid4() for _ in range(6)], Event(), list[int]()
    ledger.pool.resize(2, WRITERS + 1)
    with ThreadPoolExecutor(WRITERS + 1) as threads:
        following = threads.submit(follow, ledger, finished)
        writing = [threads.submit(write_at_random, ledger, streams, random.Random(f"{seed}.{i}"), commits) for i in range(WRITERS)]
        try:
            written = [event for each in writing for event in each.result()]
        finally:
            finished.set()
        seen = following.result()
    assert commits != sorted(commits), "numbers and commits did not interleave: the test proves nothing"
    assert Counter((e.originator_id, e.originator_version) for e in seen) == Counter(written)
    assert all(before.id < after.id for before, after in pairwise(seen))
    for stream in streams:
        versions = [e.originator_version for e in seen if e.originator_id == stream]
        assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("numbered_from", [1, 2**31 - 3, 2**32 - 3, 2**40])
def test_what_is_numbered_after_an_open_append_waits_for_it(ledger: LedgerRecorder, settings: Settings, numbered_from: int) -> None:
    """Also where a number outgrows the 32 bits that a lock has room for."""
    with psycopg.connect(settings.owner_url or "", options=f"-c search_path={settings.schema}") as owner:
        owner.execute(f"ALTER TABLE events ALTER COLUMN notification_id RESTART WITH {numbered_from}")
    first, *events = [made() for _ in range(5)]
    assert ledger.insert_events([first]) == [numbered_from]
    for rolled_back, (slow, quick) in ((True, events[:2]), (False, events[2:4])):
        before, known = all_of(ledger), ledger.max_notification_id()
        with ledger.pool.connection() as conn, conn.transaction(force_rollback=rolled_back):
            (number,) = recorder.append(conn, "note", [slow])
            assert ledger.insert_events([quick]) == [number + 1]
            assert (all_of(ledger), ledger.max_notification_id()) == (before, known)
        assert all_of(ledger) == before + [(e.originator_id, 1) for e in ((quick,) if rolled_back else (slow, quick))]
        assert ledger.max_notification_id() == number + 1


def test_a_subscription_goes_on_after_an_append_that_gave_up_without_ringing(ledger: LedgerRecorder) -> None:
    with ThreadPoolExecutor(1) as threads, ledger.subscribe() as subscription, ledger.pool.connection() as conn:
        with conn.transaction(force_rollback=True):
            recorder.append(conn, "note", [made()])
            after = made()
            ledger.insert_events([after])
        assert threads.submit(next, subscription).result(timeout=10).originator_id == after.originator_id


def test_a_subscription_tells_that_its_connection_broke(ledger: LedgerRecorder, settings: Settings) -> None:
    with ledger.subscribe() as subscription, psycopg.connect(settings.owner_url or "", autocommit=True) as owner:
        ending = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query = 'LISTEN runledger'"
        while owner.execute(ending).fetchone() == (0,):
            time.sleep(0.01)
        with pytest.raises(OperationalError):
            next(subscription)
