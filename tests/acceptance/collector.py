"""A collector of OpenTelemetry on loopback: it takes OTLP over HTTP and keeps what it is sent."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

WAIT_S_MAX = 30


class Collector:
    """`raw` are the bodies as they came; `spans` what is in them, each with the `service` that sent it."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.spans: list[tuple[str, Any]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                collector._take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, body: bytes) -> None:
        self.raw.append(body)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(a.value.string_value for a in of_resource.resource.attributes if a.key == "service.name")
            self.spans += [(service, span) for scope in of_resource.scope_spans for span in scope.spans]

    def wait_for(self, name: str, fits: Callable[[Any], bool] = lambda _: True) -> tuple[str, Any]:
        """The first span of this name that fits, once it is there."""
        end = time.monotonic() + WAIT_S_MAX
        while time.monotonic() < end:
            for service, span in [*self.spans]:
                if span.name == name and fits(span):
                    return service, span
            time.sleep(0.05)
        raise AssertionError(f"{name} never came, but {sorted({span.name for _, span in self.spans})}")
