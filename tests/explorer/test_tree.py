"""The tree of the explorer: spaces, equipment by type and nested, points, counts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.handler import storages
from tests.explorer.conftest import HOSTILE
from tests.live.processes import Restartable
from tests.storage.building import entity, point

playwright = pytest.importorskip("playwright.sync_api")
expect: Any = playwright.expect

AT_HALL = {"siteRef": Ref("hall")}


@pytest.fixture
def tree(page: Any, server: Restartable) -> Any:
    """Twelve VAV boxes, a plant with a pump with a point, a room in a floor."""
    rows = [
        entity(f"v{n}", equip=MARKER, vav=MARKER, navName=f"VAV {n}", **AT_HALL)
        for n in range(12)
    ]
    rows += [
        entity("plant", equip=MARKER, plant=MARKER, dis=HOSTILE, **AT_HALL),
        entity("pump", equip=MARKER, navName="Pump", equipRef=Ref("plant"), **AT_HALL),
        point("flow", navName="Flow", equipRef=Ref("pump"), **AT_HALL),
        entity("f1", space=MARKER, floor=MARKER, navName="Floor", **AT_HALL),
        entity("r1", space=MARKER, navName="Room", spaceRef=Ref("f1"), **AT_HALL),
        point("lux", navName="Lux", spaceRef=Ref("r1"), **AT_HALL),
        point("loose", navName="Loose", **AT_HALL),
    ]
    storages["default"].load_entities(rows)
    page.goto(f"{server.server.root}/explore/")
    found = page.locator("#tree")
    expect(found.locator("> li")).to_have_text(["Hall 6"])
    return found


def open_node(tree: Any, name: str) -> None:
    tree.get_by_role("button", name=f"Contents of {name}", exact=True).click()


def test_nodes_are_by_type_and_have_counts(tree: Any, page: Any) -> None:
    open_node(tree, "Hall")
    nodes = tree.locator("> li > ul > li > div")
    expect(nodes).to_have_text(
        ["Spaces 1", "Air handlers 1", "VAV boxes 12", "Plants 1", "Points 1"]
    )
    open_node(tree, "Air handlers")
    expect(tree.get_by_role("button", name="Hall AHU 3", exact=True)).to_be_visible()
    open_node(tree, "Plants")
    open_node(tree, HOSTILE)
    open_node(tree, "Pump")
    expect(tree.get_by_role("button", name="Flow", exact=True)).to_be_visible()
    open_node(tree, "Spaces")
    open_node(tree, "Floor")
    open_node(tree, "Room")
    expect(tree.get_by_role("button", name="Lux", exact=True)).to_be_visible()
    assert page.locator("main img").count() == 0
    tree.get_by_role("button", name="VAV boxes 12").click()
    expect(page.locator("#filter")).to_have_value("vav and siteRef==@hall")
    expect(page.locator("#rows tr")).to_have_count(12)
    tree.get_by_role("button", name="Room", exact=True).click()
    expect(page.locator("#rows th")).to_have_text(["Lux"])


@pytest.mark.parametrize(
    ("id", "above"),
    [
        ("flow", ["Hall", "Plants", HOSTILE, "Pump"]),
        ("lux", ["Hall", "Spaces", "Floor", "Room"]),
        ("loose", ["Hall", "Points"]),
        ("v7", ["Hall", "VAV boxes"]),
    ],
)
def test_it_is_opened_to_what_is_selected(
    tree: Any, page: Any, server: Restartable, id: str, above: list[str]
) -> None:
    page.goto(f"{server.server.root}/explore/?id={id}")
    current = tree.locator("[aria-current]")
    expect(current).to_have_text(re.compile("Flow|Lux|Loose|VAV 7"))
    for name in above:
        toggle = tree.get_by_role("button", name=f"Contents of {name}", exact=True)
        expect(toggle).to_have_attribute("aria-expanded", "true")
    page.goto(f"{server.server.root}/explore/?id=nosuch")
    expect(page.locator("#detail-age")).to_contain_text("does not exist")
    expect(current).to_have_count(0)


def test_circles_end(tree: Any, page: Any, server: Restartable) -> None:
    storages["default"].load_entities(
        [
            entity("a", equip=MARKER, dis="A", equipRef=Ref("b")),
            entity("b", equip=MARKER, dis="B", equipRef=Ref("a")),
        ]
    )
    page.goto(f"{server.server.root}/explore/?id=a")
    expect(page.locator("#detail-name")).to_have_text("A")
    expect(tree.locator("> li")).to_have_text(["Hall 6"])


def test_keys_open_nodes(tree: Any, page: Any) -> None:
    tree.get_by_role("button", name="Contents of Hall").focus()
    page.keyboard.press("Enter")
    expect(tree.get_by_role("button", name="Spaces 1")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(tree.get_by_role("button", name="Spaces 1")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#filter")).to_have_value("space and siteRef==@hall")
