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
