"""Tasks in the browser, in as few clicks as ``docs/explorer.md`` says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from haystack_app.auth.permissions import scope_filter
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import GroupScope, Token
from haystack_app.storage.handler import storages
from tests.api.conftest import user
from tests.explorer.conftest import window
from tests.explorer.test_editing import stored
from tests.live.processes import Restartable
from tests.storage.building import entity, point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

WIDE, NARROW = ({"width": width, "height": 900} for width in (1280, 390))
PAGE = Path(__file__).parents[2] / "docs" / "explorer.md"
MOST = {
    "override a point and release it": 4,
    "edit a tag": 4,
    "add a point": 6,
    "tag all matches": 6,
    "undo a commit": 3,
    "make a user for one site": 8,
    "make a token of one's own": 4,
}
EDITORS = pytest.mark.parametrize("who", ["ann", "tina"])
"""An admin, and one of a tenant that has the hall."""


class Walk:
    """Counts what a person clicks, also on a field that has not got the focus.

    To choose from a list is two clicks; typing and the Tab key are none.
    """

    def __init__(self, page: Any) -> None:
        self.page, self.clicks = page, 0

    def click(self, target: Any, **options: Any) -> None:
        self.clicks += 1
        target.click(**options)

    def choose(self, target: Any, option: str) -> None:
        self.clicks += 2
        target.select_option(option)

    def type(self, target: Any, text: str) -> None:
        if not target.evaluate("field => field === document.activeElement"):
            self.click(target)
        target.fill(text)

    def took(self, task: str) -> None:
        assert self.clicks == documented()[task] <= MOST[task]


def documented() -> dict[str, int]:
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \|", PAGE.read_text(), re.MULTILINE)
    return {task: int(clicks) for task, clicks in rows}


@pytest.fixture
def plant(server: Restartable) -> Restartable:
    """With another site, and a tenant that has the first one."""
    store = storages["default"]
    store.load_entities(
        [
            entity("annex", site=MARKER, dis="Annex"),
            point("away", siteRef=Ref("annex"), cur=MARKER, dis="Away"),
        ]
    )
    user("ann", "admin")
    group = Group.objects.create(name="hall")
    GroupScope.objects.create(group=group, filter="siteRef == @hall or id == @hall")
    user("tina", "admin").groups.add(group)
    return server


def explore(page: Any, plant: Restartable, search: str) -> Any:
    page.goto(f"{plant.server.root}/explore/?{search}")
    expect(page.locator("#connection")).to_have_text("Live", timeout=60_000)
    expect(page.locator("#rows tr").first).to_be_attached()
    return page.locator("#detail")


def row(page: Any, name: str) -> Any:
    return page.locator("#rows").get_by_role("button", name=name, exact=True)


def test_every_task_is_documented() -> None:
    assert documented().keys() >= MOST.keys()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_override_and_release(browser: Any, plant: Restartable, size: Any) -> None:
    with (
        window(browser, plant, "alice", viewport=size) as page,
        window(browser, plant, "alice") as other,
    ):
        explore(other, plant, "filter=writable&list=overrides")
        panel = explore(page, plant, "filter=writable")
        walk = Walk(page)
        walk.click(row(page, "Fan"))
        walk.type(page.locator("#override").get_by_label("Value"), "50")
        walk.click(panel.get_by_role("button", name="Override"))
        expect(panel.locator("#levels tr")).to_contain_text("850°F")
        expect(other.locator("#overridden tr")).to_contain_text("50°F @ 8")
        walk.click(panel.get_by_role("button", name="Release level 8"))
        expect(panel.locator("#levels")).to_have_text("Nothing is written.")
        expect(other.locator("#overridden tr")).to_have_count(0)
        walk.took("override a point and release it")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@EDITORS
def test_edit_a_tag(browser: Any, plant: Restartable, who: str) -> None:
    with (
        window(browser, plant, who, viewport=WIDE) as page,
        window(browser, plant, "alice") as other,
    ):
        explore(other, plant, "filter=point")
        panel = explore(page, plant, "filter=point")
        walk = Walk(page)
        walk.click(row(page, "Air"))
        walk.click(panel.get_by_role("button", name="Edit tags"))
        walk.click(panel.get_by_role("button", name="Edit dis"))
        walk.type(panel.get_by_label("dis", exact=True), "Fresh")
        walk.click(panel.get_by_role("button", name="Save"))
        expect(row(other, "Fresh")).to_be_visible()
        walk.took("edit a tag")


@EDITORS
def test_add_a_point(browser: Any, plant: Restartable, who: str) -> None:
    with (
        window(browser, plant, who, viewport=WIDE) as page,
        window(browser, plant, "alice") as other,
    ):
        explore(other, plant, "filter=point")
        panel = explore(page, plant, "filter=equip")
        walk = Walk(page)
        walk.click(row(page, "Hall AHU"))
        walk.click(panel.get_by_role("button", name="Add to it"))
        form = page.locator("#add-form")
        expect(form.get_by_label("equipRef")).to_have_value("@ahu")
        walk.type(form.get_by_label("Name", exact=True), "Return")
        walk.type(form.get_by_label("unit", exact=True), "°F")
        walk.type(form.get_by_label("More markers"), "return air temp sensor")
        walk.click(form.get_by_role("button", name="Add"))
        expect(row(other, "Return")).to_be_visible()
        [made] = storages["default"].read("return and air and temp and sensor")
        assert (made["siteRef"].id, made["equipRef"].id) == ("hall", "ahu")
        walk.took("add a point")


@EDITORS
def test_tag_all_matches(browser: Any, plant: Restartable, who: str) -> None:
    with (
        window(browser, plant, who, viewport=WIDE) as page,
        window(browser, plant, "alice") as other,
    ):
        explore(other, plant, "filter=point+and+hvac+or+site")
        explore(page, plant, "filter=point+and+cur")
        bulk, walk = page.locator("#bulk"), Walk(page)
        walk.click(bulk.get_by_text("Change all matches"))
        walk.type(bulk.get_by_label("Tag", exact=True), "hvac")
        walk.click(bulk.get_by_role("button", name="Preview"))
        count = 3 if who == "tina" else 4
        walk.click(bulk.get_by_role("button", name=f"Change {count} entities"))
        expect(other.locator("#rows tr")).to_have_count(2 + count)
        assert ("hvac" in stored("away")) == (who == "ann")
        walk.took("tag all matches")


@EDITORS
def test_undo(browser: Any, plant: Restartable, who: str) -> None:
    names = [{"id": Ref(id), "dis": "Wrong"} for id in ("air", "fan")]
    storages["default"].update_entities(names, force=True, who="bob")
    with (
        window(browser, plant, who, viewport=WIDE) as page,
        window(browser, plant, "alice") as other,
    ):
        explore(other, plant, "filter=point")
        panel = explore(page, plant, "filter=point&id=air")
        walk = Walk(page)
        walk.click(panel.get_by_text("Changes", exact=True))
        first = panel.locator("#change-list li").first
        walk.click(first.get_by_role("button", name="Undo the change"))
        walk.click(first.get_by_role("button", name="Undo all 2 entities"))
        expect(row(other, "Fan")).to_be_visible()
        expect(row(other, "Air")).to_be_visible()
        walk.took("undo a commit")


def test_a_user_for_one_site(browser: Any, plant: Restartable) -> None:
    user("root", is_superuser=True, is_staff=True)
    with window(browser, plant, "root", viewport=WIDE) as page:
        page.goto(f"{plant.server.root}/admin/")
        walk = Walk(page)
        added = page.locator("#content-main tr.model-group .addlink")
        walk.click(added)
        page.get_by_label("Name:").press_sequentially("annex people")
        page.locator("#id_haystack_scope-0-filter").fill(
            "siteRef == @annex or id == @annex"
        )
        walk.click(page.locator("[name=_save]"))
        expect(page.locator("#nav-sidebar tr.model-user .addlink")).to_be_visible()
        walk.click(page.locator("#nav-sidebar tr.model-user .addlink"))
        page.get_by_label("Username:").fill("nina")
        page.locator("[name=password1]").fill("long-enough-1")
        page.locator("[name=password2]").fill("long-enough-1")
        walk.click(page.locator("[name=_save]"))
        groups = page.locator("#id_groups_from")
        walk.click(groups.get_by_text("annex people"))
        walk.click(groups.get_by_text("viewer"), modifiers=["ControlOrMeta"])
        walk.click(page.locator("#id_groups_add, #id_groups_add_link").first)
        walk.click(page.locator("[name=_save]"))
        expect(page.locator(".messagelist .success")).to_contain_text("nina")
        walk.took("make a user for one site")
    nina = User.objects.get(username="nina")
    assert scope_filter(nina) is not None and nina.has_perm("haystack_app.view_entity")
    with window(browser, plant, "nina", viewport=NARROW) as page:
        explore(page, plant, "filter=point")
        expect(page.locator("#rows tr")).to_have_count(1)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_token(browser: Any, plant: Restartable, size: Any) -> None:
    with window(browser, plant, "alice", viewport=size) as page:
        page.goto(f"{plant.server.root}/")
        walk = Walk(page)
        walk.click(page.get_by_role("link", name="alice"))
        tokens = page.get_by_role("region", name="Tokens for programs")
        walk.type(tokens.get_by_label("Purpose"), "meter")
        walk.click(tokens.get_by_role("button", name="Create token"))
        expect(page.locator("#secret")).to_be_visible()
        assert Token.objects.get(name="meter").scope == Token.READ
        walk.took("make a token of one's own")


def test_without_the_right_there_is_no_control(
    browser: Any, plant: Restartable
) -> None:
    """Viewers; the API refuses them, which its own tests show."""
    user("vera", "viewer")
    store = storages["default"]
    store.point_write("fan", 8, Number(1), "joe")
    with window(browser, plant, "vera", viewport=WIDE) as page:
        panel = explore(page, plant, "filter=point&id=fan")
        expect(panel.locator("#levels tr")).to_have_count(1)
        panel.get_by_text("Changes", exact=True).click()
        expect(panel.locator("#change-list li").first).to_be_visible()
        for name in (
            *("Override", "Release", "Edit tags", "Undo", "Remove", "Copy", "Move"),
            *("Add to it", "Save"),
        ):
            for button in panel.get_by_role("button", name=name, exact=True).all():
                assert not button.is_visible(), name
        for name in ("Add", "Trash", "Change all matches"):
            for button in page.get_by_text(name, exact=True).all():
                assert not button.is_visible(), name
