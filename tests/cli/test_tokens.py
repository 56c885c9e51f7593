"""Tokens from issue to revocation, as an administrator on the host handles them."""

import json
import shlex
import signal
import time
from pathlib import Path
from uuid import UUID, uuid4

import httpx

from tests.cli.program import Serving

REVOKED_WITHIN_S = 5
CREATE = ("token", "create", "--name", "bench 3", "--email", "aiko@example.com", "--role")


def status(server: Serving, token: str, method: str = "GET", path: str = "/api/v1/systems") -> int:
    return httpx.request(method, server.url + path, headers={"authorization": f"Bearer {token}"}, trust_env=False).status_code


def test_the_token_stands_alone_on_stdout_and_works(server: Serving) -> None:
    done = server.run(*CREATE, "operator")
    assert done.returncode == 0
    token = done.stdout.strip()
    assert "aiko@example.com" in done.stderr
    assert token not in done.stderr
    assert status(server, token) == 200
    assert status(server, token, "POST") == 403


def test_a_revoked_token_is_refused_within_seconds(server: Serving) -> None:
    made = json.loads(server.run(*CREATE, "viewer", "--json").stdout)
    assert status(server, made["token"]) == 200
    done = server.run("token", "revoke", made["token_id"], "--json")
    assert json.loads(done.stdout) == {"token_id": made["token_id"], "revoked": True}
    end = time.monotonic() + REVOKED_WITHIN_S
    while (seen := status(server, made["token"])) == 200 and time.monotonic() < end:
        time.sleep(0.1)
    assert seen == 401
    again = server.run("token", "revoke", made["token_id"])
    assert (again.returncode, again.stderr) == (1, "Error: No such token.\n")


def test_a_revocation_by_one_process_holds_in_another(server: Serving, directory: Path) -> None:
    """The second one has its own memory of tokens, and is asked all the time, so that it never forgets by itself."""
    lines = (server.directory / "env").read_text().splitlines()
    shared = {name: shlex.split(value)[0] for name, _, value in (line.partition("=") for line in lines)}
    other = Serving(directory, **shared)
    made = json.loads(server.run(*CREATE, "viewer", "--json").stdout)
    assert (status(server, made["token"]), status(other, made["token"])) == (200, 200)
    admin = str(server.said["first_admin_token"])
    assert status(server, admin, "DELETE", f"/api/v1/admin/tokens/{made['token_id']}") == 204
    begun = time.monotonic()
    while 200 in (status(server, made["token"]), status(other, made["token"])):
        assert time.monotonic() - begun < REVOKED_WITHIN_S
    assert (status(server, made["token"]), status(other, made["token"])) == (401, 401)
    assert other.end(signal.SIGTERM)[0] == 0


def test_the_list_names_everything_but_the_secret(server: Serving) -> None:
    system = httpx.post(
        f"{server.url}/api/v1/systems",
        json={"system_name": "Motor Controller"},
        headers={"authorization": f"Bearer {server.said['first_admin_token']}"},
        trust_env=False,
    ).json()["system_id"]
    made = json.loads(server.run(*CREATE, "auditor", "--system", system, "--expires-days", "7", "--json").stdout)
    listed = server.run("token", "list", "--json")
    item = next(i for i in json.loads(listed.stdout)["items"] if i["token_id"] == made["token_id"])
    assert (item["name"], item["owner"], item["role"], item["state"]) == ("bench 3", "aiko@example.com", "auditor", "active")
    assert item["system_ids"] == [system]
    assert item["expires_at"] == made["expires_at"]
    table = server.run("token", "list").stdout
    assert made["token_id"] in table
    for secret in (made["token"].rpartition("_")[2], str(server.said["first_admin_token"]).rpartition("_")[2]):
        assert secret not in listed.stdout + table


def test_a_scope_must_be_a_system_that_is_there(server: Serving) -> None:
    done = server.run(*CREATE, "viewer", "--system", str(uuid4()))
    assert (done.returncode, done.stdout) == (1, "")
    assert "names no system" in done.stderr
    unknown = server.run("token", "revoke", str(UUID(int=7)))
    assert (unknown.returncode, unknown.stderr) == (1, "Error: No such token.\n")
