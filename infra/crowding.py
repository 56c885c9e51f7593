"""How long a process waits for a processor, as Linux tells (Documentation/scheduler/sched-stats.rst)."""

from pathlib import Path

TASKS = Path("/proc/self/task")
USUAL = 0.1  # of the time it works, on a machine with processors to spare


class Crowding:
    """Of this process, since this was made."""

    def __init__(self) -> None:
        self._worked, self._waited = _times()

    def waited_s(self) -> float:
        """Seconds that its threads were ready to work and did not, beyond the usual; 0 where nothing tells."""
        worked, waited = _times()
        return max(waited - self._waited - USUAL * (worked - self._worked), 0.0)


def _times() -> tuple[float, float]:
    """Seconds at work and seconds ready to, of all threads that live."""
    worked = waited = 0
    for task in TASKS.glob("*/schedstat"):
        try:
            ran, stood, _ = task.read_text().split()
        except OSError:  # it has just ended
            continue
        worked, waited = worked + int(ran), waited + int(stood)
    return worked / 1e9, waited / 1e9
