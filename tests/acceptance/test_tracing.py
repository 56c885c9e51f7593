"""Spans of the real program: one trace from the client's request to the worker's job, and nothing in it that a user wrote."""

import subprocess
import sys
from pathlib import Path

import httpx

from tests.acceptance.collector import Collector
from tests.acceptance.program import ROOT, Program

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CANARY = "canary-5d1f"


def attributes(span: object) -> dict[str, object]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}


def test_a_trace_goes_from_the_clients_request_to_the_workers_job(tmp_path: Path) -> None:
    with (
        Collector() as collector,
        Program(tmp_path / "data", {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}) as program,
    ):
        client = httpx.Client(base_url=f"{program.url}/api/v1", headers={"authorization": f"Bearer {program.token}"})
        system = client.post("/systems", json={"system_name": CANARY}).json()["system_id"]
        run = client.post("/test-runs", json={"title": CANARY, "system_id": system}).json()["uuid"]
        traced = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        report = client.post(
            f"/test-runs/{run}/reports?q={CANARY}", json={"scope": "run", "analysis_context": CANARY}, headers=traced
        ).json()
        client.post(f"/test-runs/{run}/reports?q={CANARY}", json={"scope": CANARY})

        service, asked = collector.wait_for("POST /api/v1/test-runs/{run_id}/reports", lambda span: span.trace_id.hex() == TRACE)
        assert (service, asked.parent_span_id.hex(), asked.kind) == ("runledger-api", CALLER, asked.SPAN_KIND_SERVER)
        told = attributes(asked)
        assert (told["http.request.method"], told["http.route"], told["http.response.status_code"]) == (
            "POST", "/api/v1/test-runs/{run_id}/reports", 201
        )  # fmt: skip
        service, append = collector.wait_for("append", lambda span: span.parent_span_id == asked.span_id)
        assert (service, append.trace_id, attributes(append)) == ("runledger-api", asked.trace_id, {"events": 1})

        service, job = collector.wait_for("make report", lambda span: span.trace_id.hex() == TRACE)
        assert (service, job.parent_span_id, job.kind) == ("runledger-worker", asked.span_id, job.SPAN_KIND_CONSUMER)
        assert attributes(job) == {"report_id": report["uuid"], "attempt": 1}
        collector.wait_for("append", lambda span: span.parent_span_id == job.span_id)
        service, batch = collector.wait_for("follow report relay")
        assert service == "runledger-worker"
        assert attributes(batch).keys() == {"events", "last_seq"}

    said = b"".join(collector.raw)
    assert len(collector.spans) > 10
    assert CANARY.encode() not in said
    assert program.token.split("_")[-1].encode() not in said


def test_without_a_collector_nothing_of_it_is_imported() -> None:
    """The Redis client looks for the library of metrics by itself, where the extra is installed."""
    program = """import sys, cli.serve, cli.worker; from infra import tracing; tracing.begin("api")
print(tracing.is_on(), *(m for m in sys.modules if m.startswith(("opentelemetry.exporter", "opentelemetry.sdk.trace"))))"""
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PATH": ""}, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["False"], done.stderr
