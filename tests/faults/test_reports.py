"""Whatever dies or is away, a report that was asked for ends once: promise P11 on real processes."""

import asyncio
import os
import signal
import time
from pathlib import Path
from uuid import UUID

import pytest

from infra.embedded.valkey import Valkey
from tests.acceptance.program import alive, processes
from tests.faults.rig import LEASE_S, Rig, until
from tests.infra import stores
from workers import calls

PROMPT_S_MAX = 1.0  # an answer of the API, whatever Redis does

ROW = b"t,v\n0,1\n"
BUSY = b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\n\r\n"
DENIED = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize("point", ["report.leased", "report.started", "report.analysing", "report.analysed"])
async def test_a_worker_killed_before_the_end_costs_an_attempt(rig: Rig, point: str) -> None:
    report, first = rig.ask(), rig.worker(point)
    await first.died()
    rig.worker()
    begun = [] if point == "report.leased" else [("started", 1)]
    assert await rig.ends(report) == [*begun, ("started", 2), ("completed", 2)]


async def test_a_worker_killed_between_the_end_and_its_message_changes_nothing(rig: Rig) -> None:
    report, first = rig.ask(), rig.worker("report.ended")
    await first.died()
    rig.worker()
    for _ in range(3):
        calls.call(calls.broker(rig.settings), [UUID(report)])
    later = rig.ask()
    assert await rig.ends(later) == [("started", 1), ("completed", 1)]
    assert rig.told(report) == [("started", 1), ("completed", 1)]


async def test_a_report_whose_every_worker_is_killed_has_failed_after_three(rig: Rig) -> None:
    report = rig.ask()
    for _ in range(3):
        await rig.worker("report.analysing").died()
    rig.worker()
    assert await rig.ends(report) == [("started", 1), ("started", 2), ("started", 3), ("failed", 3)]
    assert rig.shown(report)["failure_reason"] == "After 3 attempts: the worker was lost."


async def test_a_worker_that_hangs_past_its_lease_is_fenced_off_when_it_wakes(rig: Rig) -> None:
    report, hung = rig.ask(), rig.worker("report.analysed:1:stop")
    await hung.is_stopped()
    rig.worker()
    ended = [("started", 1), ("started", 2), ("completed", 2)]
    assert await rig.ends(report) == ended
    assert await rig.ends(rig.ask()) == [("started", 1), ("completed", 1)]  # though the one that hangs led the sequencers
    hung.go_on()
    assert await hung.end() == 0
    assert rig.told(report) == ended


async def test_of_two_workers_and_twenty_messages_one_makes_the_report(rig: Rig) -> None:
    rig.worker()
    rig.worker()
    reports = [rig.ask() for _ in range(3)]
    await until(lambda: calls.call(calls.broker(rig.settings), [UUID(r) for r in reports] * 20))
    for report in reports:
        assert await rig.ends(report) == [("started", 1), ("completed", 1)]


async def test_a_report_that_is_cancelled_stops_and_the_worker_goes_on(rig: Rig) -> None:
    report = rig.ask()
    rig.worker("report.analysing:1:stall")
    await rig.is_begun(report)
    rig.cancel(report)
    await until(lambda: list((rig.program.directory / "work").glob(f"{report}-*")) == [], 5 * LEASE_S)
    assert await rig.ends(rig.ask()) == [("started", 1), ("completed", 1)]
    assert rig.told(report) == [("started", 1), ("cancelled", None)]


async def test_a_worker_asked_to_end_finishes_its_report(rig: Rig) -> None:
    report, worker = rig.ask(), rig.worker()
    await rig.is_begun(report)
    assert await worker.end() == 0
    assert rig.told(report) == [("started", 1), ("completed", 1)]


async def test_a_worker_asked_to_end_hands_back_what_takes_too_long(rig: Rig) -> None:
    report, worker = rig.ask(), rig.worker("report.analysing:1:stall", RUNLEDGER_GRACE_S="0")
    await rig.is_begun(report)
    assert await worker.end() == 0
    rig.worker()
    assert await rig.ends(report) == [("started", 1), ("started", 1), ("completed", 1)]


async def test_redis_wiped_loses_no_report(rig: Rig, valkey: Valkey) -> None:
    redis = rig.redis(valkey.url)
    first = rig.ask()
    busy = rig.worker("report.analysing:1:stall", "--threads", "1", RUNLEDGER_REDIS_URL=valkey.url)
    await rig.is_begun(first)
    others = [rig.ask() for _ in range(3)]
    await until(lambda: redis.llen("runledger:reports") >= len(others))
    redis.flushall()
    rig.worker(RUNLEDGER_REDIS_URL=valkey.url)
    for report in others:
        assert await rig.ends(report) == [("started", 1), ("completed", 1)]
    busy.kill()
    assert await rig.ends(first) == [("started", 1), ("started", 2), ("completed", 2)]


async def test_with_redis_down_reports_wait_and_start_when_it_is_back(rig: Rig, valkey: Valkey) -> None:
    rig.worker(RUNLEDGER_REDIS_URL=valkey.url)
    assert await rig.ends(rig.ask()) == [("started", 1), ("completed", 1)]
    valkey.stop()
    asked_at = time.monotonic()
    report = rig.ask()
    assert time.monotonic() < asked_at + PROMPT_S_MAX
    await asyncio.sleep(2 * LEASE_S)
    assert rig.told(report) == []
    valkey.start()
    assert await rig.ends(report) == [("started", 1), ("completed", 1)]


async def test_with_redis_hung_the_sequence_and_the_api_go_on_and_reports_wait(rig: Rig, valkey: Valkey) -> None:
    rig.worker(RUNLEDGER_REDIS_URL=valkey.url)
    assert await rig.ends(rig.ask()) == [("started", 1), ("completed", 1)]
    assert valkey.process is not None
    os.kill(valkey.process.pid, signal.SIGSTOP)
    asked_at = time.monotonic()
    report = rig.ask()
    assert time.monotonic() < asked_at + PROMPT_S_MAX
    await until(lambda: is_noted(rig, report), PROMPT_S_MAX)
    assert rig.told(report) == []
    os.kill(valkey.process.pid, signal.SIGCONT)
    assert await rig.ends(report) == [("started", 1), ("completed", 1)]


def is_noted(rig: Rig, report: str) -> bool:
    return rig.db.execute("SELECT 1 FROM runledger.report_jobs WHERE report_id = %s", (report,)).fetchone() is not None


async def test_an_object_that_was_replaced_or_is_gone_fails_its_report_by_name(rig: Rig) -> None:
    rig.worker()
    for harm in ("replaced", "gone"):
        run, key = await rig.with_file(ROW)
        if harm == "replaced":
            await stores.put(rig.settings, key, ROW[::-1])
        else:
            await stores.remove(rig.settings, key)
        report = rig.ask(run)
        assert await rig.ends(report) == [("started", 1), ("failed", 1)]
        assert f"s3://runledger/{key}" in rig.shown(report, run)["failure_reason"]


async def test_while_s3_is_busy_a_report_is_tried_three_times(rig: Rig) -> None:
    run, _ = await rig.with_file(ROW)
    async with stores.answering(BUSY) as busy:
        rig.worker(RUNLEDGER_S3_ENDPOINT=busy.s3_endpoint or "")
        report = rig.ask(run)
        assert await rig.ends(report) == [("started", 1), ("started", 2), ("started", 3), ("failed", 3)]
    assert "S3 answers 503" in rig.shown(report, run)["failure_reason"]


async def test_where_s3_denies_the_file_its_report_is_tried_three_times(rig: Rig) -> None:
    run, _ = await rig.with_file(ROW)
    async with stores.answering(DENIED) as denied:
        rig.worker(RUNLEDGER_S3_ENDPOINT=denied.s3_endpoint or "")
        report = rig.ask(run)
        assert await rig.ends(report) == [("started", 1), ("started", 2), ("started", 3), ("failed", 3)]
    assert "403" in rig.shown(report, run)["failure_reason"]


async def test_bytes_that_flip_or_break_off_on_the_way_make_no_report(rig: Rig) -> None:
    for bend, ends, reason in (
        (lambda sent: sent.replace(ROW, ROW[::-1]), [("started", 1), ("failed", 1)], "has the SHA-256"),
        (lambda sent: None if ROW in sent else sent, [*[("started", n) for n in (1, 2, 3)], ("failed", 3)], "S3 is not reachable"),
    ):
        run, _ = await rig.with_file(ROW)
        straight = rig.worker()
        await until(lambda run=run: rig.http.get(f"/test-runs/{run}/data").json()["items"][0]["sha256"])
        assert await straight.end() == 0
        async with stores.between(rig.settings, bend) as bent:
            worker = rig.worker(RUNLEDGER_S3_ENDPOINT=bent.s3_endpoint or "")
            report = rig.ask(run)
            assert await rig.ends(report) == ends
            assert await worker.end() == 0
        assert reason in rig.shown(report, run)["failure_reason"]


async def test_with_redis_read_only_reports_wait_until_it_takes_messages_again(rig: Rig, valkey: Valkey) -> None:
    redis = rig.redis(valkey.url)
    rig.worker(RUNLEDGER_REDIS_URL=valkey.url)
    assert await rig.ends(rig.ask()) == [("started", 1), ("completed", 1)]
    redis.replicaof("127.0.0.1", "1")  # a replica of nobody takes no writes
    asked_at = time.monotonic()
    report = rig.ask()
    assert time.monotonic() < asked_at + PROMPT_S_MAX
    await asyncio.sleep(2 * LEASE_S)
    assert rig.told(report) == []
    redis.replicaof("no", "one")
    assert await rig.ends(report) == [("started", 1), ("completed", 1)]


async def test_a_process_of_jobs_that_dies_is_replaced_and_all_end_with_their_worker(rig: Rig) -> None:
    worker = rig.worker("", "--processes", "2")
    assert await rig.ends(rig.ask()) == [("started", 1), ("completed", 1)]
    for child in children(worker.pid):
        os.kill(child, signal.SIGKILL)
    assert await rig.ends(rig.ask()) == [("started", 1), ("completed", 1)]
    left = children(worker.pid)
    assert await worker.end() == 0
    await until(lambda: not any(alive(pid) for pid in left))


def children(pid: int) -> list[int]:
    """The processes of jobs of a worker; multiprocessing has one of its own beside them."""
    commands = {child: (Path("/proc") / str(child) / "cmdline").read_bytes() for child, parent, _ in processes() if parent == pid}
    return [child for child, command in commands.items() if b"spawn_main" in command]
