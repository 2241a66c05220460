"""The ops defs, libs, filetypes and ops."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.kinds import MARKER, Grid, Number, Symbol
from haystack_app.ops import all_ops
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, grid_of


def keys(response: Any) -> list[str]:
    assert response.status_code == 200
    grid = grid_of(response)
    assert not grid.is_error, grid.meta
    return [row["def"].name for row in grid]


def test_defs(api: Api) -> None:
    grid = grid_of(api.get("defs"))
    assert grid.names[0] == "def"
    assert grid.names[1:] == sorted(grid.names[1:])
    rows = {row["def"].name: row for row in grid}
    assert list(rows) == sorted(rows)
    assert {"site", "hot-water", "lib:hs", "op:read", "filetype:zinc"} < set(rows)
    site = rows["site"]
    assert site["is"] == [Symbol("entity"), Symbol("geoPlace")]
    assert site["lib"] == Symbol("lib:hs")
    assert site["mandatory"] is MARKER


def test_libs_and_filetypes(api: Api) -> None:
    assert keys(api.get("libs")) == ["lib:hs"]
    rows = {row["def"].name: row for row in grid_of(api.get("filetypes"))}
    assert {f"filetype:{name}" for name in ("zinc", "json", "trio", "csv")} == set(rows)
    assert rows["filetype:zinc"]["mime"] == "text/zinc"
    assert rows["filetype:zinc"]["fileExt"] == "zinc"


def test_ops_are_those_registered(api: Api) -> None:
    assert keys(api.get("ops")) == [f"op:{entry.name}" for entry in all_ops()]


@pytest.mark.parametrize(
    ("op", "arguments", "expected"),
    [
        ("defs", {"filter": "def==^site"}, ["site"]),
        ("defs", {"filter": "is==^meter"}, ["elec-meter", "flow-meter"]),
        ("defs", {"filter": "lib==^lib:hs and version"}, ["lib:hs"]),
        ("defs", {"filter": "lib==^lib:ph"}, []),
        ("defs", {"filter": "mandatory", "limit": "2"}, ["ahu", "device"]),
        ("defs", {"limit": "0"}, []),
        ("libs", {"filter": "not version"}, []),
        ("filetypes", {"filter": 'mime=="text/csv"'}, ["filetype:csv"]),
        ("filetypes", {"limit": "1"}, ["filetype:csv"]),
    ],
)
def test_narrowing(
    api: Api, op: str, arguments: dict[str, str], expected: list[str]
) -> None:
    assert keys(api.get(op, **arguments)) == expected


def test_by_post(api: Api) -> None:
    request = Grid.of([{"filter": "mandatory", "limit": Number(1)}])
    assert keys(api.post("defs", request)) == ["ahu"]
    assert keys(api.post("libs")) == ["lib:hs"]


@pytest.mark.parametrize("op", ["defs", "libs", "filetypes", "ops"])
def test_a_bad_filter(api: Api, op: str) -> None:
    assert "column" in api.error(api.get(op, filter="site =="))
    assert "filter must be a Str" in api.error(api.get(op, filter="5"))


def test_loaded_libraries_are_there(api: Api) -> None:
    storages["default"].load_defs(
        {
            "lib:x": [
                {"def": Symbol("lib:x"), "lib": Symbol("lib:x")},
                {"def": Symbol("kiln"), "is": Symbol("equip"), "lib": Symbol("lib:x")},
            ]
        }
    )
    assert keys(api.get("libs")) == ["lib:hs", "lib:x"]
    assert keys(api.get("defs", filter="lib==^lib:x")) == ["kiln", "lib:x"]


@pytest.mark.parametrize("accept", ["application/json", "text/zinc"])
def test_every_def_can_be_written(api: Api, accept: str) -> None:
    assert len(keys(api.get("defs", accept=accept))) > 100
