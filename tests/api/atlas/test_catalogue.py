"""The catalogue over HTTP."""

from tests.conftest import World

STEPS = [{"title": "Apply 13 V", "description": "", "step_type": "passfail"}]


async def test_a_template_sent_again_as_it_is_makes_no_version(world: World) -> None:
    made = (await world.engineer("POST", "/card-templates", {"title": "Input protection", "steps": STEPS})).json()
    same = await world.engineer("PATCH", f"/card-templates/{made['uuid']}", {"title": "Input protection", "steps": STEPS})
    assert (same.status_code, same.json()) == (200, made)
    longer = await world.engineer("PATCH", f"/card-templates/{made['uuid']}", {"steps": STEPS * 2})
    assert longer.json()["version"] == 2


async def test_an_issue_sent_again_as_it_is_records_nothing(world: World) -> None:
    body = {"title": "Leak", "description": [{"type": "p", "text": "Drops"}], "tags": ["seal"], "status": "in_progress"}
    made = await world.engineer("POST", "/issues", body)
    again = await world.engineer("PATCH", f"/issues/{made.json()['uuid']}", body)
    assert (again.status_code, again.json()) == (200, made.json())
    assert made.json()["description"] == body["description"]


async def test_a_body_that_is_no_object_is_named_as_the_body(world: World) -> None:
    answer = await world.engineer("POST", "/issues", [])
    assert answer.status_code == 422
    assert answer.json()["detail"] == "body must be an object"


async def test_every_version_of_a_template_can_be_read(world: World) -> None:
    client = world.engineer
    first = (await client("POST", "/card-templates", {"title": "a", "steps": STEPS})).json()
    path = f"/card-templates/{first['uuid']}"
    await client("DELETE", path)
    await client("POST", f"{path}/restore")
    second = (await client("PATCH", path, {"title": "b", "steps": []})).json()
    shown = await client("GET", f"{path}?version=1")
    assert (shown.status_code, shown.json()) == (200, first)
    assert (await client("GET", f"{path}?version=2")).json() == second == (await client("GET", path)).json()
    assert (await client("GET", path, if_none_match=shown.headers["etag"])).status_code == 200
    assert (await client("GET", f"{path}?version=1", if_none_match=shown.headers["etag"])).status_code == 304
    for query, code in (("0", "out_of_range"), ("3", "out_of_range"), ("x", "invalid_type"), ("", "invalid_type")):
        answer = await client("GET", f"{path}?version={query}")
        assert (answer.status_code, [e["code"] for e in answer.json()["errors"]]) == (422, [code])
    await client("DELETE", path)
    assert (await client("GET", f"{path}?version=1")).status_code == 404


async def test_a_system_is_replaced_whole(world: World) -> None:
    made = (await world.engineer("POST", "/systems", {"system_name": "a", "description": "b"})).json()
    assert made == {
        "system_id": made["system_id"], "system_name": "a", "description": "b", "has_blueprints": False, "created_by": "engineer@example.com",
        "created_at": made["created_at"], "is_deleted": False,
    }  # fmt: skip
    path = f"/systems/{made['system_id']}"
    assert (await world.engineer("PUT", path, {"system_name": "c"})).json() == made | {"system_name": "c", "description": None}
    assert (await world.engineer("PUT", path, {"description": "x"})).status_code == 422
    assert (await world.engineer("PATCH", path, {})).status_code == 405


async def test_wrong_members_of_the_catalogue_are_named(world: World) -> None:
    issue = {
        "title": "",
        "description": ["x"],
        "status": "done",
        "priority": 1,
        "tags": ["x" * 101, 5],
        "attachment_ids": ["x"],
        "owner": None,
        "system_id": "x",
    }
    answer = await world.engineer("POST", "/issues", issue)
    assert {e["pointer"]: e["code"] for e in answer.json()["errors"]} == {
        "#/title": "blank", "#/description/0": "invalid_type", "#/status": "invalid_value", "#/priority": "invalid_type", "#/tags/0": "too_long",
        "#/tags/1": "invalid_type", "#/attachment_ids/0": "invalid_format", "#/owner": "invalid_type", "#/system_id": "invalid_format",
    }  # fmt: skip
    template = {"title": "a", "steps": [{"title": ""}, {"title": "x" * 101, "step_type": "other", "order": 1}, 5]}
    answer = await world.engineer("POST", "/card-templates", template)
    assert {e["pointer"]: e["code"] for e in answer.json()["errors"]} == {
        "#/steps/0/title": "blank", "#/steps/1/title": "too_long", "#/steps/1/step_type": "invalid_value", "#/steps/1/order": "unknown_field",
        "#/steps/2": "invalid_type",
    }  # fmt: skip
    large = [{"text": "x" * 65_536}]
    assert (await world.engineer("POST", "/issues", {"title": "a", "description": large})).json()["errors"][0]["pointer"] == "#/description"


async def test_a_number_in_an_issue_is_kept_whatever_its_size_and_kind(world: World) -> None:
    blocks = [{"large": 10**40, "small": 1e-300, "deep": [{"x": None}], "": "", "a\u2028": True}]
    made = (await world.engineer("POST", "/issues", {"title": "a", "description": blocks})).json()
    assert made["description"] == blocks
    changed = await world.engineer("PATCH", f"/issues/{made['uuid']}", {"description": [{**blocks[0], "a\u2028": 1}]})
    assert changed.json()["description"][0]["a\u2028"] is not True
