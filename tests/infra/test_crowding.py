"""Whether a process has to wait for a processor."""

from infra import crowding
from infra.crowding import Crowding
from tests.busy import busy_processors, work


def test_who_works_beside_many_waits_for_a_processor() -> None:
    with busy_processors():
        asked = Crowding()
        work(0.8)
        waited = asked.waited_s()
    assert 0.2 < waited < 5


def test_nothing_is_waited_for_where_nothing_tells(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(crowding, "TASKS", tmp_path)
    asked = Crowding()
    work(0.01)
    assert asked.waited_s() == 0
