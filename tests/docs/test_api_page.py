"""The page of the OpenAPI schema, tried out by a user that is logged in."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.api.examples import EXAMPLES
from haystack_app.kinds import MARKER
from haystack_app.storage.handler import storages
from tests.explorer.conftest import browser, server, window
from tests.live.processes import Restartable
from tests.storage.building import point

__all__ = ["browser", "server"]

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


def tried(page: Any, operation: str) -> Any:
    """Execute the example of an operation, and return the part with the answer."""
    block = page.locator(f"#operations-ops-op_{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table")
    expect(answer.locator("tbody td.response-col_status").first).to_contain_text("200")
    return answer


def test_requests_carry_the_session_and_the_csrf_token(
    server: Restartable, browser: Any
) -> None:
    """A request of the page writes, as the user of the session."""
    fan = EXAMPLES["pointWrite"].zinc.split("@")[1].split(",")[0]
    storages["default"].load_entities(
        [point(fan, dis="Fan", kind="Bool", unit=None, writable=MARKER)]
    )
    headers = []
    with window(browser, server, "alice") as page:
        page.on("request", lambda request: headers.append(request.headers))
        page.goto(f"{server.server.root}/")
        page.get_by_role("link", name="API", exact=True).click()
        expect(page.locator(".opblock").first).to_be_visible()
        expect(tried(page, "about_get")).to_contain_text("haystackVersion")
        tried(page, "pointWrite_post")
    [level] = storages["default"].levels_of(fan).values()
    assert level.val is True
    assert level.user == "alice"
    assert any("x-csrftoken" in one for one in headers)
    assert not any("authorization" in one for one in headers)
