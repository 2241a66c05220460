"""A dashboard in a browser: live, with one range, shared, and on a wall."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group

from haystack_app.models import GroupScope
from tests.api.conftest import user
from tests.dashboards.making import dashboard
from tests.explorer.conftest import HOSTILE, window
from tests.live.processes import Restartable

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


def opened(page: Any, server: Restartable, path: str = "plant/") -> Any:
    page.goto(f"{server.server.root}/dashboards/{path}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    return page


def tile(page: Any, title: str) -> Any:
    heading = page.get_by_role("heading", name=title, exact=True)
    return page.locator(".tile").filter(has=heading)


def test_tiles_are_live(page: Any, plant: Restartable) -> None:
    opened(page, plant)
    expect(page.get_by_role("heading", name="Hall now")).to_be_visible()
    expect(tile(page, "Air").locator(".big")).to_have_text("71.5°F")
    expect(tile(page, "Average").locator(".big")).to_have_text("40.75°F")
    # 8 readings an hour, of 2 kWh each, for a week less a part of a quarter of an hour
    expect(tile(page, "Energy").locator(".big")).to_have_text(
        re.compile(r"^1,34\d(\.\d)?kWh$")
    )
    row = tile(page, "Values").locator("tr").filter(has_text="Air")
    expect(row).to_contain_text("71.5°F")
    plant.write("@air,73.5°F,")
    expect(tile(page, "Air").locator(".big")).to_have_text("73.5°F")
    expect(tile(page, "Average").locator(".big")).to_have_text("41.75°F")
    expect(row).to_contain_text("73.5°F")
    assert page.locator("main img").count() == 0


def test_all_charts_have_one_range(page: Any, plant: Restartable) -> None:
    opened(page, plant)
    charts = page.locator(".tile .chart canvas")
    expect(charts).to_have_count(2)
    air = tile(page, "Temperatures of Hall AHU")
    expect(air.locator(".legend tbody tr")).to_contain_text(["Air"])
    expect(page.locator("#range")).to_have_value("7d")
    page.locator("#compare").select_option("week")
    expect(air.locator(".legend tbody tr")).to_contain_text(
        ["Air", re.compile("a week earlier")]
    )
    air.scroll_into_view_if_needed()
    area = air.locator(".u-over").bounding_box()
    y = area["y"] + 40
    page.mouse.move(area["x"] + 60, y)
    page.mouse.down()
    page.mouse.move(area["x"] + 200, y, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"range=.*Z\.\..*Z&compare=week"))
    expect(page.locator("#times")).to_contain_text("Times of New York")
    for one in page.locator(".tile .chart").all():
        expect(one).to_have_attribute("aria-label", re.compile(r"^\w+, \d+ \w+ \d{4}"))
    zoomed = page.url
    page.go_back()
    expect(page.locator("#range")).to_have_value("7d")
    page.goto(zoomed)
    expect(page.locator("#range")).to_have_value("custom")
    expect(charts).to_have_count(2)


def test_the_subject_is_chosen_and_in_the_address(
    page: Any, plant: Restartable
) -> None:
    opened(page, plant)
    shown = page.get_by_role("combobox", name="Show", exact=True)
    shown.select_option(label=f"South {HOSTILE}")
    page.wait_for_url(re.compile("subject=annex"))
    expect(page.get_by_role("heading", name=f"South {HOSTILE} now")).to_be_visible()
    expect(tile(page, "Air")).to_contain_text("Nothing matches.")
    heading = f"Temperatures of Annex {HOSTILE}"
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(tile(page, heading)).to_contain_text("No samples have been stored yet")
    page.reload()
    expect(page.get_by_role("heading", name=f"South {HOSTILE} now")).to_be_visible()
    assert page.locator("main img").count() == 0


def test_a_scope_holds(browser: Any, plant: Restartable) -> None:
    """What a tenant may not see is not on a dashboard that is shared."""
    group = Group.objects.create(name="annex")
    GroupScope.objects.create(group=group, filter="siteRef==@annex or id==@annex")
    user("tess", "viewer").groups.add(group)
    with window(browser, plant, "tess") as page:
        opened(page, plant)
        expect(page.get_by_role("heading", name=f"South {HOSTILE} now")).to_be_visible()
        expect(tile(page, "Values")).to_contain_text("Nothing matches.")
        assert "Hall" not in page.locator("main").inner_text()
        expect(page.locator("#edit")).to_have_count(0)


def test_it_recovers_from_a_restart_on_a_wall(page: Any, plant: Restartable) -> None:
    opened(page, plant)
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_url(re.compile("wall=1"))
    expect(page.locator("#range")).to_be_hidden()
    expect(page.get_by_role("link", name="Explorer")).to_be_hidden()
    expect(page.locator("#connection")).to_be_hidden()
    plant.stop()
    expect(page.locator("#connection")).to_contain_text("Connection lost")
    plant.start()
    expect(page.locator("#connection")).to_be_hidden()
    plant.write("@air,65.5°F,")
    expect(tile(page, "Air").locator(".big")).to_have_text("65.5°F")
    page.keyboard.press("Escape")
    expect(page.locator("#range")).to_be_visible()


def test_units_of_the_users_choice(page: Any, plant: Restartable) -> None:
    opened(page, plant)
    air = tile(page, "Temperatures of Hall AHU")
    expect(tile(page, "Air").locator(".big")).to_have_text("71.5°F")
    expect(air.locator(".legend td").first).to_contain_text("°F")
    page.get_by_text("Units", exact=True).click()
    page.get_by_label("°F as").select_option("°C")
    expect(tile(page, "Air").locator(".big")).to_have_text("21.94°C")
    expect(tile(page, "Average").locator(".big")).to_have_text("4.86°C")
    expect(tile(page, "Values").locator("tbody")).to_contain_text("21.94°C")
    expect(air.locator(".legend td").first).to_contain_text("°C")
    page.reload()
    expect(tile(page, "Air").locator(".big")).to_have_text("21.94°C")
    page.get_by_text("CSV").first.scroll_into_view_if_needed()
    with page.expect_download() as started:
        air.get_by_role("button", name="CSV").click()
    lines = started.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "ts,Air (°C)"
    values = [float(line.split(",")[1]) for line in lines[1:]]
    assert min(values) > 15 and max(values) < 22


def test_the_values_of_a_chart_are_a_table(page: Any, plant: Restartable) -> None:
    opened(page, plant, "plant/?range=24h")
    air = tile(page, "Temperatures of Hall AHU")
    air.get_by_text("Table", exact=True).click()
    rows = air.locator(".as-table tbody tr")
    expect(rows.first).to_be_visible()
    assert 90 < rows.count() < 100
    expect(air.locator(".as-table thead th")).to_have_text(["Time", "Air (°F)"])


def test_the_owner_edits_with_the_keyboard(page: Any, plant: Restartable) -> None:
    page.goto(f"{plant.server.root}/dashboards/")
    page.get_by_label("Title").focus()
    page.keyboard.type("My plant")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/dashboards/my-plant/\?edit"))
    press(page, "Add section")
    press(page, "Add table")
    filter = page.get_by_label(re.compile("^Filter"))
    filter.fill("point and siteRef==@hall")
    expect(page.get_by_role("dialog")).to_contain_text("4 matches")
    page.get_by_label(re.compile("^Title; ")).fill(HOSTILE)
    press(page, "Done")
    table = tile(page, HOSTILE)
    expect(table).to_contain_text("71.5°F")
    press(page, "Add number")
    page.get_by_label(re.compile("^Filter")).fill("id==@fan")
    press(page, "Done")
    expect(page.locator(".tile")).to_have_count(2)

    width = table.bounding_box()["width"]
    for _ in range(2):
        press(page, "Wider", table)
    expect(page.locator(":focus")).to_have_attribute("aria-label", "Wider")
    assert table.bounding_box()["width"] > width
    press(page, "Move later", table)
    expect(page.locator(".tile").last).to_contain_text(HOSTILE)
    page.get_by_label("everyone").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    press(page, "Save")
    expect(page.locator("#editor")).to_be_hidden()

    page.goto(f"{plant.server.root}/dashboards/my-plant/")
    expect(page.locator(".tile").last).to_contain_text("71.5°F")
    assert page.locator("main img").count() == 0
    press(page, "Edit")
    press(page, "Remove tile", page.locator(".tile").first)
    expect(page.locator(".tile")).to_have_count(1)
    press(page, "Discard changes")
    expect(page.locator(".tile")).to_have_count(2)


def press(page: Any, name: str, within: Any = None) -> None:
    """Press a button with the keyboard."""
    button = (within or page).get_by_role("button", name=name, exact=True).first
    button.focus()
    page.keyboard.press("Enter")


def test_the_second_editor_does_not_overwrite(browser: Any, plant: Restartable) -> None:
    user("root", is_superuser=True)
    dashboard("shared", None, everyone=True)
    with window(browser, plant, "root") as first:
        opened(first, plant, "shared/?edit")
        # before the other one saves: what is not edited follows what is stored
        first.get_by_label("Title", exact=True).fill("First")
        with window(browser, plant, "root") as second:
            opened(second, plant, "shared/?edit")
            second.get_by_label("Title", exact=True).fill("Second")
            press(second, "Save")
            expect(second.locator("#editor")).to_be_hidden()
            expect(second.locator("#title")).to_have_text("Second")
        press(first, "Save")
        expect(first.locator("#editor [role=alert]")).to_contain_text(
            "it was changed since it was read"
        )
        first.on("dialog", lambda dialog: dialog.accept())


def test_on_a_phone(browser: Any, plant: Restartable) -> None:
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    with window(browser, plant, "alice", color_scheme="dark", **options) as page:
        opened(page, plant)
        expect(page.locator(".tile .chart canvas")).to_have_count(2)
        assert page.evaluate("document.body.scrollWidth") <= 390
        page.get_by_text("Units", exact=True).tap()
        expect(page.get_by_label("°F as")).to_be_visible()
        assert page.evaluate("document.body.scrollWidth") <= 390
