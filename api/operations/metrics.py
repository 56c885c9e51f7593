"""Figures for Prometheus: requests by route, their latency, the pool. No token, id or address becomes a label."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.exchange import Exchange, Req
from api.openapi.operation import Operation
from infra import database, followers, sequence
from projections import embedding_backlog, pinned_objects
from projections.pinned_objects import Unread

DATABASE_S = 2.0
FORM = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")  # the framework adds it
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
POOL = {
    "pool_max": "Connections that the pool may have",
    "pool_size": "Connections of the pool",
    "pool_available": "Connections that wait for work",
    "requests_waiting": "Requests that wait for a connection",
}


class Meter:
    """The figures of one application."""

    def __init__(self, pool_figures: Callable[[], Mapping[str, int]]) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("runledger_http_requests", "Requests answered", ("method", "route", "status"), registry=self.registry)
        self._seconds = Histogram(
            "runledger_http_request_seconds", "Time to answer", ("method", "route"), registry=self.registry, buckets=BUCKETS_S
        )
        self._known: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self.registry.register(_PoolFigures(pool_figures))
        ProcessCollector(registry=self.registry)

    def count(self, method: str, route: str, status: int, seconds: float, _request_id: str) -> None:
        known = self._known.get((method, route, status))
        if known is None:
            known = self._learn(method if method in METHODS else "other", route, status)
            if method in METHODS:
                self._known[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def _learn(self, method: str, route: str, status: int) -> tuple[Any, Any]:
        return self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)


class _PoolFigures(Collector):
    def __init__(self, pool_figures: Callable[[], Mapping[str, int]]) -> None:
        self._figures = pool_figures

    def collect(self) -> Iterable[GaugeMetricFamily]:
        figures = self._figures()
        for name, meaning in POOL.items():
            yield GaugeMetricFamily(f"runledger_{name if name.startswith('pool') else f'pool_{name}'}", meaning, figures.get(name, 0))


class _Standing(Collector):
    """The sequencer, the followers, the data files and the vectors, as the database tells at the time of asking."""

    def __init__(self, lag: sequence.Lag, standings: Iterable[followers.Standing], unread: Unread, to_embed: int) -> None:
        self._lag, self._standings, self._unread, self._to_embed = lag, list(standings), unread, to_embed

    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield GaugeMetricFamily("runledger_sequence_position", "The last position given to an event", self._lag.seq)
        yield GaugeMetricFamily("runledger_sequence_lag_events", "Events that wait for a position", self._lag.events)
        yield GaugeMetricFamily("runledger_sequence_lag_seconds", "Age of the oldest of them", self._lag.seconds)
        events = GaugeMetricFamily("runledger_follower_lag_events", "Positions that the follower has not taken", labels=("follower",))
        seconds = GaugeMetricFamily("runledger_follower_lag_seconds", "Age of the oldest of them", labels=("follower",))
        parked = GaugeMetricFamily("runledger_follower_parked_roots", "Records that the follower left behind", labels=("follower",))
        for each in self._standings:
            events.add_metric((each.name,), each.lag_events)
            seconds.add_metric((each.name,), each.lag_seconds)
            parked.add_metric((each.name,), each.parked)
        yield from (events, seconds, parked)
        yield GaugeMetricFamily("runledger_files_unread", "Data files whose object was never read from end to end", self._unread.files)
        yield GaugeMetricFamily("runledger_files_faulty", "Of these, objects that are gone or were replaced", self._unread.faulty)
        yield GaugeMetricFamily("runledger_documents_to_embed", "Texts that search does not find by meaning yet", self._to_embed)


async def _standing(exchange: Exchange) -> bytes:
    """Nothing while the database is away: the other figures are wanted most then."""
    try:
        async with exchange.pool.connection(timeout=DATABASE_S) as conn:
            standings, unread = await followers.standings(conn), await pinned_objects.unread(conn)
            told = _Standing(await sequence.lag(conn), standings, unread, await embedding_backlog.waiting(conn))
    except database.AWAY:
        return b""
    registry = CollectorRegistry()
    registry.register(told)
    return generate_latest(registry)


@get("/metrics", operation=Operation("Figures for Prometheus", None, str, more=(401, 503), media=("text/plain",)))
async def metrics(request: Req, exchange: Exchange) -> Response[bytes]:
    """Open to everyone who reaches the address, unless the deployment asks for a token."""
    if exchange.settings.metrics_need_token:
        await exchange.doorkeeper.identify(request.headers.get("authorization"))
    figures = generate_latest(request.app.state.meter.registry) + await _standing(exchange)
    return Response(figures, media_type=FORM)


HANDLERS = [metrics]
