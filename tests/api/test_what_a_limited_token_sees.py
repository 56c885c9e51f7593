"""A token limited to one system walks every GET: not a word of another system, also where things of both are linked."""

import io
import re
import zipfile
from typing import Any
from uuid import uuid4

from domain.tokens import Role
from projections.documents import RESTRICTED
from tests.api.making import made, problem
from tests.api.test_matrix import CLOSED_ROUTES, ask, fill, ground
from tests.conftest import Atlas, World
from tests.faults.tampering import sequenced, signed

WORD = "Kestrel"  # in every text of the other system, and in the name of who works there
READS = [r for r in CLOSED_ROUTES if r["method"] == "GET" and r["least"] in ("viewer", "auditor")]
MORE = {
    "/api/v1/test-runs/{run_id}": ["as_of=2999-01-01T00:00:00"],
    "/api/v1/test-runs/search": [f"q={WORD}", f"q={WORD}&mode=fulltext", f"q={WORD}&mode=semantic&limit=100"],
    "/api/v1/test-runs/{run_id}/reports/{report_id}": ["format=html"],
    "/api/v1/systems": [f"search={WORD}", f"search={WORD}&is_deleted=true"],
    "/api/v1/assets": [f"search={WORD}"],
    "/api/v1/issues": [f"search={WORD}", f"tag={WORD}"],
    "/api/v1/card-templates": [f"search={WORD}"],
    "/api/v1/test-runs/{run_id}/history": ["order=desc&component=run", "type=issue.linked"],
}
LINKED = ("", "/cards/{card_id}", "/cards/{card_id}/steps/{step_id}", "/reports/{report_id}")


async def other_system(world: World) -> str:
    """Its issue."""
    client = await world.client(Role.ENGINEER, f"{WORD}@example.com")
    system = (await made(client, "/systems", {"system_name": WORD, "description": WORD}))["system_id"]
    own = {"system_id": system, "description": WORD}
    template = await made(client, "/card-templates", {"title": WORD, "steps": [{"title": WORD}], **own})
    await made(client, "/assets", {"name": WORD, "serial_number": WORD, **own})
    issue: str = (await made(client, "/issues", {"title": WORD, "tags": [WORD], "owner": WORD, "system_id": system}))["uuid"]
    run = await made(client, "/test-runs", {"title": WORD, "template_ids": [template["uuid"]], "issue_ids": [issue], **own})
    card = run["test_cards"][0]
    below = f"/test-runs/{run['uuid']}"
    await made(client, f"{below}/cards/{card['uuid']}/steps/{card['test_steps'][0]['uuid']}/observations", {"text": WORD})
    address = await world.put(f"{WORD}.csv", b"a")
    await made(client, f"{below}/data", {"file_name": WORD, "s3_url": address, "file_size": 1})
    await made(client, f"{below}/reports", {"scope": "run", "analysis_context": WORD})
    return issue


async def tied(world: World) -> tuple[dict[str, str], str]:
    """The ids of a ground with the other system's issue linked wherever one can be, and that issue."""
    issue, here = await other_system(world), await ground(world)
    for where in LINKED:
        path = fill(f"/test-runs/{{run_id}}{where}/issues/{issue}", here)
        assert (await world.engineer("PUT", path)).status_code == 204
    return here, issue


def text_of(answer: Any) -> str:
    """With the headers; an archive is opened."""
    body = answer.text
    if answer.headers["content-type"] == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            body = "\n".join(archive.read(name).decode() for name in archive.namelist())
    return f"{answer.headers}\n{body}"


async def test_nothing_of_another_system_is_read_anywhere(world: World) -> None:
    here, issue = await tied(world)
    await sequenced(world.settings)
    await signed(world.settings)
    limited = {role: await world.client(role, systems=[here["system_id"]]) for role in (Role.VIEWER, Role.OPERATOR, Role.AUDITOR)}
    seen, restricted = 0, set()
    for route in READS:
        for query in {route.get("query", ""), *MORE.get(route["path"], [])}:
            for role, client in limited.items():
                answer = await ask(client, route | {"query": query}, here)
                assert answer.status_code in (200, 403), (route["path"], query, answer.text)
                assert WORD not in text_of(answer), (route["path"], query, role)
                seen += answer.status_code == 200
                if RESTRICTED in text_of(answer):
                    restricted.add((route["path"], query))
            whole = await ask(world.clients[Role.AUDITOR], route | {"query": query}, here)
            assert RESTRICTED not in text_of(whole)
    assert (seen >= 120, len(restricted)) == (True, 8)  # run and past states, card, step, reports in each form, evidence
    assert problem(await limited[Role.AUDITOR]("GET", f"/issues/{issue}")) == (404, "not-found")


async def test_the_answers_of_writes_keep_it_too_and_agree_with_what_is_read(world: World) -> None:
    here, issue = await tied(world)
    operator, engineer = [await world.client(role, systems=[here["system_id"]]) for role in (Role.OPERATOR, Role.ENGINEER)]
    run, step = [fill(path, here) for path in ("/test-runs/{run_id}", "/test-runs/{run_id}/cards/{card_id}/steps/{step_id}")]
    shown = {"uuid": issue, "title": RESTRICTED, "status": "open", "priority": "low"}
    writes: list[tuple[Atlas, str, str, Any]] = [
        (operator, "PATCH", step, {"execution_status": "failed"}),
        (operator, "POST", f"{run}/results", {"results": [{"test_step_id": here["step_id"], "execution_status": "passed"}]}),
        (operator, "POST", f"{run}/reports", {"scope": "run"}),
        (engineer, "PATCH", fill("/test-runs/{run_id}/cards/{card_id}", here), {"title": "b"}),
        (engineer, "PUT", f"{run}/cards/order", {"ids": [here["card_id"]]}),
        (engineer, "PATCH", run, {"title": "b"}),
        (engineer, "POST", f"{run}/close", {}),
    ]
    for client, method, path, body in writes:
        answer = await client(method, path, body, idempotency_key=uuid4().hex)
        assert answer.status_code in (200, 201), answer.text
        assert WORD not in answer.text, (method, path)
        assert RESTRICTED in answer.text, (method, path)
        if "etag" in answer.headers and method == "PATCH":
            assert (await client("GET", path, if_none_match=answer.headers["etag"])).status_code == 304
    assert (await operator("GET", run)).json()["issues"] == [shown]
    assert (await world.engineer("GET", run)).json()["issues"] == [{**shown, "title": WORD}]
    late = await engineer("PATCH", run, {"title": "c"}, if_match='"1-1-000000000000"')
    assert (problem(late), late.headers["etag"]) == ((412, "precondition-failed"), (await engineer("GET", run)).headers["etag"])


async def test_an_issue_that_is_shared_or_moves_in_is_named(world: World) -> None:
    here, issue = await tied(world)
    viewer = await world.client(Role.VIEWER, systems=[here["system_id"]])
    run = fill("/test-runs/{run_id}", here)
    for system, title in (({"system_id": None}, WORD), ({"system_id": here["system_id"]}, WORD)):
        assert (await world.engineer("PATCH", f"/issues/{issue}", system)).status_code == 200
        assert [i["title"] for i in (await viewer("GET", run)).json()["issues"]] == [title]


def test_every_route_that_a_viewer_reads_is_walked() -> None:
    assert {r["path"] for r in READS} >= set(MORE)
    assert all(re.fullmatch(r"/api/v1/[\w/{}-]+", r["path"]) for r in READS)
