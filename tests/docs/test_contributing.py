"""The examples of CONTRIBUTING.md, as they are written there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps

from haystack_app.checks import check_storages
from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.ops import find_op, registry
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.wire import registry as formats
from tests.api.conftest import Api, fill, grid_of, logged_in

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text("utf-8")


def section(title: str) -> str:
    """The text below a heading."""
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def code(title: str) -> list[str]:
    """The Python blocks of a section."""
    return re.findall(r"```python\n(.*?)```", section(title), re.DOTALL)


def indented(title: str, name: str) -> str:
    """The indented block of a section that begins by assigning a name."""
    found = re.search(rf"^    {name} = .*?(?=^\S|\Z)", section(title), re.M | re.S)
    assert found
    return dedent(found[0])


def run(source: str, **names: Any) -> dict[str, Any]:
    """What a source defines."""
    exec(compile(source, "CONTRIBUTING.md", "exec"), names)
    return names


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> StorageAdapter:
    if request.param == "memory":
        return InMemoryAdapter()
    request.getfixturevalue("db")
    return OrmAdapter(using="default")


@pytest.fixture
def site_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Iterator[ModuleType]:
    """The module of the new op, imported as the setting says."""
    (tmp_path / "site_counts.py").write_text(code("Add an op")[0])
    monkeypatch.syspath_prepend(tmp_path)
    settings.HAYSTACK = {**settings.HAYSTACK, "ACTIONS": ["site_counts"]}
    assert find_op("countBySite") is None
    apps.get_app_config("haystack_app").ready()
    yield sys.modules.pop("site_counts")
    del registry._ops["countBySite"]


def test_the_new_op_is_short() -> None:
    module, test = code("Add an op")
    assert len((module + test).splitlines()) < 40


def test_the_test_of_the_new_op(store: StorageAdapter, site_counts: ModuleType) -> None:
    sys.modules["site_counts"] = site_counts
    try:
        names = run(code("Add an op")[1])
    finally:
        del sys.modules["site_counts"]
    tests = [names[name] for name in names if name.startswith("test_")]
    assert tests
    for test in tests:
        test(store)


def test_the_new_op_over_http(site_counts: ModuleType, db: None) -> None:
    assert "site_counts" not in sys.modules
    op = find_op("countBySite")
    assert op is not None
    assert op.doc == "The number of entities that refer to each site."
    client = logged_in("alice")
    for project in ("", "memory"):
        fill(storages[project or "default"])
        grid = grid_of(Api(client, project).get("countBySite"))
        assert [row["id"] for row in grid] == [Ref("s1"), Ref("s2")]
        assert all(isinstance(row["count"], Number) for row in grid)
    storages["memory"].load_entities([], replace=True)
    assert Api(logged_in("carol", "")).get("countBySite").status_code == 403


def test_the_new_format() -> None:
    [source] = code("Add a wire format")
    ndjson = ModuleType("haystack_app.wire.ndjson")
    ndjson.__package__ = "haystack_app.wire"
    exec(compile(source, "CONTRIBUTING.md", "exec"), ndjson.__dict__)
    added = indented("Add a wire format", "NDJSON")
    *others, form = run(added, **vars(formats), ndjson=ndjson)["FORMATS"]
    assert tuple(others) == formats.FORMATS
    rows = [
        {"id": Ref("a"), "site": MARKER, "dis": "two\nlines\u2028"},
        {"area": Number(5, "m²")},
    ]
    text = "".join(form.write(Grid.of(rows)))
    assert text.count("\n") == 2
    assert list(form.read_bytes(text.encode())) == rows


def test_the_new_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    [source] = code("Add a storage adapter")
    (tmp_path / "trio_store.py").write_text(source)
    (tmp_path / "plant.trio").write_text("id: @hq\nsite\n---\nid: @p\npoint\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "trio_store", raising=False)
    given = run(indented("Add a storage adapter", "HAYSTACK"))["HAYSTACK"]
    settings.HAYSTACK = given
    plant = storages["plant"]
    assert [record["id"] for record in plant.read("site")] == [Ref("hq")]
    given["STORAGES"]["plant"]["OPTIONS"]["nosuch"] = 1
    settings.HAYSTACK = {**given}
    assert "haystack.E001" in [message.id for message in check_storages()]
    sys.modules.pop("trio_store")
