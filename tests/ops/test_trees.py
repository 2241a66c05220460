"""The ops copyTree and moveTree, and defTags, on every store."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, REMOVE, Grid, Number, Ref, Symbol
from haystack_app.ops import find_op
from haystack_app.ops.registry import Context, OpError
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import StorageError, UnknownEntity
from tests.storage.building import at, entity, numbers, point


@pytest.fixture
def plant(store: StorageAdapter) -> StorageAdapter:
    """Two sites; an AHU at one of them with a fan, and a point of each."""
    site = {"siteRef": Ref("a")}
    store.load_entities(
        [
            entity("a", site=MARKER),
            entity("b", site=MARKER),
            entity("a.f1", space=MARKER, floor=MARKER, **site),
            entity("b.f1", space=MARKER, floor=MARKER, siteRef=Ref("b")),
            entity("ahu", equip=MARKER, dis="AHU", spaceRef=Ref("a.f1"), **site),
            entity("ahu.fan", equip=MARKER, equipRef=Ref("ahu"), **site),
            point(
                "ahu.temp",
                dis="AHU Temp",
                equipRef=Ref("ahu"),
                spaceRef=Ref("a.f1"),
                hisCollectCov=MARKER,
                cfg={"list": [Ref("ahu"), Ref("b")]},
                **site,
            ),
            point("odd", dis="Speed", equipRef=Ref("ahu.fan"), **site),
            point("gone", equipRef=Ref("ahu"), trash=MARKER, **site),
            entity("other", aboutRef=Ref("ahu")),
        ]
    )
    store.his_write("ahu.temp", numbers(3, at("2024-03-01 12:00")))
    return store


def run(store: StorageAdapter, name: str, rows: Any = (), **meta: Any) -> Grid:
    found = find_op(name)
    assert found is not None
    return found.run(Context(store, "ann"), Grid.of(list(rows), ["id"], meta=meta))


def move(store: StorageAdapter, id: str, row: Any, **meta: Any) -> Grid:
    found = find_op("moveTree")
    assert found is not None
    return found.run(
        Context(store, "ann"), Grid.of([row], meta={"id": Ref(id), **meta})
    )


def test_a_copy(plant: StorageAdapter) -> None:
    end = plant.changes_since(None, 1).cursor
    answer = run(plant, "copyTree", id=Ref("ahu"), dis="AHU 2", newId=Ref("ahu2"))
    assert answer.meta["count"] == Number(4)
    made = {row["id"].id: row for row in answer}
    random = (made.keys() - {"ahu2", "ahu2.fan", "ahu2.temp"}).pop()
    root, temp = plant.existing("ahu2"), plant.existing("ahu2.temp")
    assert (root["dis"], temp["dis"]) == ("AHU 2", "AHU 2 Temp")
    assert (root["siteRef"].id, temp["equipRef"].id) == ("a", "ahu2")
    assert [ref.id for ref in temp["cfg"]["list"]] == ["ahu2", "b"]
    assert plant.existing(random)["equipRef"].id == "ahu2.fan"
    assert plant.existing(random)["dis"] == "Speed"
    assert "hisSize" not in temp and list(plant.his_read("ahu2.temp")) == []
    assert len(list(plant.his_read("ahu.temp"))) == 3
    entries = plant.changes_since(end, 10).entries
    assert {(change.kind, change.who) for _, change in entries} == {("add", "ann")}
    assert len(plant.logged_commit(entries[0][0])) == 4
    with pytest.raises(StorageError, match="already exists"):
        run(plant, "copyTree", id=Ref("ahu"), newId=Ref("ahu2"))


def test_a_copy_with_random_ids_and_its_dry_run(plant: StorageAdapter) -> None:
    before = plant.count("id")
    answer = run(plant, "copyTree", id=Ref("ahu"), dryRun=MARKER)
    assert (len(list(answer)), plant.count("id")) == (4, before)
    answer = run(plant, "copyTree", id=Ref("ahu"))
    assert plant.count("id") == before + 4
    assert not {"ahu", "odd"} & {row["id"].id for row in answer}
    assert plant.count('dis == "AHU"') == 2


def test_a_move(plant: StorageAdapter) -> None:
    row = {"siteRef": Ref("b"), "spaceRef": Ref("b.f1")}
    preview = move(plant, "ahu", row, dryRun=MARKER)
    assert preview.meta["count"] == Number(4)
    first = next(one for one in preview if one["id"].id == "ahu")
    assert first["before"]["spaceRef"].id == "a.f1"
    assert first["after"] == {"siteRef": Ref("b"), "spaceRef": Ref("b.f1")}
    assert plant.existing("ahu")["siteRef"].id == "a"

    end = plant.changes_since(None, 1).cursor
    assert move(plant, "ahu", row).meta["count"] == Number(4)
    for id in ("ahu", "ahu.fan", "ahu.temp", "odd"):
        assert plant.existing(id)["siteRef"].id == "b"
    assert plant.existing("ahu.temp")["spaceRef"].id == "b.f1"
    assert plant.existing("ahu.temp")["equipRef"].id == "ahu"
    assert "spaceRef" not in plant.existing("odd")
    assert plant.existing("gone")["siteRef"].id == "a"
    assert len(plant.changes_since(end, 10).entries) == 4
    assert move(plant, "ahu", row).meta["count"] == Number(0)

    assert move(plant, "ahu.fan", {"equipRef": REMOVE}).meta["count"] == Number(1)
    assert "equipRef" not in plant.existing("ahu.fan")
    assert plant.existing("odd")["equipRef"].id == "ahu.fan"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"siteRef": Ref("ahu")}, "siteRef: @ahu is not a site"),
        ({"equipRef": Ref("ahu.fan")}, "equipRef: @ahu.fan is in what is to be moved"),
        ({"equipRef": Ref("none")}, "equipRef: unknown entity @none"),
        ({"siteRef": "b"}, "siteRef must be a Ref"),
        ({"dis": "x"}, "give one row with siteRef, spaceRef, equipRef"),
        ({}, "give one row with"),
    ],
)
def test_wrong_moves(plant: StorageAdapter, row: Any, said: str) -> None:
    with pytest.raises((OpError, StorageError), match=said):
        move(plant, "ahu", row)
    assert plant.existing("ahu")["siteRef"].id == "a"


def test_what_is_unknown_or_too_large(plant: StorageAdapter, settings: Any) -> None:
    for id in ("none", "gone"):
        with pytest.raises(UnknownEntity):
            run(plant, "copyTree", id=Ref(id))
        with pytest.raises(UnknownEntity):
            move(plant, id, {"siteRef": Ref("b")})
    with pytest.raises(OpError, match="meta newId"):
        run(plant, "copyTree", id=Ref("ahu"), newId="x")
    settings.HAYSTACK = {"LIMITS": {"IDS": 3}}
    with pytest.raises(StorageError, match="more than 3 entities"):
        run(plant, "copyTree", id=Ref("ahu"))


def test_a_scope(plant: StorageAdapter) -> None:
    """What the caller does not see is neither copied nor moved."""
    seen = plant.visible_to(parse("id == @ahu or id == @odd or id == @ahu.fan or copy"))
    with pytest.raises(UnknownEntity):
        run(seen, "copyTree", id=Ref("a"))
    answer = run(seen, "copyTree", id=Ref("ahu"), dryRun=MARKER)
    assert answer.meta["count"] == Number(3)
    with pytest.raises(StorageError):  # the copies would not be visible
        run(seen, "copyTree", id=Ref("ahu"))
    with pytest.raises(OpError, match="unknown entity @b"):
        move(seen, "ahu", {"siteRef": Ref("b")})
    assert plant.count('dis == "AHU"') == 1


def test_def_tags(store: StorageAdapter) -> None:
    found = find_op("defTags")
    assert found is not None
    answer = found.run(Context(store), Grid.of([{"def": Symbol("ahu")}]))
    assert [row["name"] for row in answer][:3] == ["ahu", "equip", "siteRef"]
    assert Symbol("rtu") in answer.meta["subtypes"]
    same = found.run(Context(store), Grid.of([{"def": "^ahu"}]))
    assert list(same) == list(answer)
    for wrong in ("none", "op:read", ""):
        with pytest.raises(OpError, match="unknown def"):
            found.run(Context(store), Grid.of([{"def": wrong}]))
