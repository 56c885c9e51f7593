"""Figures for Prometheus: requests by route, their latency, appends, the pool. No token, id or address becomes a label."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.exchange import Exchange, Req
from api.openapi.operation import Operation
from api.operations import standing_figures
from api.operations.standing_figures import StandingFigures
from infra import database

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
    """The figures of one application: what it counted, or all processes that share its port together, and how it stands itself."""

    def __init__(self, pool_figures: Callable[[], Mapping[str, int]], counts_alone: Callable[[], bool]) -> None:
        self._counted, self._own = CollectorRegistry(), CollectorRegistry()
        self._requests = Counter("runledger_http_requests", "Requests answered", ("method", "route", "status"), registry=self._counted)
        self._seconds = Histogram(
            "runledger_http_request_seconds", "Time to answer", ("method", "route"), registry=self._counted, buckets=BUCKETS_S
        )
        self._known: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self._appends = Histogram(
            "runledger_append_seconds",
            "Time of a change in the database: load, decide, append, commit",
            registry=self._counted,
            buckets=BUCKETS_S,
        )
        self._counted = _of_all_processes() or self._counted
        self._own.register(_Own(pool_figures, counts_alone))
        ProcessCollector(registry=self._own)

    def told(self) -> bytes:
        return generate_latest(self._counted) + generate_latest(self._own)

    def count(self, method: str, route: str, status: int, seconds: float, _request_id: str) -> None:
        known = self._known.get((method, route, status))
        if known is None:
            known = self._learn(method if method in METHODS else "other", route, status)
            if method in METHODS:
                self._known[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def appended(self, seconds: float) -> None:
        self._appends.observe(seconds)

    def _learn(self, method: str, route: str, status: int) -> tuple[Any, Any]:
        return self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)


def _of_all_processes() -> CollectorRegistry | None:
    """None where we answer alone: the folder of those who count together is named by a variable of the library's."""
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library carries no types
    except ValueError:
        return None
    return registry


class _Own(Collector):
    """Of this process: its pool, and whether Redis helps it to count."""

    def __init__(self, pool_figures: Callable[[], Mapping[str, int]], counts_alone: Callable[[], bool]) -> None:
        self._pool_figures, self._counts_alone = pool_figures, counts_alone

    def collect(self) -> Iterable[GaugeMetricFamily]:
        meaning = "1 while Redis is away and each process limits requests by its own count"
        yield GaugeMetricFamily("runledger_rate_counts_alone", meaning, self._counts_alone())
        figures = self._pool_figures()
        for name, meaning in POOL.items():
            yield GaugeMetricFamily(f"runledger_{name if name.startswith('pool') else f'pool_{name}'}", meaning, figures.get(name, 0))


async def _standing(exchange: Exchange) -> bytes:
    """Nothing while the database is away: the other figures are wanted most then."""
    try:
        async with exchange.pool.connection(timeout=DATABASE_S) as conn:
            told = await standing_figures.ask(conn)
    except database.AWAY:
        return b""
    registry = CollectorRegistry()
    registry.register(StandingFigures(told))
    return generate_latest(registry)


@get("/metrics", name="get metrics", operation=Operation("Figures for Prometheus", None, str, more=(401, 503), media=("text/plain",)))
async def metrics(request: Req, exchange: Exchange) -> Response[bytes]:
    """Open to everyone who reaches the address, unless the deployment asks for a token."""
    if exchange.settings.metrics_need_token:
        await exchange.doorkeeper.identify(request.headers.get("authorization"))
    figures = request.app.state.meter.told() + await _standing(exchange)
    return Response(figures, media_type=FORM)


HANDLERS = [metrics]
