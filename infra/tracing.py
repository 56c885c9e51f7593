"""Spans for OpenTelemetry, sent where OTEL_EXPORTER_OTLP_ENDPOINT says; without it we import nothing, and a span is nothing.

A span names a route, an id or a number; no address, body, parameter of SQL or text of an error. The context of a change is kept with its
events, so that what follows from them joins its trace: `correlation_id` is the trace, `causation_id` the span that the change was part
of (W3C trace context; a span's 8 bytes come after 8 of zero).
"""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple
from uuid import UUID

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
logger = logging.getLogger("runledger.tracing")


class Context(NamedTuple):
    """Where a change comes from, as it is kept with its events."""

    correlation_id: UUID | None = None
    causation_id: UUID | None = None


NOWHERE = Context()
_nothing: AbstractContextManager[Any] = nullcontext()
_otel: Any = None  # opentelemetry.trace, once begun
_tracer: Any = None


def begin(part: str) -> None:
    """Once a process, which sends its spans as the service `runledger-<part>` unless OTEL_SERVICE_NAME or the like says otherwise."""
    global _otel, _tracer
    if not any(os.environ.get(name) for name in ENDPOINTS) or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    try:
        from opentelemetry import trace  # noqa: PLC0415 - an extra; nobody pays for it without a collector
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        logger.warning("%s is set, but spans need the packages of the extra `otel`; the README names them", ENDPOINTS[0])
        return
    is_named = os.environ.get("OTEL_SERVICE_NAME") or "service.name" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    provider = TracerProvider(resource=Resource.create({} if is_named else {"service.name": f"runledger-{part}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _otel, _tracer = trace, provider.get_tracer("runledger")


def is_on() -> bool:
    return _tracer is not None


def span(name: str, **said: str | int) -> AbstractContextManager[Any]:
    """A step of what this task does; None where there is no collector."""
    return _nothing if _tracer is None else _span(name, "INTERNAL", None, said)


def request(method: str, route: str, headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[Any]:
    """A request that is served, in the trace that its `traceparent` names."""
    if _tracer is None:
        return _nothing
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - as above

    carrier = {name.decode(): value.decode("latin-1") for name, value in headers if name in (b"traceparent", b"tracestate")}
    parent = TraceContextTextMapPropagator().extract(carrier)
    return _span(f"{method} {route}", "SERVER", parent, {"http.request.method": method, "http.route": route})


def answered(span: Any, status: int, request_id: str) -> None:
    """Tells what the request came to; a span may be None."""
    if span is not None:
        span.set_attributes({"http.response.status_code": status, "runledger.request_id": request_id})
        if status >= 500:
            span.set_status(_otel.StatusCode.ERROR)


def job(name: str, asked: Context, **said: str | int) -> AbstractContextManager[Any]:
    """Work that an event asked for, in the trace of the change that it came with."""
    if _tracer is None:
        return _nothing
    parent = None
    if asked.correlation_id is not None and asked.causation_id is not None:
        flags = _otel.TraceFlags(_otel.TraceFlags.SAMPLED)
        known = _otel.SpanContext(asked.correlation_id.int, asked.causation_id.int, is_remote=True, trace_flags=flags)
        parent = _otel.set_span_in_context(_otel.NonRecordingSpan(known))
    return _span(name, "CONSUMER", parent, said)


def current() -> Context:
    """What is kept with the events of a change; nowhere for what is not sampled."""
    if _tracer is None:
        return NOWHERE
    here = _otel.get_current_span().get_span_context()
    if not here.is_valid or not here.trace_flags.sampled:
        return NOWHERE
    return Context(UUID(int=here.trace_id), UUID(int=here.span_id))


@contextmanager
def _span(name: str, kind: str, parent: Any, said: dict[str, str | int]) -> Iterator[Any]:
    """An error is told by its type alone: its words may hold what a user wrote."""
    options = {"record_exception": False, "set_status_on_exception": False}
    with _tracer.start_as_current_span(name, parent, _otel.SpanKind[kind], said, **options) as begun:
        try:
            yield begun
        except BaseException as error:
            begun.set_attribute("error.type", type(error).__name__)
            if isinstance(error, Exception):
                begun.set_status(_otel.StatusCode.ERROR)
            raise
