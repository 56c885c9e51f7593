"""Data files: registered as they lie in S3, placed at cards and steps, hidden and shown again."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain.tokens import Role
from infra.embedded.processes import free_port
from infra.settings import Settings
from tests.api.making import Campaign, campaign, errors, made, problem, version
from tests.conftest import World, opened

module_loop = pytest.mark.asyncio(loop_scope="module")

LOG = b"t,v\n0,12.9\n1,13.1\n"


async def registered(world: World, here: Campaign, name: str = "motor.csv", **more: Any) -> Any:
    address = await world.put(f"files/{here.run}/{name}", LOG)
    body = {"file_name": name, "s3_url": address, "file_size": len(LOG), "content_type": "text/csv", **more}
    return await made(world.engineer, f"{here.run_path}/data", body)


async def shown(world: World, here: Campaign, where: str) -> list[str]:
    """The names of the files that a run, card or step shows."""
    return [f["file_name"] for f in (await world.engineer("GET", where)).json()["test_data"]]


@module_loop
async def test_a_registered_file_is_pinned_as_s3_has_it(shared: World) -> None:
    here = await campaign(shared)
    address = await shared.put("test-data/motor_test_log.csv", LOG)
    body = {"file_name": "motor_test_log.csv", "s3_url": address, "file_size": len(LOG), "content_type": "text/csv"}
    answer = await shared.clients[Role.OPERATOR]("POST", f"{here.run_path}/data", body)
    file = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/api/v1{here.run_path}/data/{file['uuid']}")
    assert {f: file[f] for f in body} == body
    assert (file["uploaded_by"], file["associations"], file["s3_version_id"], file["sha256"]) == ("operator@example.com", [], None, None)
    assert file["s3_etag"].strip('"')
    listed = (await shared.engineer("GET", f"{here.run_path}/data")).json()
    assert listed == {"items": [file], "count": 1}
    one = await shared.engineer("GET", f"{here.run_path}/data/{file['uuid']}")
    assert (one.json(), one.headers["etag"][:5]) == (file, answer.headers["etag"][:5])


@module_loop
async def test_files_are_listed_and_counted_oldest_first(shared: World) -> None:
    here = await campaign(shared)
    names = ["b.csv", "a.csv", "c.csv"]
    for name in names:
        await registered(shared, here, name)
    assert await shown(shared, here, here.run_path) == names
    listed = (await shared.engineer("GET", f"/test-runs?system_id={here.system}")).json()["items"]
    assert listed[0]["file_count"] == 3


@module_loop
@pytest.mark.parametrize(
    ("change", "status", "slug"),
    [
        ({"file_size": 7}, 422, "file-not-usable"),
        ({"s3_url": "s3://runledger/not/there.csv"}, 422, "file-not-usable"),
        ({"s3_url": "s3://elsewhere/a.csv"}, 422, "file-not-usable"),
        ({"s3_url": "https://runledger/a.csv"}, 422, "file-not-usable"),
        ({"s3_url": "s3://runledger/../a.csv"}, 422, "file-not-usable"),
        ({"file_name": "a\u0007.csv"}, 422, "validation-failed"),
        ({"file_name": " "}, 422, "validation-failed"),
        ({"file_size": -1}, 422, "validation-failed"),
        ({"content_type": "text"}, 422, "validation-failed"),
        ({"associate_with": {"test_card_id": "01a21520-5268-76bd-9dd9-a94bf2f31ea2"}}, 422, "unknown-reference"),
        ({"associate_with": {"card": None}}, 422, "validation-failed"),
    ],
    ids=str,
)
async def test_what_cannot_be_registered_records_nothing(shared: World, change: dict[str, Any], status: int, slug: str) -> None:
    here = await campaign(shared)
    before = await version(shared, here.run)
    body = {"file_name": "a.csv", "s3_url": await shared.put("a.csv", LOG), "file_size": len(LOG)} | change
    answer = await shared.engineer("POST", f"{here.run_path}/data", body)
    assert problem(answer) == (status, slug)
    assert await version(shared, here.run) == before


@module_loop
async def test_a_wrong_size_names_both_numbers(shared: World) -> None:
    here = await campaign(shared)
    body = {"file_name": "a.csv", "s3_url": await shared.put("a.csv", LOG), "file_size": 7}
    answer = await shared.engineer("POST", f"{here.run_path}/data", body)
    assert errors(answer) == {("#/file_size", "mismatch")}
    assert "7" in answer.json()["detail"]
    assert str(len(LOG)) in answer.json()["detail"]


async def test_without_s3_nothing_is_registered_and_the_rest_goes_on(settings: Settings) -> None:
    gone = replace(settings, s3_endpoint=f"http://127.0.0.1:{free_port()}", s3_access_key="a", s3_secret_key="b")
    async with opened(gone) as world:
        here = await campaign(world)
        body = {"file_name": "a.csv", "s3_url": "s3://runledger/a.csv", "file_size": 1}
        answer = await world.engineer("POST", f"{here.run_path}/data", body)
        assert problem(answer) == (503, "storage-unavailable")
        assert int(answer.headers["retry-after"]) > 0
        told = (await world.engineer("GET", f"{here.run_path}/history")).json()["items"]
        assert not [e for e in told if e["type"] == "file.registered"]
        assert (await world.engineer("PATCH", here.step_path, {"execution_status": "passed"})).status_code == 200


@module_loop
async def test_a_step_implies_its_card_and_both_show_the_file(shared: World) -> None:
    here = await campaign(shared)
    file = await registered(shared, here, associate_with={"test_step_id": here.steps[0]})
    assert file["associations"] == [{"test_card_id": here.card, "test_step_id": here.steps[0]}]
    for where in (here.run_path, here.card_path, here.step_path):
        assert await shown(shared, here, where) == ["motor.csv"]
    loose = await registered(shared, here, "loose.csv", associate_with={})
    assert loose["associations"] == []
    assert await shown(shared, here, here.card_path) == ["motor.csv"]


@module_loop
async def test_a_card_that_is_not_the_steps_own_does_not_fit(shared: World) -> None:
    here = await campaign(shared)
    other = (await made(shared.engineer, f"{here.run_path}/cards", {"title": "Other"}))["uuid"]
    body = {"file_name": "a.csv", "s3_url": await shared.put("a.csv", LOG), "file_size": len(LOG)}
    place = {"test_card_id": other, "test_step_id": here.steps[0]}
    answer = await shared.engineer("POST", f"{here.run_path}/data", body | {"associate_with": place})
    assert errors(answer) == {("#/associate_with/test_step_id", "mismatch")}


@module_loop
async def test_a_file_is_placed_and_taken_away_pair_by_pair(shared: World) -> None:
    here = await campaign(shared, steps=2)
    file = await registered(shared, here)
    at = f"{here.run_path}/data/{file['uuid']}/associations"
    for where in (f"{at}/cards/{here.card}", f"{at}/steps/{here.steps[0]}", f"{at}/steps/{here.steps[1]}", f"{at}/cards/{here.card}"):
        assert (await shared.clients[Role.OPERATOR]("PUT", where)).status_code == 204
    pairs = (await shared.engineer("GET", f"{here.run_path}/data/{file['uuid']}")).json()["associations"]
    assert [p["test_step_id"] for p in pairs] == [None, *here.steps]
    assert await shown(shared, here, here.card_path) == ["motor.csv"]
    assert (await shared.engineer("DELETE", f"{at}/cards/{here.card}")).status_code == 204
    assert problem(await shared.engineer("DELETE", f"{at}/cards/{here.card}")) == (404, "not-found")
    assert await shown(shared, here, here.card_path) == ["motor.csv"]  # by its steps


@module_loop
async def test_an_outcome_answers_with_every_association_of_its_files(shared: World) -> None:
    here = await campaign(shared, steps=2)
    file = await registered(shared, here, associate_with={"test_step_id": here.steps[0]})
    await shared.engineer("PUT", f"{here.run_path}/data/{file['uuid']}/associations/steps/{here.steps[1]}")
    answer = await shared.engineer("PATCH", here.step_path, {"execution_status": "passed"})
    assert answer.json() == (await shared.engineer("GET", here.step_path)).json()
    assert [p["test_step_id"] for p in answer.json()["test_data"][0]["associations"]] == here.steps


@module_loop
async def test_associations_of_what_is_deleted_are_hidden_until_it_is_restored(shared: World) -> None:
    here = await campaign(shared, steps=2)
    file = await registered(shared, here, associate_with={"test_step_id": here.steps[0]})
    at_file = f"{here.run_path}/data/{file['uuid']}"
    for path in (here.step_path, here.card_path):
        await shared.engineer("DELETE", path)
        assert (await shared.engineer("GET", at_file)).json()["associations"] == []
        await shared.engineer("POST", f"{path}/restore")
        assert (await shared.engineer("GET", at_file)).json()["associations"] == file["associations"]
    await shared.engineer("DELETE", here.step_path)
    assert await shown(shared, here, here.card_path) == []


@module_loop
async def test_a_deleted_file_is_hidden_everywhere_and_its_object_stays(shared: World) -> None:
    here = await campaign(shared)
    file = await registered(shared, here, associate_with={"test_step_id": here.steps[0]})
    at_file = f"{here.run_path}/data/{file['uuid']}"
    assert (await shared.engineer("DELETE", at_file)).status_code == 204
    assert problem(await shared.engineer("DELETE", at_file)) == (404, "not-found")
    for where in (here.run_path, here.card_path, here.step_path):
        assert await shown(shared, here, where) == []
    again = await registered(shared, here, "again.csv", s3_url=file["s3_url"])
    assert again["s3_url"] == file["s3_url"]
    assert (await shared.engineer("POST", f"{at_file}/restore")).json() == file
    assert problem(await shared.engineer("POST", f"{at_file}/restore")) == (409, "state-conflict")


@module_loop
async def test_a_closed_run_takes_no_files_and_loses_none(shared: World) -> None:
    here = await campaign(shared)
    file = await registered(shared, here)
    at_file = f"{here.run_path}/data/{file['uuid']}"
    await shared.engineer("POST", f"{here.run_path}/close")
    body = {"file_name": "a.csv", "s3_url": file["s3_url"], "file_size": len(LOG)}
    for method, path, sent in (
        ("POST", f"{here.run_path}/data", body),
        ("DELETE", at_file, None),
        ("PUT", f"{at_file}/associations/cards/{here.card}", None),
    ):
        assert problem(await shared.engineer(method, path, sent)) == (409, "closed")


@module_loop
async def test_the_same_key_registers_once_whatever_becomes_of_the_object(shared: World) -> None:
    here = await campaign(shared)
    body = {"file_name": "a.csv", "s3_url": await shared.put("once.csv", LOG), "file_size": len(LOG)}
    first = await shared.engineer("POST", f"{here.run_path}/data", body, idempotency_key=here.run)
    await shared.put("once.csv", b"another")
    second = await shared.engineer("POST", f"{here.run_path}/data", body, idempotency_key=here.run)
    assert (second.status_code, second.json()) == (201, first.json())
    assert (await shared.engineer("GET", f"{here.run_path}/data")).json()["count"] == 1


async def test_a_run_holds_so_many_files_and_no_more(with_s3: Settings) -> None:
    async with opened(replace(with_s3, files_per_run_max=1)) as world:
        here = await campaign(world)
        file = await registered(world, here)
        body = {"file_name": "a.csv", "s3_url": file["s3_url"], "file_size": len(LOG)}
        assert errors(await world.engineer("POST", f"{here.run_path}/data", body)) == {("#", "limit_exceeded")}
