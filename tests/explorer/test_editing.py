"""Editing tags and undoing changes in the explorer, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.kinds.scalars import Coord
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.explorer.conftest import HOSTILE, window
from tests.live.processes import Restartable

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


@pytest.fixture
def plant(server: Restartable) -> Restartable:
    """The user ann is an admin."""
    user("ann", "admin")
    return server


def opened(page: Any, server: Restartable, id: str = "air") -> Any:
    page.goto(f"{server.server.root}/explore/?filter=point&id={id}")
    expect(page.locator("#connection")).to_have_text("Live")
    panel = page.locator("#detail")
    expect(panel.locator("#tags")).to_contain_text("dis")
    return panel


def stored(id: str) -> Any:
    return storages["default"].existing(id)


def test_edit_a_tag_seen_in_another_window(browser: Any, plant: Restartable) -> None:
    with (
        window(browser, plant, "ann") as page,
        window(browser, plant, "alice") as other,
    ):
        opened(other, plant)
        panel = opened(page, plant)
        # three clicks, beside the text
        panel.get_by_role("button", name="Edit tags").click()
        panel.get_by_role("button", name="Edit dis").click()
        panel.get_by_label("dis", exact=True).fill(HOSTILE)
        panel.get_by_role("button", name="Save").click()
        expect(other.locator("#detail-name")).to_have_text(HOSTILE)
        expect(page.locator("#detail-name")).to_have_text(HOSTILE)
        assert stored("air")["dis"] == HOSTILE
        assert not other.get_by_role("button", name="Edit tags").is_visible()


def test_each_kind_has_its_input(browser: Any, plant: Restartable) -> None:
    with window(browser, plant, "ann") as page:
        panel = opened(page, plant)
        panel.get_by_role("button", name="Edit tags").click()

        def add(name: str, kind: str, **fields: str) -> None:
            panel.get_by_label("Name of a new tag").fill(name)
            panel.get_by_label("Kind", exact=True).select_option(kind)
            for label, value in fields.items():
                panel.get_by_label(label.replace("_", ": "), exact=True).fill(value)
            panel.get_by_role("button", name="Save").click()
            shown = "#detail-markers" if kind == "Marker" else "#tags"
            expect(panel.locator(shown)).to_contain_text(name)

        add("leaf", "Marker")
        add("floorArea", "Number", Value="12.5", Value_unit="ft²")
        add("spaceRef", "Ref", Value="@hall")
        add("installed", "Date", Value="2024-02-29")
        add("geoCoord", "Coord", Value_lat="48.1", Value_lng="11.5")
        add("notes", "Other", Value='["a", {"_kind": "marker"}]')
        found = stored("air")
        assert (found["leaf"], found["floorArea"], found["spaceRef"]) == (
            MARKER,
            Number(12.5, "ft²"),
            Ref("hall"),
        )
        assert (found["geoCoord"], found["notes"]) == (Coord(48.1, 11.5), ["a", MARKER])
        # a marker and another tag go
        panel.get_by_role("button", name="Remove leaf").click()
        expect(panel.locator("#detail-markers")).not_to_contain_text("leaf")
        panel.get_by_role("button", name="Remove floorArea").click()
        expect(panel.locator("#tags")).not_to_contain_text("floorArea")
        assert "leaf" not in stored("air")


def test_what_is_invalid_is_said(browser: Any, plant: Restartable) -> None:
    with window(browser, plant, "ann") as page:
        panel = opened(page, plant)
        panel.get_by_role("button", name="Edit tags").click()
        problem = panel.locator("#tag-problem")
        for name, kind, value, said in (
            ("Wrong", "Str", "x", "Wrong is not a tag name"),
            ("area", "Number", "many", "many is not a number"),
            ("aRef", "Ref", "no id", "no id is not an id"),
            ("curVal", "Str", "x", "the server sets curVal"),
            ("area", "Other", "{", "this is not JSON"),
        ):
            panel.get_by_label("Name of a new tag").fill(name)
            panel.get_by_label("Kind", exact=True).select_option(kind)
            panel.get_by_label("Value", exact=True).fill(value)
            panel.get_by_role("button", name="Save").click()
            expect(problem).to_contain_text(said)
        panel.get_by_label("Kind", exact=True).select_option("Number")
        panel.get_by_label("Value", exact=True).fill("1")
        panel.get_by_label("Value: unit").fill("nosuch")
        panel.get_by_role("button", name="Save").click()
        expect(problem).to_contain_text("nosuch")


def test_a_conflict_shows_both(browser: Any, plant: Restartable) -> None:
    with window(browser, plant, "ann") as page:
        panel = opened(page, plant)
        panel.get_by_role("button", name="Edit tags").click()
        panel.get_by_role("button", name="Edit dis").click()
        row = {"id": Ref("air"), "dis": "Theirs"}
        storages["default"].update_entities([row], force=True)
        panel.get_by_label("dis", exact=True).fill("Mine")
        panel.get_by_role("button", name="Save").click()
        problem = panel.locator("#tag-problem")
        expect(problem).to_contain_text("Stored: Theirs. Yours: Mine.")
        assert stored("air")["dis"] == "Theirs"
        problem.get_by_role("button", name="Save mine").click()
        expect(page.locator("#detail-name")).to_have_text("Mine")


def test_undo_in_three_clicks(browser: Any, plant: Restartable) -> None:
    names = [{"id": Ref(id), "dis": "Wrong"} for id in ("air", "fan")]
    storages["default"].update_entities(names, force=True, who="bob")
    with window(browser, plant, "ann") as page:
        panel = opened(page, plant)
        panel.get_by_text("Changes").click()
        first = panel.locator("#change-list li").first
        expect(first).to_contain_text("changed by bob")
        expect(first).to_contain_text("dis: Air → Wrong")
        first.get_by_role("button", name="Undo the change").click()
        expect(first).to_contain_text("2 entities were changed together.")
        first.get_by_role("button", name="Undo all 2 entities").click()
        expect(panel.locator("#changes-note")).to_have_text("2 set back.")
        expect(page.locator("#detail-name")).to_have_text("Air")
        assert (stored("air")["dis"], stored("fan")["dis"]) == ("Air", "Fan")
        expect(panel.locator("#change-list li").first).to_contain_text("by ann")


def test_on_a_phone_by_an_operator(browser: Any, plant: Restartable) -> None:
    """Operators see changes and no control; the API refuses them."""
    size = {"width": 390, "height": 844}
    with window(browser, plant, "alice", viewport=size) as page:
        panel = opened(page, plant)
        panel.get_by_text("Changes").click()
        expect(panel.locator("#change-list li")).to_have_count(1)
        assert panel.get_by_role("button", name="Undo").count() == 0
        assert not panel.get_by_role("button", name="Edit tags").is_visible()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390


def test_bulk_in_five_clicks_and_its_undo(browser: Any, plant: Restartable) -> None:
    with window(browser, plant, "ann") as page:
        page.goto(f"{plant.server.root}/explore/?filter=point+and+equipRef")
        expect(page.locator("#count")).to_have_text("3 matches")
        bulk = page.locator("#bulk")
        bulk.get_by_text("Change all matches").click()
        bulk.get_by_label("Tag", exact=True).fill("hvac")
        bulk.get_by_role("button", name="Preview").click()
        expect(bulk.get_by_role("status")).to_have_text("3 entities of 3 would change.")
        expect(bulk.locator("li").first).to_contain_text("hvac: none → ✓")
        assert "hvac" not in stored("air")
        # only what was previewed can be changed
        bulk.get_by_label("Tag", exact=True).fill("cool")
        expect(bulk.get_by_role("button", name="Change 3 entities")).to_have_count(0)
        bulk.get_by_label("Tag", exact=True).fill("hvac")
        bulk.get_by_role("button", name="Preview").click()
        bulk.get_by_role("button", name="Change 3 entities").click()
        expect(bulk.get_by_role("status")).to_contain_text("3 entities changed.")
        assert all("hvac" in stored(id) for id in ("air", "fan", "odd"))
        bulk.get_by_role("button", name="Undo").click()
        expect(bulk.get_by_role("status")).to_have_text("3 entities set back.")
        assert "hvac" not in stored("air")
        # a name that is renamed shows what would be where
        bulk.get_by_label("Action").select_option("rename")
        bulk.get_by_label("Tag", exact=True).fill("dis")
        bulk.get_by_label("New name").fill("navName")
        bulk.get_by_role("button", name="Preview").click()
        expect(bulk.locator("ul")).to_contain_text(f"navName: none → {HOSTILE}")
        bulk.get_by_label("New name").fill("No Name")
        bulk.get_by_role("button", name="Preview").click()
        expect(bulk.get_by_role("alert")).to_contain_text("is not a tag name")


def test_operators_see_no_bulk(page: Any, plant: Restartable) -> None:
    page.goto(f"{plant.server.root}/explore/?filter=point")
    expect(page.locator("#count")).to_have_text("3 matches")
    assert not page.locator("#bulk").is_visible()
