"""What the content of a dashboard may be, and what is said about what it may not."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from haystack_app import demo
from haystack_app.models.dashboard_content import check_content, check_range

TILE = {"kind": "chart", "filter": "point and his"}


def problems(content: Any) -> list[str]:
    try:
        check_content(content)
    except ValidationError as err:
        return err.messages
    return []


def in_section(tile: Any, **section: Any) -> dict[str, Any]:
    return {"sections": [{**section, "tiles": [tile]}]}


def test_dashboards_of_the_demo_are_valid() -> None:
    assert len(demo.DASHBOARDS) == 3
    for values in demo.DASHBOARDS:
        check_content(values["content"])
        check_range(values["range"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], 'must be an object, not "[]"'),
        ({"tile": 1}, 'unknown member "tile"'),
        ({"sections": {}}, "sections: must be a list of at most 20"),
        ({"sections": [1]}, 'section 1: must be an object, not "1"'),
        ({"sections": [{"tiles": 1}]}, "section 1: tiles must be a list"),
        ({"subject": "site and"}, "subject: not a Haystack filter: "),
        (in_section(1), 'section 1, tile 1: must be an object, not "1"'),
        (in_section({**TILE, "x": 1}), 'section 1, tile 1: unknown member "x"'),
        (
            in_section({**TILE, "kind": "pie"}),
            "section 1, tile 1: kind must be one of chart, table, number, not",
        ),
        (in_section({**TILE, "width": 13}), "section 1, tile 1: width must be 1 to 12"),
        (in_section({**TILE, "height": True}), "height must be 1 to 8, not"),
        (in_section({"kind": "table"}), "section 1, tile 1, filter: not a Haystack"),
        (in_section({**TILE, "columns": ["a b"]}), "is not the name of a tag"),
        (in_section({**TILE, "fold": "mode"}), "fold must be one of value, count, sum"),
        (in_section({**TILE, "title": 5}), "title must be a text of at most 200"),
        (in_section({**TILE, "filter": "a==$each"}), "filter: there is no $each here"),
        (in_section(TILE, each="a==$subject"), "each: there is no $subject here"),
        ({"subject": "a\0"}, "U+0000 is not allowed in texts"),
        ({"subject": "x" * 70_000}, "more than 64,000 bytes of JSON"),
        ({"subject": "\ud800"}, "not JSON: "),
    ],
)
def test_errors_say_where(content: Any, said: str) -> None:
    found = problems(content)
    assert len(found) == 1
    assert said in found[0]


def test_variables() -> None:
    tile = {**TILE, "filter": "point and siteRef==$subject and equipRef==$each"}
    content = in_section(tile, each="ahu and siteRef==$subject")
    assert problems({"subject": "site", **content}) == []


def test_no_more_than_sixty_tiles() -> None:
    sections = [{"tiles": [TILE] * 31}, {"tiles": [TILE] * 30}]
    assert problems({"sections": sections}) == ["61 tiles: at most 60 are allowed"]


@pytest.mark.parametrize("text", ["today", "7d", "2026-11-01..2026-11-09"])
def test_ranges(text: str) -> None:
    check_range(text)


def test_other_ranges() -> None:
    with pytest.raises(ValidationError, match='"soon" is not a range: give one of'):
        check_range("soon")
