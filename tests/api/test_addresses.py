"""Methods, unknown addresses and what every response carries."""

import re
from uuid import UUID

import pytest

from tests.api.making import campaign, problem, version
from tests.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = ["/nothing", "/test-runs/", "//test-runs", "/test-runs/x/y/z", "/systems//restore", "/test-runs/%2F", "/Test-runs"]


@pytest.mark.parametrize("path", UNKNOWN)
async def test_nothing_at_an_address_is_told_before_the_token_is_asked_for(shared: World, path: str) -> None:
    answer = await shared.http.get(f"/api/v1{path}")
    assert problem(answer) == (404, "not-found")


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/test-runs", "GET, HEAD, OPTIONS, POST"),
        ("/test-runs/x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/test-runs/x/cards/order", "OPTIONS, PUT"),
        ("/test-runs/x/cards/y", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/test-runs/x/cards/y/steps/order", "OPTIONS, PUT"),
        ("/test-runs/x/close", "OPTIONS, POST"),
        ("/systems/x", "DELETE, GET, HEAD, OPTIONS, PUT"),
    ],
)
async def test_the_most_literal_address_says_which_methods_there_are(shared: World, path: str, allow: str) -> None:
    options = await shared.http.options(f"/api/v1{path}")
    assert (options.status_code, options.headers["allow"], options.content) == (204, allow, b"")
    for method in {"GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "BREW"} - set(allow.split(", ")):
        refused = await shared.http.request(method, f"/api/v1{path}")
        assert problem(refused) == (405, "method-not-allowed")
        assert refused.headers["allow"] == allow


async def test_head_tells_what_get_tells_but_for_the_body(shared: World) -> None:
    made = await campaign(shared)
    for path in ("/test-runs", made.run_path, made.card_path, made.step_path, f"/systems/{made.system}", f"{made.run_path}/cards/none"):
        get, head = await shared.engineer("GET", path, x_request_id="r"), await shared.engineer("HEAD", path, x_request_id="r")
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert dict(head.headers) == dict(get.headers)


@pytest.mark.parametrize("sent", ["abc", "A.b_c-9", "x" * 128])
async def test_a_good_request_id_comes_back(shared: World, sent: str) -> None:
    for path in ("/test-runs", "/nothing"):
        assert (await shared.engineer("GET", path, x_request_id=sent)).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 129, "a b", "a/b", "é"])
async def test_another_request_id_is_replaced(shared: World, sent: str) -> None:
    answer = await shared.http.get("/api/v1/nothing", headers=[(b"x-request-id", sent.encode())])
    assert str(UUID(answer.headers["x-request-id"])) == answer.headers["x-request-id"]


async def test_every_response_may_be_kept_only_to_be_asked_again(shared: World) -> None:
    for method, path in (
        ("GET", "/test-runs"),
        ("GET", "/nothing"),
        ("OPTIONS", "/test-runs"),
        ("BREW", "/test-runs"),
        ("POST", "/test-runs"),
    ):
        assert (await shared.engineer(method, path)).headers["cache-control"] == "private, no-cache"


async def test_every_answered_write_names_its_command_and_the_version_of_its_run(shared: World) -> None:
    made, client = await campaign(shared), shared.engineer
    issue = (await client("POST", "/issues", {"title": "Trips late"})).json()["uuid"]
    writes = [
        ("PATCH", made.run_path, {"title": "Other"}, 200, 1),
        ("PATCH", made.run_path, {"title": "Other"}, 200, 0),
        ("PUT", f"{made.run_path}/cards/order", {"ids": [made.card]}, 200, 0),
        ("POST", f"{made.run_path}/results", {"results": [{"test_step_id": made.steps[0], "execution_status": "done"}]}, 200, 1),
        ("PUT", f"{made.step_path}/issues/{issue}", None, 204, 1),
        ("PUT", f"{made.step_path}/issues/{issue}", None, 204, 0),
        ("POST", f"{made.step_path}/observations", {"text": "smoke"}, 201, 1),
        ("DELETE", made.card_path, None, 204, 1),
        ("POST", f"{made.run_path}/close", None, 200, 1),
        ("POST", f"{made.run_path}/reopen", {"reason": "more"}, 200, 1),
        ("DELETE", made.run_path, None, 204, 1),
        ("POST", f"{made.run_path}/restore", None, 200, 1),
    ]
    present, commands = await version(shared, made.run), set()
    for method, path, body, status, events in writes:
        answer = await client(method, path, body)
        present += events
        assert (answer.status_code, answer.headers["x-run-version"]) == (status, str(present)), (method, path, answer.text)
        assert (status == 204) == (answer.content == b"")
        commands.add(UUID(answer.headers["x-command-id"]))
    assert len(commands) == len(writes)
    assert "x-run-version" not in (await client("GET", f"/issues/{issue}")).headers


async def test_every_read_of_a_run_tells_its_version(shared: World) -> None:
    made = await campaign(shared)
    present = str(await version(shared, made.run))
    for path in (made.run_path, made.card_path, made.step_path, f"{made.step_path}/observations"):
        assert (await shared.engineer("GET", path)).headers["x-run-version"] == present


async def test_a_tag_is_own_and_wide_version_and_digest(shared: World) -> None:
    made = await campaign(shared)
    assert re.fullmatch(r'"1-3-[0-9a-f]{12}"', (await shared.engineer("GET", made.run_path)).headers["etag"])
    assert re.fullmatch(r'"1-3-[0-9a-f]{12}"', (await shared.engineer("GET", made.step_path)).headers["etag"])
