"""axe-core finds nothing on any page, wide and narrow, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from haystack_app.kinds import Number, Ref
from haystack_app.models import Alarm, AlarmRule
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.dashboards.making import dashboard
from tests.explorer.conftest import window
from tests.live.processes import Restartable
from tests.storage.building import at, numbers

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (
    "/",
    "/account/",
    "/status/",
    "/alarms/",
    "/alarms/?state=all",
    "/explore/?filter=point",
    "/explore/?filter=point&id=fan",
    "/explore/?filter=point&points=air,fan&range=2024-03-01..2024-03-02",
    "/explore/?filter=point&list=overrides",
    "/dashboards/",
    "/dashboards/plant/?range=2024-03-01..2024-03-02",
    "/dashboards/plant/?edit",
    "/dashboards/plant/?wall=1",
    "/explore/?filter=point&list=writes",
    "/explore/?filter=point&list=trash",
    "/explore/?filter=point&list=add&id=ahu",
    "/explore/?filter=point&columns=siteRef,curVal&sort=-curVal&only=dis:a",
)


TILES = {
    "sections": [
        {
            "title": "Plant",
            "each": "ahu",
            "tiles": [
                {"kind": kind, "title": kind, "filter": "point and equipRef==$each"}
                for kind in ("chart", "table", "number")
            ],
        }
    ]
}


@pytest.fixture
def axe() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make setup with npm")
    return AXE.read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation(browser: Any, server: Restartable, axe: str, scheme: str) -> None:
    user("ann", "admin", is_staff=True)
    store = storages["default"]
    store.update_entities([{"id": Ref("fan"), "maxVal": Number(90)}], force=True)
    store.his_write("air", numbers(9, at("2024-03-01 12:00")))
    store.point_write("fan", 8, Number(1), "joe")
    dashboard("plant", None, everyone=True, content=TILES)
    store.trash_entities([{"id": Ref("odd")}], force=True)
    raise_alarms()
    found = []
    options = {"color_scheme": scheme, "bypass_csp": True}  # to run axe in the page
    for width in (1280, 390):
        size = {"width": width, "height": 900}
        with window(browser, server, "ann", viewport=size, **options) as page:
            for path in PAGES:
                opened(page, server.server.root + path)
                found += violations(page, axe, f"{width} {path}")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    for path in ("/", "/log-in/"):
        page.goto(server.server.root + path)
        found += violations(page, axe, path)
    context.close()
    assert found == []


def raise_alarms() -> None:
    """One of each severity; two are acknowledged, two cleared."""
    now = timezone.now()
    for severity in AlarmRule.Severity.values:
        rule = AlarmRule.objects.create(
            name=f"r{severity}", filter="fan", value="1", severity=severity
        )
        Alarm.objects.create(
            rule=rule,
            point_id="fan",
            dis="Fan",
            equip_id="ahu",
            raised_at=now,
            recorded_at=now,
            acknowledged_at=now if severity % 2 else None,
            cleared_at=now if severity < 3 else None,
        )


def opened(page: Any, address: str) -> None:
    """Open a page with all of its parts."""
    page.goto(address)
    if "/dashboards/plant" in address:
        expect(page.locator("#connection")).to_have_attribute("data-state", "open")
        expect(page.locator(".tile tbody tr").first).to_be_attached()
        page.evaluate(
            "document.querySelectorAll('details').forEach(one => one.open = true)"
        )
    if "/alarms/" in address:
        page.locator("#rules summary").click()
        expect(page.locator("#rule-rows tr")).to_have_count(4)
        expect(page.locator("#alarms tr").first).to_be_attached()
        if "all" in address:
            page.locator("#alarms button").first.click()
            expect(page.locator("#acknowledge")).to_be_visible()
    if "/explore/" not in address:
        return
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator("#rows tr").first).to_be_attached()
    if "list=add" in address:
        expect(page.locator("#add-form details")).to_be_attached()
    elif "id=" in address:
        expect(page.locator("#tags tr").first).to_be_attached()
        page.locator("#edit-tags").click()
        page.locator("#remove").click()
        expect(page.locator("#removal p")).to_be_attached()
        page.locator("#copy").click()
        page.locator("#tree-form .button").click()
        expect(page.locator("#tree-result li").first).to_be_attached()
    page.evaluate(
        "document.querySelectorAll('main details').forEach(one => one.open = true)"
    )


def violations(page: Any, axe: str, where: str) -> list[tuple[str, str, Any]]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [
        (where, one["id"], [node["target"] for node in one["nodes"]][:3])
        for one in found
    ]
