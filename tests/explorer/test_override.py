"""Overriding points in the explorer, and who may."""

from __future__ import annotations

import re
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.explorer.conftest import HOSTILE, window
from tests.live.processes import Restartable
from tests.storage.building import point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect


@pytest.fixture
def plant(server: Restartable) -> Restartable:
    """With a writable point of each kind."""
    tags = {"siteRef": Ref("hall"), "equipRef": Ref("ahu"), "cur": MARKER}
    tags |= {"writable": MARKER, "curTracksWrite": MARKER}
    limits = {"minVal": Number(40, "°F"), "maxVal": Number(90, "°F"), "unit": "°F"}
    names = f"auto,{HOSTILE}"
    storages["default"].load_entities(
        [
            point("set", dis="Set Point", **tags | limits),
            point("run", dis="Run", **tags | {"kind": "Bool", "enum": "off,on"}),
            point("mode", dis="Mode", **tags | {"kind": "Str", "enum": names}),
        ]
    )
    return server


def opened(page: Any, server: Restartable, search: str = "filter=writable") -> Any:
    page.goto(f"{server.server.root}/explore/?{search}")
    expect(page.locator("#connection")).to_have_text("Live")
    return page.locator("#override")


def written(page: Any, id: str) -> Any:
    return page.locator(f'tr[data-id="{id}"] .written')


def test_override_and_release_seen_in_another_window(
    page: Any, browser: Any, plant: Restartable
) -> None:
    panel = opened(page, plant)
    with window(browser, plant, "alice") as other:
        opened(other, plant, "filter=writable&list=overrides")
        overridden = other.locator("#overridden tr")
        expect(other.locator("#overrides-note")).to_have_text("0 points")

        page.locator("#rows").get_by_role("button", name="Set Point").click()
        value = panel.get_by_label("Value")
        value.fill("95")
        panel.get_by_role("button", name="Override").click()
        assert value.evaluate("field => field.validity.rangeOverflow")
        value.fill("72.5")
        panel.get_by_label("Reason").fill(HOSTILE)
        panel.get_by_role("button", name="Override").click()

        expect(panel.locator("#levels tr")).to_have_text(
            [re.compile(rf"^872\.5°Falice: {re.escape(HOSTILE)}\d\d:\d\d.*\d\d:\d\d$")]
        )
        expect(page.locator("#detail-value")).to_have_text("72.5°F")
        expect(written(other, "set")).to_have_text("72.5°F @ 8")
        expect(overridden).to_have_count(1)
        expect(overridden).to_contain_text(f"72.5°F @ 8alice: {HOSTILE}")
        assert other.locator("main img").count() == 0

        panel.get_by_role("button", name="Release").click()
        expect(panel.locator("#levels")).to_have_text("Nothing is written.")
        expect(written(other, "set")).to_have_text("")
        expect(overridden).to_have_count(0)
        expect(panel.get_by_role("button", name="Release")).to_be_hidden()

        plant.post("pointWrite", "id,level,val,who", '@run,8,T,"Bob"')
        expect(overridden).to_contain_text("on @ 8Bob (alice)")
        overridden.get_by_role("button", name="Release Run").click()
        expect(overridden).to_have_count(0)


def test_level_1_and_the_history_of_writes(browser: Any, plant: Restartable) -> None:
    user("ann", "admin")
    with (
        window(browser, plant, "ann") as page,
        window(browser, plant, "alice") as other,
    ):
        panel = opened(page, plant, "filter=writable&id=set")
        panel.get_by_label("Value").fill("50")
        panel.get_by_role("combobox", name="Level").select_option("1 (emergency)")
        assert panel.get_by_label("For").is_disabled()
        panel.get_by_label("Reason").fill("fire")
        panel.get_by_role("button", name="Override").click()
        expect(panel.locator("#levels tr")).to_contain_text("150°Fann: fire")
        panel.get_by_text("History of writes").click()
        lines = panel.locator("#point-write-list li")
        expect(lines).to_have_text(re.compile("level 1 set to 50°F by ann: fire$"))

        # operators see it, and cannot release it
        theirs = opened(other, plant, "filter=writable&id=set")
        expect(theirs.locator("#levels tr")).to_contain_text("150°Fann: fire")
        assert theirs.get_by_role("combobox", name="Level").count() == 0
        assert not theirs.get_by_role("button", name="Release").is_visible()
        other.get_by_role("button", name="Overridden now").click()
        expect(other.locator("#overridden tr")).to_contain_text("50°F @ 1")
        assert not other.locator("#overridden").get_by_text("Release").is_visible()

        panel.get_by_role("button", name="Release level 1").click()
        expect(panel.locator("#levels")).to_have_text("Nothing is written.")
        expect(lines.first).to_have_text(re.compile("level 1 released by ann$"))
        expect(other.locator("#overrides-note")).to_have_text("0 points")


def test_the_list_of_writes(page: Any, plant: Restartable) -> None:
    plant.post("pointWrite", "id,level,val,who", f'@run,8,T,"{HOSTILE}"')
    opened(page, plant)
    page.get_by_role("button", name="Writes").click()
    row = page.locator("#written-rows tr")
    expect(row).to_contain_text(f"level 8 set to true{HOSTILE} (alice)")
    assert page.locator("main img").count() == 0
    row.get_by_role("button", name="Run").click()
    expect(page.locator("#detail-name")).to_have_text("Run")


def test_each_kind_has_its_input(page: Any, plant: Restartable) -> None:
    panel = opened(page, plant)
    page.locator("#rows").get_by_role("button", name="Run").click()
    panel.get_by_label("Value").select_option("on")
    panel.get_by_label("For").select_option("Until released")
    panel.get_by_role("button", name="Override").click()
    expect(written(page, "run")).to_have_text("true @ 8")
    expect(panel.locator("#levels td").nth(3)).to_have_text("")
    page.locator("#rows").get_by_role("button", name="Mode").click()
    panel.get_by_label("Value").select_option(HOSTILE)
    panel.get_by_role("button", name="Override").click()
    expect(written(page, "mode")).to_have_text(f"{HOSTILE} @ 8")
    assert page.locator("main img").count() == 0


def test_by_keyboard_alone(page: Any, plant: Restartable) -> None:
    panel = opened(page, plant)
    row = page.locator("#rows").get_by_role("button", name="Set Point")
    expect(row).to_be_visible()

    def tab_to(target: Any) -> None:
        for _ in range(60):
            if target.evaluate("found => found === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached")

    tab_to(row)
    page.keyboard.press("Enter")
    expect(page.locator("#detail-name")).to_be_focused()
    expect(panel.get_by_label("Value")).to_be_visible()
    tab_to(panel.get_by_label("Value"))
    page.keyboard.type("71")
    page.keyboard.press("Enter")
    expect(written(page, "set")).to_have_text("71°F @ 8")
    tab_to(panel.get_by_role("button", name="Release"))
    page.keyboard.press("Space")
    expect(written(page, "set")).to_have_text("")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(row).to_be_focused()


def test_what_the_server_refuses_is_said(page: Any, plant: Restartable) -> None:
    panel = opened(page, plant)
    page.locator("#rows").get_by_role("button", name="Set Point").click()
    value = panel.get_by_label("Value")
    value.fill("95")
    value.evaluate("field => field.removeAttribute('max')")
    panel.get_by_role("button", name="Override").click()
    expect(panel.locator("#override-problem")).to_contain_text("at most 90°F")
    expect(panel.locator("#levels")).to_have_text("Nothing is written.")


def test_viewers_see_what_is_written_and_no_control(
    browser: Any, plant: Restartable
) -> None:
    user("vera", "viewer")
    plant.post("pointWrite", "id,level,val", "@set,8,55°F")
    with window(browser, plant, "vera") as page:
        panel = opened(page, plant, "filter=writable&id=set")
        expect(panel.locator("#levels tr")).to_contain_text("855°Falice")
        expect(panel.get_by_role("button")).to_have_count(0)
        expect(panel.get_by_role("textbox")).to_have_count(0)
        page.get_by_role("button", name="Overridden now").click()
        expect(page.locator("#overridden tr")).to_contain_text("55°F @ 8")
        expect(page.locator("#overridden").get_by_text("Release")).to_be_hidden()
        refused = page.evaluate(
            """async () => {
                const { Live, gridOf, refOf } = await import(
                    document.querySelector("script[src*='explorer/main']").src.replace(
                        "explorer/main.js", "live.js"));
                const call = (live, resolve) => live.call("pointWrite",
                    gridOf([{ id: refOf("set"), level: 8 }])).then(
                        () => resolve("written"), (error) => resolve(error.status));
                return new Promise((resolve) => {
                    const live = new Live({ onStatus: ({ state }) =>
                        state === "open" && call(live, resolve) });
                });
            }"""
        )
        assert refused == 403
