"""The filter box of the explorer: filters, words, and what is wrong with a filter."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.kinds import MARKER
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.api.servers import Servers
from tests.explorer.conftest import HOSTILE, window
from tests.live.processes import Restartable, restartable
from tests.storage.building import point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


@pytest.fixture
def box(page: Any, server: Restartable) -> Any:
    page.goto(f"{server.server.root}/explore/")
    expect(page.locator("#values tbody th")).to_have_count(3)
    return page.locator("#search")


def test_words_find_names(page: Any, box: Any, server: Restartable) -> None:
    rows = page.locator("#values tbody th")
    box.get_by_label("Filter", exact=True).fill("hall ahu")
    page.keyboard.press("Enter")
    expect(rows).to_have_text([HOSTILE, "Air", "Fan", "Hall AHU"])
    expect(box.locator("#reading")).to_contain_text("Read as words")
    assert "search=hall+ahu" in page.locator("#download").get_attribute("href")
    server.write("@air,33°F,")
    expect(page.locator('tr[data-id="air"] .value')).to_have_text("33°F")
    box.get_by_role("button", name="Read as a filter").click()
    expect(box.locator("#problem")).to_contain_text("column")
    page.go_back()
    expect(box.locator("#problem")).to_be_empty()
    expect(rows).to_have_count(4)


def test_a_tag_that_nothing_has_is_a_word(page: Any, box: Any) -> None:
    box.get_by_label("Filter", exact=True).fill("fan")
    page.keyboard.press("Enter")
    expect(page.locator("#values tbody th")).to_have_text(["Fan"])
    box.get_by_label("Filter", exact=True).fill("nosuch")
    page.keyboard.press("Enter")
    expect(box.locator("#reading")).to_have_text("No names have these words either.")
    expect(page.locator("#count")).to_have_text("0 matches")


def test_an_error_marks_the_column_and_proposes(page: Any, box: Any) -> None:
    box.get_by_label("Filter", exact=True).fill(f'point && dis="{HOSTILE}"')
    page.keyboard.press("Enter")
    problem = box.locator("#problem")
    expect(problem.locator("mark")).to_have_text("&")
    expect(problem).to_contain_text("at column 7")
    assert page.locator("main img").count() == 0
    problem.get_by_role("button").click()
    expect(box.get_by_label("Filter", exact=True)).to_have_value(
        f'point and dis=="{HOSTILE}"'
    )
    expect(page.locator("#values tbody th")).to_have_text([HOSTILE])
    expect(problem).to_be_empty()


def test_more_matches_than_a_watch_may_have(
    browser: Any, server: Restartable, servers: Servers, settings: Any
) -> None:
    """They are loaded in pages, and those on the screen are watched."""
    user("bob")
    storages["default"].load_entities(
        [point(f"n{index:03}", dis=f"N {index}", cur=MARKER) for index in range(620)]
    )
    small = restartable(servers, settings, "bob", HAYSTACK_MAX_WATCHED="100")
    with window(browser, small, "bob") as page:
        page.goto(f"{small.server.root}/explore/")
        count, rows = page.locator("#count"), page.locator("#rows tr")
        expect(count).to_have_text("623 matches")
        expect(page.locator("#values")).to_have_attribute("aria-rowcount", "624")
        assert rows.count() < 100
        page.locator("#rows button").first.focus()
        page.keyboard.press("End")
        expect(page.get_by_role("button", name="N 619")).to_be_focused()
        small.write("@n619,5,")
        expect(page.locator('tr[data-id="n619"] .value')).to_have_text("5")
        page.get_by_label("Filter", exact=True).fill("n 61")
        page.keyboard.press("Enter")
        expect(count).to_have_text("16 matches")  # N 61, N 161 .. and N 610 to N 619
        expect(rows).to_have_count(16)
