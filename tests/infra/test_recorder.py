"""The library's contract of recorders over our tables, and an application of it in a ledger of its own."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import TestCase
from uuid import UUID, uuid4

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import ApplicationRecorder, IntegrityError
from eventsourcing.tests import persistence as contract

from infra import database, sequence
from infra.recorder import LedgerRecorder
from infra.settings import Settings
from projections import views
from tests.infra.recording import all_of, made, prepare_as_owner
from tests.infra.writing import begin_root, connect


class OverTheLedger(TestCase):
    """Gives a test of the library our recorder, on a database of its own."""

    ledger: ApplicationRecorder

    @pytest.fixture(autouse=True)
    def _given(self, ledger: LedgerRecorder) -> None:
        self.ledger = ledger

    def create_recorder(self) -> ApplicationRecorder:
        return self.ledger


class NumbersWithheld(LedgerRecorder):
    """What an AggregateRecorder is asked for: the same, but its inserts answer no numbers."""

    def insert_events(self, stored_events: Any, **kwargs: Any) -> None:
        super().insert_events(stored_events, **kwargs)


class TestAsAggregateRecorder(OverTheLedger, contract.AggregateRecorderTestCase):
    test_performance = None  # see OMITTED

    def create_recorder(self) -> ApplicationRecorder:
        return NumbersWithheld(self.ledger.pool, self.ledger.kind)


class TestAsApplicationRecorder(OverTheLedger, contract.ApplicationRecorderTestCase):
    test_performance = None  # see OMITTED

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


# What of the library's tests of recorders is not run, and why.
PRINTS_A_RATE = "prints a rate and asserts nothing; rates are measured in bench/"
NO_TRACKING = "a place in another log is kept with our followers, in their own table; this recorder tracks nothing"
OMITTED = {
    "AggregateRecorderTestCase.test_performance": PRINTS_A_RATE,
    "ApplicationRecorderTestCase.test_performance": PRINTS_A_RATE,
    "NonInterleavingNotificationIDsBaseCase.test": "asserts that appends take numbers one after the other, which needs the table lock"
    " that is left out here; that no reader misses an event, for which the library wants it, test_recorder_following.py shows",
    "ProcessRecorderTestCase.test_has_tracking_id": NO_TRACKING,
    "ProcessRecorderTestCase.test_insert_select": NO_TRACKING,
    "ProcessRecorderTestCase.test_performance": NO_TRACKING,
    "ProcessRecorderTestCase.test_raises_when_lower_inserted_later": NO_TRACKING,
    "TrackingRecorderTestCase.test_insert_tracking": NO_TRACKING,
    "TrackingRecorderTestCase.test_wait": NO_TRACKING,
}
OTHER_THINGS = {"InfrastructureFactoryTestCase", "TranscoderTestCase"}  # test the library's configuration and JSON, no recorder


def names_of_tests(case: type[TestCase]) -> set[str]:
    return {
        name.removeprefix("optional_") for name in dir(case) if name.removeprefix("optional_").startswith("test") and getattr(case, name)
    }


def test_five_tests_of_the_library_run_and_nine_have_a_reason_not_to() -> None:
    cases = {
        name: case
        for name, case in vars(contract).items()
        if isinstance(case, type) and issubclass(case, TestCase) and case is not TestCase
    }
    theirs = {f"{name}.{test}" for name, case in cases.items() if name not in OTHER_THINGS for test in names_of_tests(case)}
    run = {
        f"{ours.__bases__[1].__name__}.{test}"
        for ours in (TestAsAggregateRecorder, TestAsApplicationRecorder)
        for test in names_of_tests(ours)
    }
    assert len(run) == 5
    assert len(OMITTED) == 9
    assert theirs == run | set(OMITTED)
    assert not run & set(OMITTED)


def test_appends_of_the_same_streams_in_opposite_orders_never_wait_for_each_other(ledger: LedgerRecorder) -> None:
    streams = [uuid4(), uuid4()]

    def append_fifty(order: list[UUID]) -> int:
        done = 0
        while done < 50:
            version = len(ledger.select_events(streams[0])) + 1
            try:
                ledger.insert_events([made(stream, version) for stream in order])
                done += 1
            except IntegrityError:
                continue
        return done

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(append_fifty, (streams, streams[::-1]))) == 100
    for stream in streams:
        assert [e.originator_version for e in ledger.select_events(stream)] == list(range(1, 101))


def test_a_version_that_is_not_the_next_is_refused_with_all_that_came_with_it(ledger: LedgerRecorder) -> None:
    stream = uuid4()
    for versions in ((2,), (1, 1), (1, 3), (2, 1), (0, 2)):
        with pytest.raises(IntegrityError):
            ledger.insert_events([made(), *(made(stream, version) for version in versions)])
    ledger.insert_events([made(stream)])
    for version in (0, 1, 3):
        with pytest.raises(IntegrityError):
            ledger.insert_events([made(), made(stream, version)])
    assert all_of(ledger) == [(stream, 1)]


async def test_a_root_of_ours_is_not_written_to(ledger: LedgerRecorder, settings: Settings) -> None:
    async with await connect(settings) as conn:
        root = await begin_root(conn)
    with pytest.raises(IntegrityError):
        ledger.insert_events([made(root, 2)])
    assert len(ledger.select_events(root)) == 1
    with pytest.raises(ValueError, match="written by the door only"):
        LedgerRecorder(ledger.pool, "run")


class Note(Aggregate):
    def __init__(self, text: str) -> None:
        self.text = text

    @event("Reworded")
    def reword(self, text: str) -> None:
        self.text = text


class Notebook(Application[UUID]):
    """What a program writes to have an application of the library on a ledger."""

    def __init__(self, given: LedgerRecorder) -> None:
        self.given = given
        super().__init__()

    def construct_recorder(self) -> ApplicationRecorder:
        return self.given


async def test_an_application_of_the_library_lives_in_a_ledger_of_its_own(ledger: LedgerRecorder, settings: Settings) -> None:
    own = Settings(data_dir=settings.data_dir, database_url=settings.database_url, owner_url=settings.owner_url, schema="notes")
    await database.migrate(own, views.create)
    prepare_as_owner(own)
    with database.blocking_pool(own) as pool:
        notebook = Notebook(LedgerRecorder(pool, "note"))
        note = Note("first")
        note.reword("second")
        (first, second) = notebook.save(note)
        stale: Note = notebook.repository.get(note.id)
        note.reword("third")
        notebook.save(note)
        stale.reword("lost")
        with pytest.raises(IntegrityError):
            notebook.save(stale)
        assert notebook.repository.get(note.id).text == "third"
        assert [first.notification.id, second.notification.id] == [1, 2]
        assert [n.id for n in notebook.notification_log.select(1, 10)] == [1, 2, 3]
    assert all_of(ledger) == []
    async with database.pool(own) as sequencing, sequencing.connection() as conn:
        head, _, more = await sequence.extend(conn, await sequence.head(conn), "0")
        times = await (await conn.execute("SELECT count(*), count(DISTINCT recorded_at) FROM events")).fetchone()
    assert (head.seq, more, times) == (3, False, (3, 2))
