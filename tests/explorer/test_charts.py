"""Charts of the explorer: ranges, zoom, several points, old samples, files."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from haystack_app.kinds import MARKER, NA, DateTime, Number, Ref
from haystack_app.storage.handler import storages
from tests.explorer.conftest import HOSTILE, window
from tests.live.processes import Restartable
from tests.storage.building import point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

QUARTER = dt.timedelta(minutes=15)


@pytest.fixture
def plant(server: Restartable) -> Restartable:
    """With 40 days of a temperature, a set point and a mode that ended 10 days ago."""
    tags = {"siteRef": Ref("hall"), "equipRef": Ref("ahu"), "cur": MARKER}
    store = storages["default"]
    store.load_entities(
        [
            point("old", dis="Plant Water", unit="°F", **tags),
            point("set", dis="Plant Water Set Point", unit="°F", sp=MARKER, **tags),
            point("flow", dis=f"Plant {HOSTILE}", unit="gal/min", **tags),
            point("mode", dis="Plant Mode", **tags | {"kind": "Str"}),
        ]
    )
    end = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    first = end - dt.timedelta(days=50)
    times = [DateTime(first + step * QUARTER, "New_York") for step in range(40 * 96)]
    store.his_write_all(
        {
            "old": [
                (ts, NA if step % 997 == 996 else Number(60 + step % 96 / 10, "°F"))
                for step, ts in enumerate(times)
            ],
            "set": [(ts, Number(64, "°F")) for ts in times[::480]],
            "flow": [(ts, Number(7, "gal/min")) for ts in times[::4]],
            "mode": [
                (ts, HOSTILE if step % 2 else "heat")
                for step, ts in enumerate(times[::48])
            ],
        }
    )
    return server


def opened(page: Any, server: Restartable, search: str) -> Any:
    page.goto(f"{server.server.root}/explore/?{search}")
    expect(page.locator("#connection")).to_have_text("Live")
    return page.locator("#detail")


def test_old_samples_say_so_and_every_view_has_an_address(
    page: Any, plant: Restartable
) -> None:
    detail = opened(page, plant, "id=old")
    expect(detail.locator("#detail-value")).to_have_attribute("data-status", "stale")
    expect(detail.locator("#detail-age")).to_contain_text("10 days old")
    row = page.locator('tr[data-id="old"]')
    expect(row.locator(".status")).to_have_text("stale")
    note = detail.locator("#chart-note")
    expect(note).to_contain_text("No samples in this time. The last one is 10 days ago")
    expect(detail.locator("canvas")).to_have_count(0)

    note.get_by_role("button", name="Show it").click()
    chart = detail.locator("#chart")
    expect(chart.locator("canvas")).to_be_visible()
    day = page.url
    assert re.search(r"\?id=old&range=(\d{4}-\d\d-\d\d)\.\.\1$", day)
    expect(detail.locator("#legend td").first).to_contain_text("°F")

    detail.get_by_label("Range").select_option("lastYear")
    expect(note).to_contain_text("The first one is of")
    page.go_back()
    expect(chart.locator("canvas")).to_be_visible()
    assert page.url == day

    area = detail.locator(".u-over").bounding_box()
    y = area["y"] + 50
    page.mouse.move(area["x"] + 40, y)
    page.mouse.down()
    page.mouse.move(area["x"] + 120, y, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"range=\d{4}-\d\d-\d\dT.*Z\.\.\d{4}-\d\d-\d\dT.*Z"))
    zoomed = page.url
    page.reload()
    expect(chart.locator("canvas")).to_be_visible()
    expect(detail.locator("#times")).to_contain_text("Times of New York")

    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute(
        "aria-valuetext", re.compile(r"Plant Water \d+.*°F")
    )
    page.keyboard.press("-")
    page.wait_for_url(lambda url: url != zoomed)
    page.go_back()
    page.wait_for_url(zoomed)
    page.go_back()
    page.wait_for_url(day)


def test_more_detail_is_read_when_it_is_zoomed(page: Any, plant: Restartable) -> None:
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=49)
    days = f"{start:%Y-%m-%d}..{start + dt.timedelta(days=35):%Y-%m-%d}"
    detail = opened(page, plant, f"id=old&range={days}")
    note = detail.locator("#chart-note")
    expect(note).to_contain_text("Averages are drawn")
    average = detail.locator("#legend td").nth(3)
    expect(average).to_have_text(re.compile(r"^(≈ )?64\.\d+°F$"))
    for _ in range(3):
        detail.get_by_role("button", name="Zoom in").click()
    expect(note).to_be_empty()
    expect(detail.locator("#chart")).to_have_attribute(
        "aria-label", re.compile(r": 4\d\d samples of Plant Water")
    )


def test_several_points_on_one_chart_with_their_files(
    page: Any, plant: Restartable
) -> None:
    end = dt.datetime.now(dt.UTC) - dt.timedelta(days=12)
    days = f"{end:%Y-%m-%d}..{end:%Y-%m-%d}"
    opened(page, plant, f"filter=equipRef==@ahu+and+tz&range={days}")
    for name in ("Plant Water", "Plant Water Set Point", "Plant Mode"):
        page.get_by_label(f"Chart {name}", exact=True).check()
    page.get_by_label(f"Chart Plant {HOSTILE}").check()
    assert "points=old%2Cset%2Cmode%2Cflow" in page.url
    detail = page.locator("#detail")
    expect(detail.locator("#detail-name")).to_have_text("4 points")
    expect(detail.locator("#legend-point")).to_have_text("Plant")
    expect(detail.locator("#legend th")).to_have_text(
        ["Water", "Water Set Point", "Mode", HOSTILE]
    )
    expect(detail.locator("#legend tr").nth(1)).to_contain_text("64°F64°F64°F64°F")
    assert page.locator("main img").count() == 0

    area = detail.locator(".u-over").bounding_box()
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + 50)
    expect(detail.locator("#legend-value")).to_contain_text(f"{end:%Y}")
    expect(detail.locator("#chart")).to_have_attribute(
        "aria-valuetext", re.compile(r"Plant Water \d.*Plant Mode (heat|<img)")
    )

    with page.expect_download() as started:
        detail.get_by_role("button", name="CSV").click()
    lines = started.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == (
        f"ts,Plant Water (°F),Plant Water Set Point (°F),Plant Mode,"
        f"Plant {HOSTILE} (gal/min)"
    )
    assert len(lines) in (98, 99)  # 96 quarters, and before them what held then
    assert all(
        re.match(r"\d{4}-\d\d-\d\dT[\d:]+-0[45]:00,", line) for line in lines[1:]
    )
    with page.expect_download() as started:
        detail.get_by_role("button", name="PNG").click()
    assert started.value.path().read_bytes().startswith(b"\x89PNG")

    detail.get_by_role("button", name=re.compile("Take Plant Mode off")).click()
    expect(detail.locator("#detail-name")).to_have_text("3 points")
    page.go_back()
    expect(detail.locator("#detail-name")).to_have_text("4 points")
    page.get_by_label("Chart Plant Mode").uncheck()
    expect(detail.locator("#detail-name")).to_have_text("3 points")


def test_points_of_an_equip(page: Any, plant: Restartable) -> None:
    detail = opened(page, plant, "filter=equip&id=ahu")
    detail.get_by_role("button", name="Chart its points").click()
    expect(detail.locator("#detail-name")).to_have_text("7 points")
    expect(page.locator("#filter")).to_have_value("point and equipRef==@ahu")


def test_times_of_the_browser(browser: Any, plant: Restartable) -> None:
    with window(browser, plant, "alice", timezone_id="Asia/Tokyo") as page:
        detail = opened(
            page, plant, "id=old&range=2026-01-01T05:00:00Z..2026-01-02T05:00:00Z"
        )
        times = detail.locator("#times")
        expect(times).to_contain_text(
            "Thu, 1 Jan 2026, 00:00 to Fri, 2 Jan 2026, 00:00"
        )
        expect(times).to_contain_text("Times of New York")
        times.get_by_role("button", name="Show mine").click()
        expect(times).to_contain_text("Times of Asia/Tokyo")
        expect(times).to_contain_text(
            "Thu, 1 Jan 2026, 14:00 to Fri, 2 Jan 2026, 14:00"
        )
        assert "tz=browser" in page.url


def test_on_a_phone(browser: Any, plant: Restartable) -> None:
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    with window(browser, plant, "alice", color_scheme="dark", **options) as page:
        detail = opened(page, plant, "filter=point&range=30d")
        page.get_by_role("button", name="Plant Water", exact=True).tap()
        expect(detail.locator("canvas")).to_be_visible()
        box = detail.locator("canvas").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        assert page.evaluate("document.body.scrollWidth") <= 390
        detail.get_by_role("button", name="Earlier").tap()
        page.wait_for_url(re.compile("Z\\.\\."))
        page.go_back()
        page.go_back()
        expect(detail).to_be_hidden()
        expect(page.locator("#filter")).to_have_value("point")
        page.go_forward()
        expect(detail.locator("canvas")).to_be_visible()
