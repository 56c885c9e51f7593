"""Figures that the database tells when it is asked: sequence, followers, checkpoints, reports, data files, vectors."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from psycopg import AsyncConnection

from infra import followers, leases, sequence
from infra.audit import checkpoints
from projections import embedding_backlog, pinned_objects, run_words
from projections.pinned_objects import Unread


class Standing(NamedTuple):
    sequence: sequence.Lag
    followers: list[followers.Standing]
    signed: checkpoints.Standing
    reports: leases.Standing
    unread: Unread
    to_embed: int
    stale_runs: int


async def ask(conn: AsyncConnection[Any]) -> Standing:
    return Standing(
        await sequence.lag(conn),
        await followers.standings(conn),
        await checkpoints.standing(conn),
        await leases.standing(conn),
        await pinned_objects.unread(conn),
        await embedding_backlog.waiting(conn),
        await run_words.stale(conn),
    )


class StandingFigures(Collector):
    """What was told, in the form of Prometheus."""

    def __init__(self, told: Standing) -> None:
        self._told = told

    def collect(self) -> Iterable[GaugeMetricFamily]:
        lag, signed, reports, unread = self._told.sequence, self._told.signed, self._told.reports, self._told.unread
        yield _gauge("sequence_position", "The last position given to an event", lag.seq)
        yield _gauge("sequence_lag_events", "Events that wait for a position", lag.events)
        yield _gauge("sequence_lag_seconds", "Age of the oldest of them", lag.seconds)
        yield _gauge("chain_age_seconds", "Since the event at the last position was recorded", signed.chain_age_s)
        yield _gauge("checkpoint_lag_events", "Positions that no signature covers yet", signed.unsigned)
        yield _gauge("checkpoint_age_seconds", "Since the chain was last signed", signed.age_s)
        yield from self._of_followers()
        states = GaugeMetricFamily("runledger_reports", "Reports that were asked for and have not ended, by state", labels=("state",))
        for state in ("waiting", "running"):
            states.add_metric((state,), getattr(reports, state))
        yield states
        yield _gauge("reports_oldest_seconds", "Since the oldest of them was asked for", reports.oldest_s)
        yield _gauge("files_unread", "Data files whose object was never read from end to end", unread.files)
        yield _gauge("files_faulty", "Of these, objects that are gone or were replaced", unread.faulty)
        yield _gauge("documents_to_embed", "Texts that search does not find by meaning yet", self._told.to_embed)
        yield _gauge("stale_runs", "Runs whose documents a search for a common word reads one by one", self._told.stale_runs)

    def _of_followers(self) -> Iterable[GaugeMetricFamily]:
        events = GaugeMetricFamily("runledger_follower_lag_events", "Positions that the follower has not taken", labels=("follower",))
        seconds = GaugeMetricFamily("runledger_follower_lag_seconds", "Age of the oldest of them", labels=("follower",))
        parked = GaugeMetricFamily("runledger_follower_parked_roots", "Records that the follower left behind", labels=("follower",))
        for each in self._told.followers:
            events.add_metric((each.name,), each.lag_events)
            seconds.add_metric((each.name,), each.lag_seconds)
            parked.add_metric((each.name,), each.parked)
        return events, seconds, parked


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"runledger_{name}", meaning, value)
