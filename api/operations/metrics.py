"""Figures for Prometheus: requests by route, their latency, the pool. No token, id or address becomes a label."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.exchange import Exchange, Req
from api.openapi.operation import Operation

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


@get("/metrics", operation=Operation("Figures for Prometheus", None, str, more=(401, 503), media=("text/plain",)))
async def metrics(request: Req, exchange: Exchange) -> Response[bytes]:
    """Open to everyone who reaches the address, unless the deployment asks for a token."""
    if exchange.settings.metrics_need_token:
        await exchange.doorkeeper.identify(request.headers.get("authorization"))
    return Response(generate_latest(request.app.state.meter.registry), media_type=CONTENT_TYPE_LATEST)


HANDLERS = [metrics]
