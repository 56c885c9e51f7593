"""Several processes of the API at one port: they share the work and the figures, and are started again when one dies."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx

from tests.acceptance.program import Program, alive, processes
from tests.acceptance.test_figures import Watched

COMMAND = [str(Path(sys.executable).with_name("runledger")), "serve", "--no-worker", "--processes", "2"]
WAIT_S_MAX = 30


def answering(program: Program) -> set[int]:
    return {pid for pid, parent, name in processes() if parent == program.pid and name.startswith("python")}


def who_answers(program: Program, http: httpx.Client) -> int | None:
    """The process that has taken this client's connection; the times at which they began can be equal, in ticks of 10 ms."""
    port = http.get("/livez").extensions["network_stream"].get_extra_info("client_addr")[1]
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    socket = next(row[9] for row in rows if row[1].endswith(f":{program.port:04X}") and row[2].endswith(f":{port:04X}"))
    return next((pid for pid in answering(program) if f"socket:[{socket}]" in open_files(pid)), None)


def open_files(pid: int) -> list[str]:
    with suppress(FileNotFoundError):  # it, or one of its files, is gone
        return [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return []


def both_answer(program: Program) -> set[int]:
    end, found = time.monotonic() + WAIT_S_MAX, set[int]()
    while len(found) < 2:
        assert time.monotonic() < end, found
        with httpx.Client(base_url=program.url) as one:  # kept open, so that the next connection may go to the other
            found |= {pid for pid in [who_answers(program, one)] if pid is not None}
    return found


def test_two_processes_answer_count_together_and_are_healed(tmp_path: Path) -> None:
    with Program(tmp_path / "data", command=COMMAND) as program:
        first = both_answer(program)
        watched = Watched(program)
        for n in range(20):
            with httpx.Client(headers=watched.http.headers) as alone:
                assert alone.post(f"{program.url}/api/v1/systems", json={"system_name": f"Rig {n}"}).status_code == 201
        assert {watched.figure("runledger_append_seconds_count") for _ in range(5)} == {20}
        one, other = answering(program)
        os.kill(one, signal.SIGKILL)
        assert httpx.get(f"{program.url}/readyz").status_code == 200
        assert both_answer(program) != first
        assert other in answering(program)
        assert watched.figure("runledger_append_seconds_count") == 20, "what the dead one counted stays"
        started = answering(program)
        assert program.end() == 0
        assert not any(alive(pid) for pid in started)


def test_of_a_killed_program_no_process_goes_on(tmp_path: Path) -> None:
    program = Program(tmp_path / "data", command=COMMAND)
    with program:
        both_answer(program)
        started = answering(program)
        program.kill()
        end = time.monotonic() + WAIT_S_MAX
        while any(alive(pid) for pid in started):
            assert time.monotonic() < end
            time.sleep(0.05)
