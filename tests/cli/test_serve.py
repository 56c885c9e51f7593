"""Starting, stopping and dying of `runledger serve`."""

import json
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from commands.tokens import fresh
from tests.cli.program import RUNLEDGER, WAIT_S_MAX, Serving, environment, none_left, runledger, servers_of


def status(serving: Serving, token: str) -> int:
    return httpx.get(f"{serving.url}/api/v1/systems", headers={"authorization": f"Bearer {token}"}, trust_env=False).status_code


def test_it_stops_cleanly_heals_after_a_kill_and_keeps_its_tokens(directory: Path) -> None:
    first = Serving(directory)
    admin = str(first.said["first_admin_token"])
    assert status(first, admin) == 200
    assert servers_of(directory) == {"postgres", "valkey-server", "rclone"}
    refused = first.run("serve")
    assert (refused.returncode, refused.stdout) == (5, "")
    assert f"process {first.process.pid}" in refused.stderr
    first.end(signal.SIGKILL)
    assert none_left(directory)

    second = Serving(directory)
    assert second.said["first_admin_token"] is None
    assert status(second, admin) == 200
    code, errors = second.end(signal.SIGINT)
    assert (code, errors) == (130, "")
    assert servers_of(directory) == set()

    third = Serving(directory)
    assert status(third, admin) == 200
    assert third.end(signal.SIGTERM) == (0, "")
    assert servers_of(directory) == set()
    listed = runledger(directory, "token", "list", "--json")
    assert json.loads(listed.stdout)["count"] == 1
    assert servers_of(directory) == set()


def test_the_token_in_the_settings_works_after_every_start(directory: Path) -> None:
    one, other = fresh(), fresh()
    first = Serving(directory, RUNLEDGER_ADMIN_TOKEN=one)
    assert (first.said["first_admin_token"], status(first, one)) == (None, 200)
    assert first.end(signal.SIGTERM) == (0, "")
    second = Serving(directory, RUNLEDGER_ADMIN_TOKEN=other)
    assert (status(second, other), status(second, one)) == (200, 200)
    items = json.loads(second.run("token", "list", "--json").stdout)["items"]
    assert [(i["name"], i["role"], i["expires_at"]) for i in items] == [("first admin", "admin", None)] * 2
    assert second.run("token", "revoke", items[0]["token_id"]).returncode == 0
    assert second.end(signal.SIGTERM) == (0, "")

    third = Serving(directory, RUNLEDGER_ADMIN_TOKEN=other)
    assert status(third, other) == 401
    code, errors = third.end(signal.SIGTERM)
    assert code == 0
    assert "RUNLEDGER_ADMIN_TOKEN is revoked, and stays so" in errors
    clash = runledger(directory, "serve", RUNLEDGER_ADMIN_TOKEN=one[:-1] + ("a" if one[-1] != "a" else "b"))
    assert clash.returncode == 2
    assert "same first part" in clash.stderr
    assert servers_of(directory) == set()


def test_listening_beyond_this_machine_is_warned_of(directory: Path) -> None:
    serving = Serving(directory, RUNLEDGER_HOST="0.0.0.0")
    code, errors = serving.end(signal.SIGTERM)
    assert code == 0
    assert "0.0.0.0 can be reached from other machines" in errors


@pytest.mark.parametrize("farewell", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_starting_leaves_nothing_behind(directory: Path, farewell: signal.Signals) -> None:
    process = subprocess.Popen([RUNLEDGER, "serve"], env=environment(directory), stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + WAIT_S_MAX
    while not servers_of(directory) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(farewell)
    _, errors = process.communicate(timeout=WAIT_S_MAX)
    assert process.returncode == (0 if farewell is signal.SIGTERM else 130), errors
    assert "Traceback" not in errors
    assert none_left(directory)
