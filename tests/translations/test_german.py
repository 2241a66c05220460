"""Pages in German: nothing is wider than the window, and axe-core finds nothing."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.kinds import Number
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.dashboards.making import dashboard
from tests.explorer.conftest import window
from tests.explorer.test_accessibility import AXE, TILES, raise_alarms, violations
from tests.live.processes import Restartable
from tests.storage.building import at, numbers

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

PAGES = (
    "/",
    "/account/",
    "/status/",
    "/alarms/",
    "/import/",
    "/dashboards/",
    "/nosuch/",
)
RANGE = "range=2024-03-01..2024-03-02"


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_hold_the_longer_words(
    browser: Any, server: Restartable, width: int
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make setup with npm")
    user("ann", "admin", is_staff=True)
    storages["default"].his_write("air", numbers(9, at("2024-03-01 12:00")))
    storages["default"].point_write("fan", 8, Number(1), "joe")
    dashboard("plant", None, everyone=True, content=TILES)
    raise_alarms()
    size = {"width": width, "height": 900}
    options = {"locale": "de-DE", "bypass_csp": True}  # to run axe in the page
    wide, found = [], []
    with window(browser, server, "ann", viewport=size, **options) as page:

        def check(where: str) -> None:
            found.extend(violations(page, AXE.read_text(), where))
            shown = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            if shown[0] > shown[1]:
                wide.append((where, shown))

        root = server.server.root
        for path in PAGES:
            page.goto(root + path)
            check(path)
        for rest in ("", "&id=fan", f"&points=air,fan&{RANGE}", "&list=overrides"):
            page.goto(f"{root}/explore/?filter=point{rest}")
            expect(page.locator("#connection")).to_have_text("Live")
            expect(page.locator("#count")).to_have_text("3 Treffer")
            if "id=" in rest:
                expect(page.locator("#override .button")).to_have_text("Übersteuern")
            check(rest)
        page.goto(f"{root}/dashboards/plant/?edit&{RANGE}")
        expect(page.locator(".tile tbody tr").first).to_be_attached()
        check("dashboard")
    assert wide == []
    assert found == []


def test_numbers_and_dates_are_written_as_in_german(
    browser: Any, server: Restartable
) -> None:
    """Inputs, and what goes to the API, have a point."""
    storages["default"].his_write("air", numbers(9, at("2024-03-01 12:00")))
    server.write("@air,71.5°F,")
    with window(browser, server, "alice", locale="de-DE") as page:
        page.goto(f"{server.server.root}/explore/?filter=point&id=air&{RANGE}")
        expect(page.locator("#detail-value")).to_have_text("71,5°F")
        expect(page.locator("#legend .reading").first).not_to_be_empty()
        page.locator("#sample-editor summary").click()
        page.get_by_role("button", name="Messwerte auflisten").click()
        page.get_by_role("button", name="Korrigieren").first.click()
        page.locator("#sample-list td input").first.fill("70.25")
        page.get_by_label("Grund der Bearbeitung").fill("Test")
        page.get_by_role("button", name="Speichern").click()
        expect(page.locator("#sample-editor-box")).to_contain_text("1 Messwert")
        expect(page.locator("#sample-list tbody tr").first).to_contain_text("70,25")
    [first, *_] = storages["default"].his_read("air")
    assert first["val"] == Number(70.25, "°F")
