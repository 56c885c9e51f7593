"""The program as an operator meets it: starts, ends, kills, refusals; by root and by an ordinary user."""

import os
import pwd
import shutil
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.program import ROOT, SERVERS, Program, alive

WAIT_S_MAX = 20
ROOMS = ("domain", "commands", "projections", "api", "workers", "infra", "cli")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("program") / "data") as started:
        yield started


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S_MAX
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def knows_its_token(program: Program) -> bool:
    answer = httpx.get(f"{program.url}/api/v1/test-runs", headers={"authorization": f"Bearer {program.token}"})
    return answer.status_code == 200


def test_all_servers_run_as_its_children(program: Program) -> None:
    assert set(program.servers()) == set(SERVERS)
    assert knows_its_token(program)


@pytest.mark.parametrize("name", SERVERS)
def test_it_answers_again_after_any_server_was_killed(program: Program, name: str) -> None:
    before = program.servers()[name]
    os.kill(before, signal.SIGKILL)
    until(lambda: program.servers().get(name, before) != before and program.is_ready())
    assert knows_its_token(program)


def test_a_second_one_on_the_same_directory_is_refused(program: Program) -> None:
    second = Program(program.directory)
    second.output = program.directory.parent / "second.output"
    assert second.launch().end_by_itself() == 5
    assert f"in use by another Runledger (process {program.pid})" in second.said()
    assert "Traceback" not in second.said()
    assert program.is_ready()


def test_killed_it_leaves_no_orphan_and_starts_again_at_once(program: Program) -> None:
    servers = program.servers()
    program.kill()
    program.start()
    assert knows_its_token(program)
    until(lambda: not any(alive(pid) for pid in servers.values()))


@pytest.mark.parametrize(("farewell", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)], ids=["Ctrl-C", "SIGTERM"])
def test_it_ends_cleanly(program: Program, farewell: signal.Signals, code: int) -> None:
    servers = program.servers()
    said = len(program.said())
    assert program.end(farewell) == code
    assert not any(alive(pid) for pid in servers.values())
    assert "Traceback" not in program.said()[said:]
    program.start()
    assert knows_its_token(program)


def test_a_port_in_use_is_named_and_nothing_stays_behind(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    with socket.create_server(("127.0.0.1", program.port)):
        assert program.launch().end_by_itself() not in (0, None)
    assert str(program.port) in program.said()
    assert "Traceback" not in program.said()
    assert not program.servers()
    with program:
        assert knows_its_token(program)


def test_killed_in_the_middle_of_its_first_start_it_starts_afresh(tmp_path: Path) -> None:
    program = Program(tmp_path / "data").launch()
    until(lambda: any((tmp_path / "data" / "postgres").glob("data.*/base")))
    program.kill()
    assert not (tmp_path / "data" / "postgres" / "data").exists()
    with program:
        assert knows_its_token(program)
        until(lambda: [p.name for p in (tmp_path / "data" / "postgres").glob("data*")] == ["data"])


def test_a_database_of_another_postgres_is_refused_in_words(tmp_path: Path) -> None:
    data = tmp_path / "data" / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    program = Program(tmp_path / "data")
    assert program.launch().end_by_itself() == 4
    assert "holds data of PostgreSQL 17" in program.said()
    assert "Traceback" not in program.said()


def test_an_ordinary_user_runs_it_and_it_touches_nothing_but_its_directory(open_folder: Path) -> None:
    home, checkout = open_folder / "home", open_folder / "checkout"
    python = copy_of_the_program(checkout)
    home.mkdir(mode=0o700)
    options = {"cwd": checkout}
    if os.geteuid() == 0:
        user = pwd.getpwnam("daemon")  # an account that every machine has, so none must be made
        os.chown(home, user.pw_uid, user.pw_gid)
        options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    settings = {"HOME": str(home), "PYTHONPYCACHEPREFIX": str(home / "data" / "cache")}
    settings["LD_LIBRARY_PATH"] = str(python.resolve().parent.parent / "lib")
    program = Program(home / "data", settings, [str(python), "-m", "cli.main", "serve"], **options)
    program.output = open_folder / "output"
    before = listing(checkout), left_in_tmp()
    with program:
        assert knows_its_token(program)
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in program.servers().values()} == {home.stat().st_uid}
    assert (listing(checkout), left_in_tmp()) == before
    assert [p.name for p in home.iterdir()] == ["data"]


def copy_of_the_program(checkout: Path) -> Path:
    """The rooms with their packages where another user can read them; gives the Python to run them with."""
    for room in ROOMS:
        if (ROOT / room).is_dir():
            shutil.copytree(ROOT / room, checkout / room, ignore=shutil.ignore_patterns("__pycache__"))
    venv = Path(sys.prefix)
    shutil.copytree(venv / "lib", checkout / ".venv" / "lib", symlinks=True, copy_function=link_or_copy)
    (checkout / ".venv" / "bin").mkdir()
    link_or_copy(venv / "bin" / "rclone", checkout / ".venv" / "bin" / "rclone")
    base = readable_python(checkout.parent / "python")
    (checkout / ".venv" / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
    python = checkout / ".venv" / "bin" / "python"
    python.symlink_to(base)
    (next((checkout / ".venv" / "lib").glob("python3.*")) / "site-packages" / "runledger.pth").unlink(missing_ok=True)
    return python


def readable_python(copies: Path) -> Path:
    """The interpreter of these tests, or a copy of it where an ordinary user may not go (root's home)."""
    base = Path(sys._base_executable).resolve()
    if all(folder.stat().st_mode & stat.S_IXOTH for folder in base.parents) or os.geteuid() != 0:
        return base
    shutil.copytree(
        sys.base_prefix,
        copies,
        symlinks=True,
        ignore=shutil.ignore_patterns("site-packages", "test", "*.a", "__pycache__"),
        copy_function=link_or_copy,
    )
    return copies / "bin" / base.name


def link_or_copy(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target, follow_symlinks=True)
    except OSError:
        shutil.copy2(source, target)


def listing(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*") if ".venv" not in path.parts}


def left_in_tmp() -> set[str]:
    return {path.name for path in Path("/tmp").glob("runledger-*") if path.owner() == "daemon"}
