"""The trash: what goes there, comes back, and is emptied."""

from __future__ import annotations

import datetime as dt

import pytest

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, REMOVE, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import InvalidRecord, StaleRecord, UnknownEntity
from tests.storage.building import at, entity, numbers, point

LATER = dt.timedelta(days=1)


@pytest.fixture
def plant(store: StorageAdapter) -> StorageAdapter:
    """A site, an AHU at it, and two points, of which one has five samples."""
    store.load_entities(
        [
            entity("hall", site=MARKER),
            entity("ahu", equip=MARKER, siteRef=Ref("hall")),
            point("air", siteRef=Ref("hall"), equipRef=Ref("ahu")),
            point("fan", siteRef=Ref("hall"), equipRef=Ref("ahu"), writable=MARKER),
        ]
    )
    store.his_write("air", numbers(5, at("2024-03-01 12:00")))
    return store


def trashed(store: StorageAdapter, *ids: str) -> None:
    store.trash_entities([{"id": Ref(id)} for id in ids], force=True, who="ann")


def ids(store: StorageAdapter) -> set[str]:
    return {record["id"].id for record in store.scan()}


def test_there_and_back(plant: StorageAdapter) -> None:
    before = plant.existing("air")
    trashed(plant, "air")
    assert plant.existing("air")["trash"] == MARKER
    assert plant.changes_of("air", 1)[0].who == "ann"
    assert plant.count("point and not trash") == 1
    plant.update_entities([{"id": Ref("air"), "trash": REMOVE}], force=True)
    after = plant.existing("air")
    kept = {"hisSize", "hisEnd", "dis", "kind"} & before.keys()
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert len(list(plant.his_read("air"))) == 5


def test_the_lock(plant: StorageAdapter) -> None:
    read = plant.existing("air")
    plant.update_entities([{"id": Ref("air"), "dis": "New"}], force=True)
    with pytest.raises(StaleRecord):
        plant.trash_entities([{"id": Ref("air"), "mod": read["mod"]}])
    with pytest.raises(UnknownEntity):
        trashed(plant, "nothing")


def test_what_a_removal_concerns(plant: StorageAdapter) -> None:
    found = plant.removal("air")
    assert (list(found.referrers), found.more, found.samples) == ([], False, 5)
    found = plant.removal("ahu")
    assert [one["id"].id for one in found.referrers] == ["air", "fan"]
    trashed(plant, "fan")
    found = plant.removal("ahu")
    assert [one["id"].id for one in found.referrers] == ["air"]
    plant.load_entities(
        entity(f"x{number:03}", equip=MARKER, siteRef=Ref("hall"))
        for number in range(150)
    )
    found = plant.removal("hall")
    assert found.more
    assert len(found.referrers) == 99  # one of the first 100 is in the trash
    with pytest.raises(UnknownEntity):
        plant.removal("nothing")


def test_empty(plant: StorageAdapter) -> None:
    trashed(plant, "air")
    done = plant.empty_trash(who="ann")
    assert (done.removed, done.kept, done.more) == (["air"], {}, False)
    assert ids(plant) == {"hall", "ahu", "fan"}
    [change] = plant.changes_of("air", 1)
    assert (change.kind, change.who) == ("remove", "ann")
    plant.load_entities([point("air")])
    assert list(plant.his_read("air")) == []


def test_what_is_referred_to_stays(plant: StorageAdapter) -> None:
    trashed(plant, "ahu", "air")
    done = plant.empty_trash()
    assert (done.removed, done.kept) == (["air"], {"ahu": "fan"})
    done = plant.empty_trash(["ahu"], force=True)
    assert (done.removed, done.kept) == (["ahu"], {})
    assert plant.existing("fan")["equipRef"].id == "ahu"


def test_entities_that_refer_to_each_other_go_together(plant: StorageAdapter) -> None:
    plant.update_entities([{"id": Ref("hall"), "mainRef": Ref("ahu")}], force=True)
    trashed(plant, "hall", "ahu", "air", "fan")
    assert plant.empty_trash().removed == ["ahu", "air", "fan", "hall"]
    assert ids(plant) == set()


def test_a_part_of_what_refers_to_each_other_stays(plant: StorageAdapter) -> None:
    trashed(plant, "hall", "ahu", "air", "fan")
    done = plant.empty_trash(["hall", "air"])
    assert (done.removed, done.kept) == (["air"], {"hall": "ahu"})


def test_only_what_is_in_the_trash_and_old_enough(plant: StorageAdapter) -> None:
    now = dt.datetime.now(dt.UTC)
    trashed(plant, "air")
    assert plant.empty_trash(["fan"]).removed == []
    assert plant.empty_trash(before=now - LATER).removed == []
    assert plant.empty_trash(before=now + LATER).removed == ["air"]
    assert "fan" in ids(plant)


def test_in_several_transactions(
    store: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site comes before its points in the order of ids."""
    monkeypatch.setattr("haystack_app.storage.trash._CHUNK", 2)
    points = [point(f"p{number}", siteRef=Ref("a")) for number in range(5)]
    store.load_entities([entity("a", site=MARKER), *points])
    trashed(store, "a", *(one["id"].id for one in points))
    done = store.empty_trash(limit=2)
    assert (done.more, len(done.removed)) == (True, 3)
    assert "a" in ids(store)
    done = store.empty_trash()
    assert (done.more, done.kept, ids(store)) == (False, {}, set())


def test_a_scope(plant: StorageAdapter) -> None:
    """What a hidden entity refers to stays, without naming it."""
    trashed(plant, "ahu", "air", "fan")
    seen = plant.visible_to(parse("equip or id == @air"))
    done = seen.empty_trash()
    assert (done.removed, done.kept) == (["air"], {"ahu": ""})
    assert ids(plant) == {"hall", "ahu", "fan"}
    assert seen.empty_trash(["fan"]).removed == []
    assert [one["id"].id for one in seen.removal("ahu").referrers] == []
    with pytest.raises(UnknownEntity):
        seen.removal("fan")


def test_transient_tags_are_refused(plant: StorageAdapter) -> None:
    trashed(plant, "air")
    with pytest.raises(InvalidRecord, match="row 1: @air is in the trash"):
        plant.update_transient([{"id": Ref("air"), "curVal": Number(1)}], force=True)
