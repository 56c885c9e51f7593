"""Whether a process has to wait for a processor."""

import os
import subprocess
import sys
import time

from infra import crowding
from infra.crowding import Crowding


def test_who_works_beside_many_waits_for_a_processor() -> None:
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3 * (os.cpu_count() or 1))]
    try:
        time.sleep(0.5)
        asked = Crowding()
        _work(0.8)
        waited = asked.waited_s()
    finally:
        for each in others:
            each.kill()
            each.wait()
    assert 0.2 < waited < 5


def test_nothing_is_waited_for_where_nothing_tells(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(crowding, "TASKS", tmp_path)
    asked = Crowding()
    _work(0.01)
    assert asked.waited_s() == 0


def _work(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
