"""Adding, copying and moving entities in the explorer, and values of each kind."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app.kinds import MARKER, DateTime, Grid, Number, Ref
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.explorer.conftest import HOSTILE, window
from tests.explorer.test_editing import opened, stored
from tests.live.processes import Restartable
from tests.storage.building import entity

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


@pytest.fixture
def plant(server: Restartable) -> Restartable:
    """The user ann is an admin; there is a second site."""
    user("ann", "admin")
    row = entity("annex", site=MARKER, dis="Annex")
    storages["default"].load_entities([row])
    return server


def test_add_a_point_in_three_clicks(browser: Any, plant: Restartable) -> None:
    with (
        window(browser, plant, "ann") as page,
        window(browser, plant, "alice") as other,
    ):
        other.goto(f"{plant.server.root}/explore/?filter=point")
        expect(other.locator("#rows tr")).to_have_count(3)
        page.goto(f"{plant.server.root}/explore/?filter=equip")
        page.locator("#rows").get_by_role("button", name="Hall AHU").click()
        page.get_by_role("button", name="Add to it").click()
        form = page.locator("#add-form")
        expect(page.locator("#add-note")).to_have_text("In Hall AHU")
        expect(form.get_by_label("equipRef")).to_have_value("@ahu")
        expect(form.get_by_label("siteRef")).to_have_value("@hall")
        form.get_by_label("Name", exact=True).fill(HOSTILE)
        form.get_by_label("unit", exact=True).fill("°F")
        form.get_by_label("More markers").fill("discharge air temp")
        form.get_by_label("Id", exact=True).fill("ahu.new")
        form.get_by_role("button", name="Add").click()
        expect(page.locator("#detail-name")).to_have_text(HOSTILE)
        expect(other.locator("#rows tr")).to_have_count(4)
        made = stored("ahu.new")
        assert made.keys() >= {"point", "discharge", "air", "temp"}
        assert (made["kind"], made["unit"], made["siteRef"].id) == (
            *("Number", "°F"),
            "hall",
        )
        assert page.locator("main img").count() == 0


def test_add_equipment_of_a_def(browser: Any, plant: Restartable) -> None:
    with window(browser, plant, "ann") as page:
        page.goto(f"{plant.server.root}/explore/?filter=site")
        page.get_by_role("button", name="Add", exact=True).click()
        form = page.locator("#add-form")
        form.get_by_label("Type").select_option("Equipment")
        form.get_by_label("Def", exact=True).select_option("rtu")
        expect(
            form.locator("label", has_text="ahu").get_by_role("checkbox")
        ).to_be_checked()
        form.get_by_label("Name", exact=True).fill("Roof")
        form.get_by_label("siteRef").fill("anne")  # words find the site
        option = form.locator("label", has_text="siteRef").locator("option")
        expect(option).to_have_attribute("value", "@annex")
        form.get_by_label("siteRef").fill("@annex")
        form.get_by_role("button", name="Add").click()
        expect(page.locator("#detail-name")).to_have_text("Roof")
        [made] = storages["default"].read("rtu and ahu and equip")
        assert made["siteRef"].id == "annex"


def test_a_wrong_value_is_said(browser: Any, plant: Restartable) -> None:
    with window(browser, plant, "ann") as page:
        page.goto(f"{plant.server.root}/explore/?filter=site&list=add")
        form = page.locator("#add-form")
        form.get_by_label("Id", exact=True).fill("hall")
        form.get_by_role("button", name="Add").click()
        expect(page.locator("#add-problem")).to_contain_text("@hall already exists")
        form.get_by_label("More markers").fill("Not_a_tag")
        form.get_by_role("button", name="Add").click()
        expect(page.locator("#add-problem")).to_contain_text("Not_a_tag")


def test_copy_equipment_with_its_points(browser: Any, plant: Restartable) -> None:
    with window(browser, plant, "ann") as page:
        panel = opened(page, plant, "ahu")
        panel.get_by_role("button", name="Copy").click()
        panel.get_by_label("Name of the copy").fill("Annex AHU")
        panel.get_by_role("button", name="Preview").click()
        result = panel.get_by_role("group", name="Copy or move")
        expect(result.locator("li")).to_have_count(4)
        result.get_by_role("button", name="Copy 4 entities").click()
        expect(page.locator("#detail-name")).to_have_text("Annex AHU")
        [made] = storages["default"].read('dis == "Annex AHU"')
        points = storages["default"].read(f"equipRef == @{made['id'].id}")
        assert {one["dis"] for one in points} == {"Air", "Fan", HOSTILE}
        assert page.locator("main img").count() == 0


def test_move_equipment_and_undo(browser: Any, plant: Restartable) -> None:
    with window(browser, plant, "ann") as page:
        panel = opened(page, plant, "ahu")
        panel.get_by_role("button", name="Move", exact=True).click()
        panel.get_by_label("siteRef").fill("@annex")
        panel.get_by_role("button", name="Preview").click()
        result = panel.get_by_role("group", name="Copy or move")
        expect(result.locator("li").first).to_contain_text("siteRef: Hall → ")
        assert stored("air")["siteRef"].id == "hall"
        panel.get_by_label("equipRef").fill("@ahu")
        panel.get_by_role("button", name="Preview").click()
        expect(result.get_by_role("alert")).to_contain_text("in what is to be moved")
        panel.get_by_label("equipRef").fill("")
        panel.get_by_role("button", name="Preview").click()
        result.get_by_role("button", name="Move 4 entities").click()
        expect(result).to_have_text("4 entities moved.")
        assert stored("air")["siteRef"].id == "annex"
        expect(panel.locator("#tags")).to_contain_text("Annex")
        panel.get_by_text("Changes", exact=True).click()
        first = panel.locator("#change-list li").first
        first.get_by_role("button", name="Undo the change").click()
        first.get_by_role("button", name="Undo all 4 entities").click()
        expect(panel.locator("#changes-note")).to_have_text("4 set back.")
        assert stored("air")["siteRef"].id == "hall"


def test_values_with_pickers(browser: Any, plant: Restartable) -> None:
    """Times, lists, dicts and grids; what is not touched stays as it is."""
    at = DateTime(dt.datetime(2024, 7, 1, 16, 0, 0, 123456, dt.UTC), "New_York")
    odd = {"id": Ref("air"), "since": at}
    storages["default"].update_entities([odd], force=True)
    with window(browser, plant, "ann") as page:
        panel = opened(page, plant)
        panel.get_by_role("button", name="Edit tags").click()
        panel.get_by_role("button", name="Edit since").click()
        field = panel.get_by_label("since", exact=True)
        expect(field).to_have_value("2024-07-01T12:00")
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_label("Name of a new tag")).to_be_visible()
        assert stored("air")["since"] == at
        panel.get_by_role("button", name="Edit since").click()
        field.fill("2024-01-01T12:00:00")
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_label("Name of a new tag")).to_be_visible()
        assert stored("air")["since"].utc == dt.datetime(2024, 1, 1, 17, tzinfo=dt.UTC)

        def add(name: str, kind: str, value: str) -> None:
            panel.get_by_label("Name of a new tag").fill(name)
            panel.get_by_label("Kind", exact=True).select_option(kind)
            panel.get_by_label("Value", exact=True).fill(value)
            panel.get_by_role("button", name="Save").click()

        for kind, wrong, said in (
            ("List", "{}", "this is not a List: write"),
            ("Dict", "[]", "this is not a Dict: write"),
            ("Grid", 'ver:"3.0"\na,b\n1,20xy', "line 3"),
        ):
            add("some", kind, wrong)
            expect(panel.locator("#tag-problem")).to_contain_text(said)
        grid = 'ver:"3.0" note:"of 2024"\na\n20°C'
        for name, kind, value in (
            ("names", "List", '["a", 2]'),
            ("limits", "Dict", '{"low": 1}'),
            ("plan", "Grid", grid),
        ):
            add(name, kind, value)
            expect(panel.locator("#tags")).to_contain_text(name)
        found = stored("air")
        assert found["names"] == ["a", Number(2)]
        assert found["limits"] == {"low": Number(1)}
        assert isinstance(found["plan"], Grid)
        assert list(found["plan"].rows) == [{"a": Number(20, "°C")}]
        assert found["plan"].meta["note"] == "of 2024"
        panel.get_by_role("button", name="Edit plan").click()
        field = panel.get_by_label("plan", exact=True)
        expect(field).to_have_value(grid)
        field.fill(grid.replace("20", "21"))
        panel.get_by_role("button", name="Save").click()
        expect(panel.get_by_label("Name of a new tag")).to_be_visible()
        assert list(stored("air")["plan"].rows) == [{"a": Number(21, "°C")}]


def test_operators_find_no_form(page: Any, plant: Restartable) -> None:
    panel = opened(page, plant, "ahu")
    for name in ("Add to it", "Copy", "Move", "Remove", "Edit tags"):
        button = panel.get_by_role("button", name=name, exact=True)
        assert not button.is_visible()
    assert not page.get_by_role("button", name="Add", exact=True).is_visible()
