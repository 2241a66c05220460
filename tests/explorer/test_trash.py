"""Removing, restoring and emptying the trash in the explorer, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.kinds import Number, Ref
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.explorer.conftest import HOSTILE, window
from tests.explorer.test_editing import opened, stored
from tests.live.processes import Restartable
from tests.storage.building import at, numbers

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


@pytest.fixture
def plant(server: Restartable) -> Restartable:
    """The user ann is an admin; the point air has five samples."""
    user("ann", "admin")
    storages["default"].his_write("air", numbers(5, at("2024-03-01 12:00")))
    return server


def test_remove_and_restore_seen_in_another_window(
    browser: Any, plant: Restartable
) -> None:
    with (
        window(browser, plant, "ann") as page,
        window(browser, plant, "alice") as other,
    ):
        panel = opened(page, plant)
        opened(other, plant)
        panel.get_by_role("button", name="Remove").click()
        question = panel.get_by_role("group", name="Removal")
        expect(question).to_contain_text("No entity refers to it. 5 samples stay")
        question.get_by_role("button", name="Move to the trash").click()
        expect(page.locator("#detail")).to_be_hidden()
        for one in (page, other):
            expect(one.locator("#rows tr")).to_have_count(2)
        assert stored("air")["hisSize"] == Number(5)

        page.get_by_role("button", name="Trash").click()
        row = page.locator("#trashed tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("5 samples")
        row.get_by_text("Air", exact=True).click()
        expect(row).to_contain_text("unit: °F")
        row.get_by_role("button", name="Restore Air").click()
        expect(page.locator("#trash-note")).to_contain_text("Air is restored.")
        for one in (page, other):
            expect(one.locator("#rows tr")).to_have_count(3)
        assert "trash" not in stored("air")


def test_equipment_with_what_refers_to_it(browser: Any, plant: Restartable) -> None:
    store = storages["default"]
    with window(browser, plant, "ann") as page:
        panel = opened(page, plant, "ahu")
        panel.get_by_role("button", name="Remove").click()
        question = panel.get_by_role("group", name="Removal")
        expect(question).to_contain_text("3 entities refer to it: Air, Fan, <img")
        question.get_by_role("button", name="Move it and the 3 that refer to").click()
        expect(page.locator("#rows tr")).to_have_count(0)
        assert store.count("trash") == 4
        [*changes] = store.logged_commit(store.changes_of("ahu", 1)[0].cursor or 0)
        assert len(changes) == 4

        page.get_by_role("button", name="Trash").click()
        expect(page.locator("#trashed tr")).to_have_count(4)
        assert page.locator("main img").count() == 0
        page.get_by_role("button", name=f"Remove {HOSTILE}").click()
        ask = page.get_by_role("group", name="Removal for good")
        ask.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Empty the trash").click()
        ask.get_by_role("button", name="Remove for good").click()
        expect(page.locator("#trash-note")).to_contain_text("4 removed.")
        assert store.read_by_ids(["ahu", "air"]) == [None, None]


def test_what_is_used_stays(browser: Any, plant: Restartable) -> None:
    store = storages["default"]
    store.trash_entities([{"id": Ref("ahu")}], force=True)
    with window(browser, plant, "ann") as page:
        page.goto(f"{plant.server.root}/explore/?filter=point&list=trash")
        page.get_by_role("button", name="Empty the trash").click()
        ask = page.get_by_role("group", name="Removal for good")
        ask.get_by_role("button", name="Remove for good").click()
        expect(ask).to_contain_text("Not removed: ")
        assert "trash" in store.existing("ahu")
        ask.get_by_role("button", name="Remove anyway").click()
        expect(page.locator("#trash-note")).to_contain_text("1 removed.")
        assert store.read_by_ids(["ahu"]) == [None]


def test_a_changed_entity_is_not_removed(browser: Any, plant: Restartable) -> None:
    """The removal reads the entity again; what is refused is said."""
    with window(browser, plant, "ann") as page:
        panel = opened(page, plant)
        panel.get_by_role("button", name="Remove").click()
        question = panel.get_by_role("group", name="Removal")
        expect(question).to_contain_text("No entity refers to it.")
        storages["default"].commit([], remove=["air"])
        question.get_by_role("button", name="Move to the trash").click()
        expect(question.get_by_role("alert")).to_contain_text("unknown entity")


def test_operators_on_a_phone_find_no_control(browser: Any, plant: Restartable) -> None:
    size = {"width": 390, "height": 844}
    with window(browser, plant, "alice", viewport=size) as page:
        panel = opened(page, plant)
        assert not panel.get_by_role("button", name="Remove").is_visible()
        page.get_by_role("button", name="Close").click()
        assert not page.get_by_role("button", name="Trash").is_visible()
