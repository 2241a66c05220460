"""From words to a file: find a point, chart a year, zoom to a day, compare, save."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from haystack_app.kinds import MARKER, DateTime, Number, Ref
from tests.explorer.conftest import OTHER_STORES, window
from tests.live.processes import Restartable
from tests.storage.building import point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

DAY = dt.timedelta(days=1)


@pytest.fixture
def year(server: Restartable) -> Restartable:
    """Two temperatures with a sample each hour of the last 400 days."""
    tags = {"siteRef": Ref("hall"), "equipRef": Ref("ahu"), "unit": "°F"}
    store = server.store
    store.load_entities(
        [
            point("supply", dis="Hall AHU Discharge Air", cur=MARKER, **tags),
            point("mixed", dis="Hall AHU Mixed Air", cur=MARKER, **tags),
        ]
    )
    end = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    times = [
        DateTime(end - dt.timedelta(hours=hours), "New_York")
        for hours in range(400 * 24, -1, -1)
    ]
    samples = {
        id: [(ts, Number(base + n % 24, "°F")) for n, ts in enumerate(times)]
        for id, base in (("supply", 50), ("mixed", 60))
    }
    store.his_write_all(samples)
    return server


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")],
)
def test_from_words_to_a_file(
    browser: Any, year: Restartable, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 900}
    with window(browser, year, "alice", viewport=size, color_scheme=scheme) as page:
        walk(page, year)
        assert page.evaluate("document.body.scrollWidth") <= width


@pytest.mark.parametrize("server", OTHER_STORES, indirect=True)
def test_on_other_stores(browser: Any, year: Restartable) -> None:
    with window(browser, year, "alice") as page:
        walk(page, year)


def walk(page: Any, server: Restartable) -> None:
    """With the keyboard alone; the address tells what happened."""
    page.goto(f"{server.server.root}/explore/")
    expect(page.locator("#connection")).to_have_text("Live")
    page.locator("#filter").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("discharge hall")
    page.keyboard.press("Enter")
    expect(page.locator("#values tbody th")).to_have_text(["Hall AHU Discharge Air"])
    page.get_by_role("button", name="Hall AHU Discharge Air").focus()
    page.keyboard.press("Enter")

    detail = page.locator("#detail")
    chart = detail.locator("#chart")
    expect(chart.locator("canvas")).to_be_visible()
    today = dt.datetime.now(dt.UTC)
    detail.locator("#range").select_option("custom")
    detail.locator("#last-day").fill(f"{today - DAY:%Y-%m-%d}")
    detail.locator("#first-day").fill(f"{today - 365 * DAY:%Y-%m-%d}")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"range=\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d"))
    expect(detail.locator("#chart-note")).to_contain_text("Averages are drawn")
    expect(detail.locator("#legend td").first).to_contain_text("°F")

    for _ in range(8):  # half of it each time: a year becomes a day and a half
        before = page.url
        chart.focus()
        page.keyboard.press("+")
        page.wait_for_url(lambda url, before=before: url != before)
    expect(chart).to_have_attribute("aria-label", re.compile(r": \d\d samples of"))
    detail.locator("#compare").select_option("week")
    page.wait_for_url(re.compile("compare=week"))
    names = detail.locator("#legend th")
    expect(names).to_have_count(2)
    expect(names.last).to_contain_text("a week earlier")

    page.goto(page.url.replace("id=supply", "points=supply,mixed"))
    expect(names).to_have_count(4)
    expect(names.nth(2)).to_contain_text("Mixed Air")
    detail.get_by_text("Table", exact=True).focus()
    page.keyboard.press("Enter")
    expect(detail.locator("#chart-table tbody tr").first).to_be_visible()
    with page.expect_download() as started:
        detail.get_by_role("button", name="CSV").focus()
        page.keyboard.press("Enter")
    lines = started.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == (
        'ts,Hall AHU Discharge Air (°F),"Hall AHU Discharge Air, a week earlier (°F)",'
        'Hall AHU Mixed Air (°F),"Hall AHU Mixed Air, a week earlier (°F)"'
    )
    assert len(lines) - 1 == detail.locator("#chart-table tbody tr").count()
    for line in lines[2:-2]:  # samples are of the same hour of the day a week before
        _, supply, supply_before, mixed, mixed_before = line.split(",")
        assert supply == supply_before
        assert float(mixed) == float(mixed_before) == float(supply) + 10
