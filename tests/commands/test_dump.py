"""haystack_dump: loading a dump gives the same records, in both formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from haystack_app import demo
from haystack_app.kinds import MARKER, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.wire import hayson_reader, hayson_writer, zinc_reader

from .conftest import Run

Write = Callable[[str, str | bytes], Path]
ALPHA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "alpha.zinc"
needs_alpha = pytest.mark.skipif(not ALPHA.exists(), reason=f"{ALPHA} not found")


def raws(adapter: StorageAdapter) -> list[object]:
    """The records of the store without ``mod``."""
    found = []
    for record in adapter.scan():
        tags: dict[str, object] = hayson_reader.parse_json(record.raw)
        found.append({name: tags[name] for name in tags if name != "mod"})
    return found


@needs_alpha
def test_building_round_trips(
    run: Run, adapter: StorageAdapter, tmp_path: Path
) -> None:
    """Zinc and JSON of a building are stored identically, without loss."""
    assert "2,032 created" in run("haystack_load", ALPHA)
    stored = raws(adapter)
    assert "2,032 unchanged" in run("haystack_load", ALPHA.with_suffix(".json"))
    dump = tmp_path / "dump.zinc"
    assert "2,032 records" in run("haystack_dump", output=dump)
    want = {
        row["id"]: hayson_writer.dump(nameless(row))
        for row in zinc_reader.read_grid(ALPHA.read_text()).rows
    }
    got = {
        row["id"]: hayson_writer.dump(
            nameless(
                {name: row[name] for name in hayson_reader.read_dict(want[row["id"]])}
            )
        )
        for row in zinc_reader.read_grid(dump.read_text()).rows
    }
    assert got == want
    run("haystack_load", empty_list(tmp_path), replace=True)
    assert raws(adapter) == []
    run("haystack_load", dump)
    assert raws(adapter) == stored


def nameless(value: Any) -> Any:
    """Without the names of refs: the server writes those of now."""
    if isinstance(value, Ref):
        return Ref(value.id)
    if isinstance(value, dict):
        return {name: nameless(one) for name, one in value.items()}
    return [nameless(one) for one in value] if isinstance(value, list) else value


def empty_list(folder: Path) -> Path:
    path = folder / "empty.json"
    path.write_text("[]")
    return path


@pytest.mark.parametrize(("format", "suffix"), [("zinc", "zinc"), ("hayson", "json")])
def test_every_kind_round_trips(
    run: Run, adapter: StorageAdapter, tmp_path: Path, format: str, suffix: str
) -> None:
    adapter.load_entities([*demo.entities(), {"id": Ref("gone"), "trash": MARKER}])
    before = raws(adapter)
    dump = tmp_path / f"dump.{suffix}"
    run("haystack_dump", format=format, output=dump)
    assert f"{len(before):,} unchanged" in run("haystack_load", dump, replace=True)
    run("haystack_load", empty_list(tmp_path), replace=True)
    run("haystack_load", dump)
    assert raws(adapter) == before


def test_a_filter_and_standard_output(run: Run, points: StorageAdapter) -> None:
    grid = zinc_reader.read_grid(run("haystack_dump", filter="site or unit"))
    assert [row["id"].id for row in grid.rows] == ["num", "site"]
    assert grid.names[0] == "id" and "unit" in grid.names
    with pytest.raises(CommandError, match=r"--filter: .*column 6"):
        run("haystack_dump", filter="site )")


def test_an_empty_store(run: Run, adapter: StorageAdapter) -> None:
    assert not list(zinc_reader.read_grid(run("haystack_dump")).rows)
    assert not list(hayson_reader.read_grid(run("haystack_dump", format="hayson")).rows)


def test_failed_dump_keeps_the_old_file(
    run: Run, points: StorageAdapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = tmp_path / "dump.zinc"
    dump.write_text("as it was")

    def broken(self: object) -> object:
        raise RuntimeError("the store is gone")

    monkeypatch.setattr(type(points), "scan", broken)
    with pytest.raises(RuntimeError):
        run("haystack_dump", output=dump)
    assert dump.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [dump]
