"""The table of the explorer: columns, order, filters, files, and many rows."""

from __future__ import annotations

import csv
import re
from io import StringIO
from typing import Any

import pytest
import python_calamine

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.explorer.conftest import HOSTILE, OTHER_STORES, window
from tests.live.processes import Restartable
from tests.storage.building import entity, point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


@pytest.fixture
def table(page: Any, server: Restartable) -> Any:
    storages["default"].load_entities(
        [
            entity("bad", equip=MARKER, dis=HOSTILE, siteRef=Ref("hall")),
            point("x1", dis="X 1", equipRef=Ref("bad"), note=HOSTILE, area=Number(20)),
            point("x2", dis="X 2", siteRef=Ref("hall"), area=Number(3)),
            point("x10", dis="X 10", area=Number(100, "m²")),
        ]
    )
    page.goto(f"{server.server.root}/explore/?filter=point+and+not+cur")
    expect(page.locator("#rows tr")).to_have_count(3)
    return page


def names(page: Any) -> Any:
    return page.locator("#rows th")


def column(page: Any, index: int) -> Any:
    return page.locator(f"#rows td:nth-child({index})")


def choose(page: Any, tag: str) -> None:
    if not page.locator("#columns").get_attribute("open"):
        page.locator("#columns").evaluate("form => form.open = true")
    page.get_by_label("Tag of the new column").fill(tag)
    page.keyboard.press("Enter")
    expect(page.locator(f'#head th[data-tag="{tag}"]')).to_be_visible()


def test_columns_are_chosen_saved_and_in_the_address(
    table: Any, server: Restartable
) -> None:
    expect(names(table)).to_have_text(["X 1", "X 2", "X 10"])
    for tag in ("note", "equipRef"):
        choose(table, tag)
    expect(column(table, 7)).to_have_text([HOSTILE, "", ""])
    expect(column(table, 8)).to_have_text([HOSTILE, "", ""])
    assert table.locator("main img").count() == 0
    assert table.url.endswith(
        "columns=curVal%2CcurStatus%2CwriteVal%2ChisEnd%2Cnote%2CequipRef"
    )
    table.get_by_role("button", name="Move note to the left").click()
    table.get_by_role("button", name="Remove Status").click()
    heads = table.locator("#head tr").first.locator("th")
    expect(heads).to_have_text(["Name", "Value", "Written", "note", "Changed", "Equip"])
    table.go_back()
    table.go_back()
    expect(heads).to_have_count(7)
    table.goto(f"{server.server.root}/explore/")  # as they were chosen last
    expect(heads).to_have_text(["Name", "Value", "Written", "note", "Changed", "Equip"])
    assert "columns=curVal%2CwriteVal%2Cnote" in table.url
    table.locator("#columns summary").click()
    table.get_by_role("button", name="As at first").click()
    expect(heads).to_have_text(["Name", "Value", "Status", "Written", "Changed"])
    choose(table, "note")
    table.get_by_label("Tag of the new column").fill("note")
    table.keyboard.press("Enter")
    expect(table.locator("#column-problem")).to_have_text("note is a column already.")


def test_refs_are_links(table: Any, server: Restartable) -> None:
    table.goto(f"{server.server.root}/explore/?filter=point&columns=siteRef,equipRef")
    link = table.locator('tr[data-id="x1"] a')
    expect(link).to_have_text(HOSTILE)
    assert "id=bad" in link.get_attribute("href")
    link.click()
    expect(table.locator("#detail-name")).to_have_text(HOSTILE)
    table.go_back()
    expect(table.locator("#detail")).to_be_hidden()
    table.locator('tr[data-id="x2"] a').click()
    expect(table.locator("#detail-name")).to_have_text("Hall")


def test_rows_are_sorted(table: Any) -> None:
    choose(table, "area")
    head = table.locator('#head th[data-tag="area"]')
    head.get_by_role("button").click()
    expect(names(table)).to_have_text(["X 2", "X 1", "X 10"])
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").press("Enter")
    expect(names(table)).to_have_text(["X 10", "X 1", "X 2"])
    assert "sort=-area" in table.url
    table.reload()
    expect(names(table)).to_have_text(["X 10", "X 1", "X 2"])
    table.go_back()
    expect(names(table)).to_have_text(["X 2", "X 1", "X 10"])
    storages["default"].update_entities(
        [{"id": Ref("x2"), "area": Number(50)}], force=True
    )
    expect(names(table)).to_have_text(["X 1", "X 2", "X 10"])


def test_columns_are_filtered(table: Any) -> None:
    choose(table, "note")
    table.get_by_role("button", name="Filter columns").click()
    expect(table.get_by_label("Filter Name")).to_be_focused()
    table.keyboard.type("x 1")
    expect(names(table)).to_have_text(["X 1", "X 10"])
    expect(table.locator("#count")).to_have_text("2 of 3 matches")
    table.get_by_label("Filter note").fill("<IMG")
    expect(names(table)).to_have_text(["X 1"])
    assert "only=dis%3Ax+1" in table.url
    table.reload()
    expect(names(table)).to_have_text(["X 1"])
    expect(table.get_by_label("Filter note")).to_have_value("<IMG")
    with table.expect_download() as started:
        table.locator("#download").click()
    rows = list(csv.reader(StringIO(started.value.path().read_text("utf-8-sig"))))
    assert [row[:2] for row in rows[1:]] == [["'@x1", "X 1"]]
    assert rows[1][-1] == HOSTILE
    with table.expect_download() as started:
        table.locator("#workbook").click()
    book = python_calamine.load_workbook(started.value.path())
    head, *records = book.get_sheet_by_index(0).to_python()
    assert [row[:2] for row in records] == [["@x1", "X 1"]]
    assert (head[-1], records[0][-1]) == ("note (Str)", HOSTILE)
    table.get_by_role("button", name="Filter columns").click()
    expect(names(table)).to_have_count(3)


def test_files_have_the_columns(table: Any) -> None:
    choose(table, "area")
    table.locator('#head th[data-tag="area"]').get_by_role("button").click()
    expect(names(table)).to_have_text(["X 2", "X 1", "X 10"])
    with table.expect_download() as started:
        table.locator("#download").click()
    rows = list(csv.reader(StringIO(started.value.path().read_text("utf-8-sig"))))
    assert ",".join(rows[0]) == "id,dis,curVal,curStatus,writeVal,hisEnd,area"
    assert [row[1] for row in rows[1:]] == ["X 2", "X 1", "X 10"]
    with table.expect_download() as started:
        table.locator("#workbook").click()
    assert started.value.path().read_bytes().startswith(b"PK")


@pytest.mark.parametrize("width", [1280, 390])
def test_all_rows_are_reached_with_keys(
    browser: Any, server: Restartable, width: int
) -> None:
    reach_all_rows(browser, server, width)


@pytest.mark.parametrize("server", OTHER_STORES, indirect=True)
def test_all_rows_of_other_stores(browser: Any, server: Restartable) -> None:
    reach_all_rows(browser, server, 1280)


def reach_all_rows(browser: Any, server: Restartable, width: int) -> None:
    """3,000 rows come in pages, and those on the screen are live."""
    server.store.load_entities(
        [point(f"n{index:04}", dis=f"N {index}", cur=MARKER) for index in range(3_000)]
    )
    size = {"width": width, "height": 800}
    with window(browser, server, "alice", viewport=size) as page:
        page.goto(f"{server.server.root}/explore/?filter=point+and+dis")
        expect(page.locator("#count")).to_have_text("3,003 matches")
        expect(page.locator("#values")).to_have_attribute("aria-rowcount", "3004")
        assert page.locator("#rows tr").count() < 80
        page.locator("#rows button").first.focus()
        for key, name in (
            ("ArrowDown", "Air"),
            ("End", "N 2999"),
            ("ArrowUp", "N 2998"),
            ("Home", HOSTILE),
            ("PageDown", re.compile(r"^N \d+$")),
        ):
            page.keyboard.press(key)
            focused = page.locator("#rows button:focus")
            expect(focused).to_have_text(name)
            expect(focused).to_be_in_viewport()
        page.locator("#scroll").evaluate("box => box.scrollTop = box.scrollHeight / 2")
        row = page.locator('#rows tr[aria-rowindex="1505"]')
        expect(row).to_be_visible()
        id = row.get_attribute("data-id")
        server.write(f"@{id},42,")
        expect(page.locator(f'tr[data-id="{id}"] .value')).to_have_text("42")
        page.keyboard.press("ArrowDown")  # from where the focus was
        expect(page.locator("#rows button:focus")).to_be_in_viewport()


@pytest.mark.parametrize("width", [1280, 390])
def test_back_and_forward(browser: Any, server: Restartable, width: int) -> None:
    """The address is the state, also where the panel covers the page."""
    user("bob", "operator")
    size = {"width": width, "height": 800}
    with window(browser, server, "bob", viewport=size) as page:
        page.goto(f"{server.server.root}/explore/?columns=curVal&sort=-dis")
        names, panel = page.locator("#rows th"), page.locator("#detail")
        expect(names).to_have_text(["Fan", "Air", HOSTILE])
        page.locator('#head th[data-tag="dis"] button').click()
        expect(names).to_have_text([HOSTILE, "Air", "Fan"])
        names.get_by_text("Air").click()
        expect(page.locator("#detail-name")).to_have_text("Air")
        page.go_back()
        expect(panel).to_be_hidden()
        expect(names).to_have_text([HOSTILE, "Air", "Fan"])
        page.go_back()
        expect(names).to_have_text(["Fan", "Air", HOSTILE])
        page.go_forward()
        page.go_forward()
        expect(page.locator("#detail-name")).to_have_text("Air")
        with window(browser, server, "bob", viewport=size) as other:
            other.goto(page.url)  # a colleague's
            expect(other.locator("#detail-name")).to_have_text("Air")
            heads = other.locator("#head tr").first.locator("th")
            expect(heads).to_have_text(["Name", "Value"])
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(names.get_by_text("Air").locator("..")).to_be_visible()
