"""The API page in a real browser: it shows the operations, takes a token, and asks nobody but its own server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from infra.settings import Settings
from tests.serving import Served, serving

pytestmark = pytest.mark.e2e

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    with serving(settings) as served:
        yield served


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        yield browser.new_page()
        browser.close()


def test_the_api_page_lists_the_operations_and_sends_the_token_that_was_typed(served: Served, page: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{served.url}/docs")
    block = page.locator(".opblock", has_text="List test runs, newest first")
    expect(block).to_be_visible()
    assert page.locator(".opblock").count() > 40

    page.get_by_role("button", name="Authorize").first.click()
    page.locator("#auth-bearer-value").fill(served.token)
    page.locator(".modal-ux").get_by_role("button", name="Apply credentials").click()
    page.locator(".modal-ux").get_by_role("button", name="Close").click()

    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")

    page.screenshot(path=tmp_path / "docs.png")
    assert complaints == []
    assert {url.split("/docs")[0] for url in asked if "/docs" in url} == {served.url}
    assert [url for url in asked if not url.startswith((served.url, "data:"))] == []
