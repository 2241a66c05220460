"""Completion of the filter box: a combobox with tags, operators and values."""

from __future__ import annotations

import re
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.handler import storages
from tests.explorer.conftest import HOSTILE, window
from tests.explorer.test_accessibility import axe, violations
from tests.live.processes import Restartable
from tests.storage.building import entity

__all__ = ["axe"]

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


@pytest.fixture(params=[1280, 390])
def box(browser: Any, server: Restartable, request: pytest.FixtureRequest) -> Any:
    storages["default"].load_entities(
        [entity("bad", equip=MARKER, dis=HOSTILE, note=HOSTILE, siteRef=Ref("hall"))]
    )
    size = {"width": request.param, "height": 800}
    with window(browser, server, "alice", viewport=size, bypass_csp=True) as page:
        page.goto(f"{server.server.root}/explore/")
        expect(page.locator("#rows tr")).to_have_count(3)
        yield page.locator("#filter")


def options(box: Any) -> Any:
    return box.page.locator("#filter-suggestions [role=option] > span")


def test_a_filter_is_written_with_keys(box: Any) -> None:
    keys = box.page.keyboard
    box.fill("")
    box.press_sequentially("equi")
    expect(options(box)).to_have_text(["equipRef", "equip"])
    expect(box).to_have_attribute("aria-expanded", "true")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    active = box.get_attribute("aria-activedescendant")
    expect(box.page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
    keys.press("Enter")
    expect(box).to_have_value("equip ")
    expect(options(box).first).to_have_text("and")
    keys.press("ArrowDown")
    keys.press("Enter")
    keys.type("siteRef ==")
    expect(options(box)).to_have_text(["Hall"])
    keys.type(" ha")
    keys.press("ArrowDown")  # of what is typed now
    expect(box).to_have_attribute("aria-activedescendant", re.compile("-0$"))
    keys.press("Enter")
    expect(box).to_have_value("equip and siteRef == @hall ")
    keys.press("Escape")
    keys.press("Enter")
    rows = box.page.locator("#rows th")
    expect(rows).to_have_text([HOSTILE, "Hall AHU"])
    expect(options(box)).to_have_count(0)
    assert "siteRef+%3D%3D+%40hall" in box.page.url


def test_values_are_texts_and_quoted(box: Any) -> None:
    box.fill("note ==")
    expect(options(box)).to_have_text([HOSTILE])
    assert box.page.locator("main img").count() == 0
    options(box).click()
    expect(box).to_have_value(f'note =="{HOSTILE}" ')
    expect(box).to_be_focused()
    box.press("Enter")
    expect(box.page.locator("#rows th")).to_have_text([HOSTILE])


def test_enter_sends_what_was_typed(box: Any) -> None:
    box.fill("site")
    expect(options(box).first).to_be_visible()
    box.press("Enter")
    expect(box.page.locator("#rows th")).to_have_text(["Hall"])
    expect(options(box)).to_have_count(0)


def test_escape_closes_the_list_alone(box: Any) -> None:
    box.page.locator("#rows button").first.click()
    expect(box.page.locator("#detail")).to_be_visible()
    if box.page.viewport_size["width"] < 500:
        return  # the panel covers the box
    box.fill("si")
    expect(options(box).first).to_be_visible()
    box.press("Escape")
    expect(options(box)).to_have_count(0)
    expect(box.page.locator("#detail")).to_be_visible()
    box.press("Escape")
    expect(box.page.locator("#detail")).to_be_hidden()


def test_an_empty_box_has_examples(box: Any) -> None:
    box.fill("")
    box.press("ArrowDown")
    expect(options(box).first).to_have_text("point and cur")
    expect(box).to_have_attribute("aria-activedescendant", re.compile("-0$"))
    box.press("ArrowUp")
    box.press("ArrowUp")
    box.press("Enter")
    expect(box).to_have_value("ahu")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation_while_it_is_open(box: Any, axe: str, scheme: str) -> None:
    page = box.page
    page.emulate_media(color_scheme=scheme)
    page.locator("#columns").evaluate("form => form.open = true")
    page.get_by_role("button", name="Filter columns").click()
    box.fill("si")
    expect(options(box).first).to_be_visible()
    box.press("ArrowDown")
    assert violations(page, axe, scheme) == []
