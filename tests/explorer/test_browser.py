"""The explorer in a browser: values update live, also after failures."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from haystack_app.kinds.timezones import zone_of
from tests.explorer.conftest import HOSTILE, OTHER_STORES
from tests.live.processes import Restartable

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


@pytest.fixture
def explorer(page: Any, server: Restartable) -> Any:
    page.goto(f"{server.server.root}/explore/")
    expect(page.locator("#connection")).to_have_text("Live")
    return page


def cell(page: Any, id: str, name: str) -> Any:
    return page.locator(f'tr[data-id="{id}"] .{name}')


def rows(page: Any) -> Any:
    return page.locator("#values tbody th")


def watch(page: Any, filter: str) -> None:
    page.fill("#filter", filter)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("server", ["default", *OTHER_STORES], indirect=True)
def test_it_shows_values_and_what_becomes_of_them(
    explorer: Any, server: Restartable
) -> None:
    expect(rows(explorer)).to_have_text([HOSTILE, "Air", "Fan"])
    expect(cell(explorer, "air", "value")).to_have_text("71.5°F")
    expect(cell(explorer, "air", "status")).to_have_text("ok")
    expect(cell(explorer, "odd", "status")).to_have_text("down")
    server.write("@air,72.25°F,", '@fan,,"fault"')
    expect(cell(explorer, "air", "value")).to_have_text("72.25°F")
    expect(cell(explorer, "air", "value")).to_have_attribute("data-flash", "a")
    expect(cell(explorer, "air", "changed")).to_have_text(
        re.compile(r"^\d\d:\d\d:\d\d$")
    )
    expect(cell(explorer, "fan", "value")).to_have_text("")
    expect(cell(explorer, "fan", "status")).to_have_text("fault")
    server.post("pointWrite", "id,level,val", "@fan,8,55°F")
    expect(cell(explorer, "fan", "written")).to_have_text("55°F @ 8")
    expect(cell(explorer, "fan", "value")).to_have_text("55°F")


def test_it_recovers_from_a_restart(explorer: Any, server: Restartable) -> None:
    explorer.evaluate("window.sameAsBefore = true")
    expect(rows(explorer)).to_have_count(3)
    server.stop()
    expect(explorer.locator("#connection")).to_contain_text("Connection lost")
    server.start()
    server.write("@air,80°F,")
    expect(cell(explorer, "air", "value")).to_have_text("80°F")
    expect(explorer.locator("#connection")).to_have_text("Live")
    server.write("@air,81°F,")
    expect(cell(explorer, "air", "value")).to_have_text("81°F")
    assert explorer.evaluate("window.sameAsBefore")


def test_filters_and_their_errors(explorer: Any, server: Restartable) -> None:
    expect(rows(explorer)).to_have_count(3)
    watch(explorer, "point and curVal > 50°F")
    expect(rows(explorer)).to_have_text(["Air"])
    assert "filter=point+and+curVal+%3E+50" in explorer.url
    watch(explorer, "point and")
    expect(explorer.locator("#problem")).to_contain_text("cut short")
    server.write("@fan,60°F,")  # the watch that is shown goes on
    expect(rows(explorer)).to_have_text(["Air", "Fan"])
    server.write("@air,40°F,")
    expect(rows(explorer)).to_have_text(["Fan"])
    expect(explorer.locator("#count")).to_have_text("1 match")
    watch(explorer, "site")
    expect(rows(explorer)).to_have_text(["Hall"])
    expect(explorer.locator("#problem")).to_be_empty()
    explorer.go_back()
    explorer.go_back()
    expect(explorer.locator("#filter")).to_have_value("point and curVal > 50°F")
    expect(rows(explorer)).to_have_text(["Fan"])


def test_the_tree_leads_to_points(explorer: Any) -> None:
    tree = explorer.get_by_role("navigation", name="Sites, equipment and points")
    tree.get_by_role("button", name="Contents of Hall", exact=True).click()
    tree.get_by_role("button", name="Contents of Hall AHU").click()
    tree.get_by_role("button", name="Hall AHU 3", exact=True).click()
    expect(explorer.locator("#filter")).to_have_value("point and equipRef==@ahu")
    expect(rows(explorer)).to_have_count(3)
    watch(explorer, "site")
    expect(rows(explorer)).to_have_text(["Hall"])
    tree.get_by_role("button", name="Air").click()
    expect(explorer.locator("#detail-name")).to_have_text("Air")


def test_a_row_shows_tags_and_history(explorer: Any, server: Restartable) -> None:
    now = dt.datetime.now(zone_of("New_York")).isoformat(timespec="seconds")
    server.post("hisWrite", "ts,val", f"{now} New_York,70°F", meta="id:@air")
    table = explorer.locator("#rows")
    table.get_by_role("button", name="Air").click()
    detail = explorer.locator("#detail")
    expect(detail.locator("#detail-name")).to_be_focused()
    expect(detail.locator("#chart")).to_have_attribute(
        "aria-label", re.compile(r"^Today: 1 sample of Air")
    )
    expect(detail.locator("canvas")).to_be_visible()
    expect(detail.locator("#detail-markers")).to_contain_text("cur")
    server.write("@air,99°F,")
    expect(detail.locator("#detail-value")).to_have_text("99°F")
    expect(detail.locator("#legend tr")).to_have_text(["Value99°F70°F99°F84.5°F✕"])
    explorer.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    expect(table.get_by_role("button", name="Air")).to_be_focused()
    explorer.keyboard.press("ArrowDown")
    expect(table.get_by_role("button", name="Fan")).to_be_focused()


def test_texts_of_records_are_not_html(explorer: Any) -> None:
    explorer.get_by_role("button", name=HOSTILE).click()
    expect(explorer.locator("#detail-name")).to_have_text(HOSTILE)
    assert explorer.locator("main img").count() == 0


def test_websockets_are_where_the_page_says(page: Any, server: Restartable) -> None:
    def elsewhere(route: Any) -> None:
        response = route.fetch()
        text = response.text().replace('"ws": "/ws/"', '"ws": "/bms/ws/"')
        text = text.replace('data-project=""', 'data-project="a b"')
        route.fulfill(response=response, body=text)

    page.route("**/explore/", elsewhere)
    with page.expect_websocket() as opened:
        page.goto(f"{server.server.root}/explore/")
    root = server.server.root.replace("http", "ws", 1)
    assert opened.value.url == f"{root}/bms/ws/a%20b/"


def test_logged_out_users_see_a_login_link(
    explorer: Any, page: Any, server: Restartable
) -> None:
    expect(rows(explorer)).to_have_count(3)
    other = page.context.new_page()
    other.goto(f"{server.server.root}/")
    other.get_by_role("button", name="Log out").click()
    other.get_by_role("link", name="Log in").first.click()
    expect(other.get_by_role("button", name="Log in")).to_be_visible()
    watch(page, "site")
    expect(page.locator("#connection")).to_contain_text("Not logged in")
    link = page.get_by_role("link", name="Log in")
    for filter in ("site", "equip"):  # whenever the refusal arrived
        watch(page, filter)
        expect(link).to_have_attribute(
            "href",
            f"{server.server.root}/log-in/?next=%2Fexplore%2F%3Ffilter%3D{filter}",
        )


def test_it_offers_a_file_for_spreadsheets(explorer: Any) -> None:
    expect(explorer.locator("#values tbody th").first).to_be_visible()
    with explorer.expect_download() as started:
        explorer.locator("#download").click()
    assert started.value.suggested_filename == "records.csv"
    assert started.value.path().read_text("utf-8-sig").startswith("id,")
    with explorer.expect_download() as started:
        explorer.locator("#workbook").click()
    assert started.value.suggested_filename == "records.xlsx"
    assert started.value.path().read_bytes().startswith(b"PK")
