"""Files of entities and samples on every store."""

from __future__ import annotations

from pathlib import Path

import pytest

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, Ref, Symbol
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.dangling_refs import DanglingRef, dangling_refs
from haystack_app.storage.samples import HisPoint
from haystack_app.transfer.entity_dump import dump_chunks
from haystack_app.transfer.entity_load import EntityFiles
from haystack_app.transfer.his_import import import_histories
from haystack_app.transfer.his_points import ReadingOptions
from haystack_app.transfer.new_points import NewPoints
from haystack_app.transfer.tables.options import Mapped
from haystack_app.wire.files import UnreadableFile
from haystack_app.wire.registry import FORMATS, Format
from tests.commands.test_dump import raws
from tests.commands.test_what_we_write import (
    HIS,
    RECORDS,
    SUFFIX,
    contents,
    his_read,
    his_store,
)

formats = pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)


def load(store: StorageAdapter, path: Path) -> EntityFiles:
    files = EntityFiles(store.namespace())
    store.commit(list(files.stored([path])))
    return files


@formats
def test_records_come_back(
    store: StorageAdapter, tmp_path: Path, format: Format
) -> None:
    store.load_entities(RECORDS)
    before = raws(store)
    path = tmp_path / f"a.{SUFFIX[format.name]}"
    path.write_text("".join(dump_chunks(store, format)), newline="")
    store.load_entities([], replace=True)
    load(store, path)
    assert raws(store) == before


@formats
def test_samples_come_back(
    store: StorageAdapter, tmp_path: Path, format: Format
) -> None:
    source = his_store()
    store.load_entities(
        {name: val for name, val in record.tags.items() if name[:3] != "his"}
        | {"his": MARKER}
        for record in source.scan()
    )
    assert format.write is not None
    path = tmp_path / f"a.{SUFFIX[format.name]}"
    path.write_text("".join(format.write(his_read(source, list(HIS)))), newline="")
    result = import_histories(store, [path])
    assert contents(store) == contents(source)
    assert result.samples == sum(map(len, HIS.values()))


def test_the_word_m_by_loaded_defs(store: StorageAdapter, tmp_path: Path) -> None:
    lib = Symbol("lib:x")
    mine = {"def": Symbol("sprinkler"), "is": Symbol("marker"), "lib": lib}
    store.load_defs({"lib:x": [{"def": lib, "lib": lib}, mine]})
    path = tmp_path / "a.trio"
    path.write_text("id:@a\nsite:M\nsprinkler:M\nother:M\ndis:M\n")
    files = load(store, path)
    [record] = store.scan()
    assert record["site"] is MARKER and record["sprinkler"] is MARKER
    assert (record["other"], record["dis"]) == ("M", "M")
    assert files.notes() == [
        "2 values M were read as Marker: site (1), sprinkler (1)",
        "2 values M were read as Str: dis (1), other (1)",
    ]


def test_records_without_an_id(store: StorageAdapter, tmp_path: Path) -> None:
    path = tmp_path / "a.zinc"
    path.write_text('ver:"3.0"\nid,dis\n@a,"A"\nN,"B"\n,"C"\n')
    assert load(store, path).notes() == ["2 records had no id and got a new one"]
    found = {record["dis"]: record["id"] for record in store.scan()}
    assert found["A"] == Ref("a") and len(set(found.values())) == 3


def test_nothing_is_stored_if_a_row_is_invalid(
    store: StorageAdapter, tmp_path: Path
) -> None:
    common = {"point": MARKER, "his": MARKER, "tz": "UTC", "kind": "Number"}
    store.load_entities([{"id": Ref("a"), "unit": "°F", **common}])
    path = tmp_path / "a.csv"
    path.write_text("ts,a\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,2°C\n2024,3\n")
    with pytest.raises(UnreadableFile, match="2 errors, nothing was stored"):
        import_histories(store, [path])
    assert not list(store.his_read("a"))
    path.write_text("ts,a\n2024-01-01T00:00Z,1\n2024-01-01T01:00Z,21°C\n")
    import_histories(store, [path], options=ReadingOptions(convert=True))
    assert [row["val"].val for row in store.his_read("a")] == [1, 69.8]


def test_tables_name_entities_of_the_store(
    store: StorageAdapter, tmp_path: Path
) -> None:
    store.load_entities(
        [
            {"id": Ref("hq"), "site": MARKER, "dis": "HQ"},
            {"id": Ref("old"), "site": MARKER, "dis": "Old", "trash": MARKER},
        ]
    )
    path = tmp_path / "a.csv"
    path.write_text("id;tags;siteRef;ahuRef\na;equip;HQ;@gone\nb;equip;hq;@a\n")
    files = EntityFiles(store.namespace(), existing=store.scan)
    stored = list(files.stored([path]))
    assert list(dangling_refs(store, stored)) == [DanglingRef("a", "ahuRef", "gone")]
    replacing = list(dangling_refs(store, stored, replace=True))
    assert [(one.id, one.target) for one in replacing] == [
        *(("a", "gone"), ("a", "hq"), ("b", "hq"))
    ]
    store.commit(stored)
    assert [record["siteRef"] for record in store.read(parse("equip"))] == [
        Ref("hq")
    ] * 2
    path.write_text("id;tags;siteRef\na;equip;Old\n")
    with pytest.raises(UnreadableFile, match='no entity with the id or dis "Old"'):
        list(EntityFiles(store.namespace(), existing=store.scan).stored([path]))


def test_missing_points_of_a_mapping(store: StorageAdapter) -> None:
    store.load_entities([{"id": Ref("old"), "site": MARKER}])
    mapping = {
        "OAT (°F)": Mapped("oat"),
        "Watts": Mapped("kw", "kW", 0.001),
        "On": Mapped("on", kind="Bool"),
        "Old": Mapped("old"),
        "Unread": Mapped(""),
    }
    new = NewPoints(store, {"tz": "Paris"})
    new.add_mapped(mapping)
    points = new.planned
    store.load_entities(points.values())
    found = {id: HisPoint.of(store.existing(id)) for id in ("oat", "kw", "on")}
    assert list(points) == list(found)
    assert [(one.kind, one.unit, one.tz) for one in found.values()] == [
        ("Number", "°F", "Paris"),
        ("Number", "kW", "Paris"),
        ("Bool", None, "Paris"),
    ]
