"""How the program behaves whatever the command: help, mistakes, colours."""

import os
import pty
import socket
import subprocess
from pathlib import Path

import pytest

from cli.main import COMMANDS
from tests.cli.program import RUNLEDGER, Serving, environment, runledger

LINES = [("serve",), ("worker",), ("rebuild",), ("doctor",), ("demo",), ("token", "create"), ("token", "list"), ("token", "revoke")]
GROUPS = {"token"}
NOWHERE = "postgresql://someone:hunter2@127.0.0.1:1/nothing"


def test_every_command_is_among_those_whose_help_is_read() -> None:
    assert {line[0] for line in LINES} >= {"serve", "doctor", "demo", "token"}
    assert COMMANDS.keys() >= {line[0] for line in LINES}


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_every_command_explains_itself_and_speaks_json(tmp_path: Path, line: tuple[str, ...]) -> None:
    done = runledger(tmp_path / "data", *line, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--json" in done.stdout
    assert not (tmp_path / "data").exists()


def test_the_program_lists_its_commands(tmp_path: Path) -> None:
    done = runledger(tmp_path / "data", "--help")
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("line", "settings", "code", "words"),
    [
        (["dance"], {}, 2, "No such command"),
        (["token", "create", "--name", "x"], {}, 2, "--email"),
        (["token", "create", "--name", "x", "--email", "nobody", "--role", "viewer"], {}, 2, "e-mail address"),
        (["token", "create", "--name", " ", "--email", "a@b.c", "--role", "viewer"], {}, 2, "must not be blank"),
        (["token", "create", "--name", "x", "--email", "a@b.c", "--role", "king"], {}, 2, "--role"),
        (["token", "revoke", "soon"], {}, 2, "UUID"),
        (["serve"], {"PORT": "many"}, 2, "PORT must be a whole number"),
        (["serve"], {"RUNLEDGER_ADMIN_TOKEN": "short"}, 2, "RUNLEDGER_ADMIN_TOKEN must look like rl_<8"),
        (["serve"], {"RUNLEDGER_HOST": "192.0.2.7"}, 1, "Cannot listen on 192.0.2.7"),
        (["token", "list"], {"RUNLEDGER_DATABASE_URL": "hunter2 and more"}, 2, "RUNLEDGER_DATABASE_URL must look like postgresql://"),
        (["token", "list"], {"RUNLEDGER_DATABASE_URL": NOWHERE}, 4, "database is not reachable"),
        (["rebuild"], {"RUNLEDGER_DATABASE_URL": NOWHERE}, 4, "database is not reachable"),
        (["rebuild", "--processes", "0"], {}, 2, "--processes"),
        (["rebuild", "--rollback", "--dry-run"], {}, 2, "do not go together"),
        (["demo", "--url", "gopher://x"], {}, 2, "must look like http://"),
        (["demo", "--url", "http://127.0.0.1:1"], {}, 4, "No server answers at http://127.0.0.1:1"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(tmp_path: Path, line: list[str], settings: dict[str, str], code: int, words: str) -> None:
    done = runledger(tmp_path / "data", *line, **settings)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = runledger(tmp_path / "data", "serve", PORT=str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Port {port} is in use" in done.stderr
    assert not (tmp_path / "data").exists()


def on_a_terminal(directory: Path, *args: str, **more: str) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen([RUNLEDGER, *args], env=environment(directory, TERM="xterm", **more), stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # Linux says so when the other end has closed
            pass
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()


def test_colours_are_for_terminals_that_want_them(server: Serving) -> None:
    coloured, green = "\x1b[", "\x1b[32m"
    assert green in on_a_terminal(server.directory, "doctor")
    plain = on_a_terminal(server.directory, "doctor", NO_COLOR="1")
    assert "PostgreSQL" in plain
    assert green not in plain
    assert coloured not in server.run("doctor").stdout
