"""Pages for people: the API page and the problem types."""

import re

import pytest

from api.operations.docs import POLICY
from api.problems import PROBLEMS
from tests.conftest import World


async def test_the_api_page_loads_nothing_from_elsewhere(world: World) -> None:
    page = await world.http.get("/docs")
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert not [address for address in named if not address.startswith(("/docs/", "data:"))]
    assert not re.search(r"<script>|<style>|\son\w+=", page.text)
    for address in named:
        if address.startswith("/"):
            assert (await world.http.get(address)).status_code == 200


async def test_the_api_page_has_only_its_own_files(world: World) -> None:
    for name in ("docs.html", "LICENSE", "..%2fdocs.html", "%2e%2e"):
        assert (await world.http.get(f"/docs/{name}")).status_code == 404


@pytest.mark.parametrize("slug", PROBLEMS)
async def test_every_type_of_problem_has_a_page(world: World, slug: str) -> None:
    page = await world.http.get(f"/problems/{slug}", headers={"accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert f"<h1>{PROBLEMS[slug].title}</h1>" in page.text
    told = await world.http.get(f"/problems/{slug}", headers={"accept": "application/json"})
    assert (told.json()["status"], told.json()["title"]) == PROBLEMS[slug]


async def test_an_unknown_type_of_problem_is_a_problem(world: World) -> None:
    assert (await world.http.get("/problems/nonsense")).json()["type"] == "/problems/not-found"
