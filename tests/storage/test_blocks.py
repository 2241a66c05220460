"""Several calls inside ``locked``: all of them count or none, on every store."""

from __future__ import annotations

from typing import Any

import pytest

from haystack_app.kinds import MARKER, REMOVE, Number, Ref
from haystack_app.storage import changeset, entities
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import HistoryInUse, OutOfScope, UnknownEntity
from haystack_app.storage.signals import entities_changed
from tests.storage.building import at, entity, history, ids, numbers, point

NOON = at("2024-03-01 12:00")


@pytest.fixture
def campus(store: StorageAdapter) -> StorageAdapter:
    store.load_entities(
        [entity("s", site=MARKER, n=Number(0)), entity("gone", n=Number(0))]
    )
    store.load_entities([point("p", writable=MARKER, siteRef=Ref("s"))])
    store.his_write("p", numbers(3, NOON))
    store.point_write("p", 9, Number(1), "joe")
    store.load_defs({"lib": []})
    return store


def state(store: StorageAdapter) -> dict[str, Any]:
    return {
        "records": [record.tags for record in store.scan()],
        "versions": store.versions("id"),
        "samples": history(store),
        "levels": store.levels_of("p"),
        "libs": store.read_libs(),
        "log": [len(store.changes_of(id)) for id in ("s", "p", "gone", "new")],
        "found": sorted(ids(store.read("n == 0 or siteRef->site"))),
    }


def change(store: StorageAdapter) -> None:
    """Something of everything."""
    store.load_entities(
        [entity("s", site=MARKER, n=Number(1)), entity("new", n=Number(1))]
    )
    store.commit([], remove=["gone"])
    store.his_write("p", [(NOON, Number(7)), *numbers(1, at("2024-04-01 12:00"))])
    store.point_write("p", 8, Number(2), "joe")
    store.set_transient({"s": {"curVal": Number(3)}})
    store.load_defs({"lib": [{"def": "x"}], "other": []})


def test_a_block_that_raises_leaves_nothing(campus: StorageAdapter) -> None:
    before = state(campus)
    with pytest.raises(KeyError), campus.locked():
        change(campus)
        raise KeyError
    assert state(campus) == before
    change(campus)
    assert state(campus) != before


def test_of_an_inner_block_its_own_part_goes(campus: StorageAdapter) -> None:
    with campus.locked():
        campus.load_entities([entity("first", n=Number(1))])
        inner = state(campus)
        with pytest.raises(KeyError), campus.locked():
            change(campus)
            raise KeyError
        with pytest.raises(UnknownEntity):
            campus.his_write_all({"p": numbers(9, NOON), "missing": []})
        assert state(campus) == inner
        campus.point_write("p", 9, None, "joe")
    assert campus.levels_of("p") == {}
    assert sorted(ids(campus.read("n"))) == ["first", "gone", "s"]


def test_a_removed_point_that_comes_back_is_taken_back(campus: StorageAdapter) -> None:
    before = state(campus)
    with pytest.raises(KeyError), campus.locked():
        campus.commit([], remove=["p"])
        campus.load_entities([point("p", writable=MARKER)])
        assert history(campus) == []
        campus.his_write("p", numbers(9, NOON))
        campus.point_write("p", 3, Number(4), "ann")
        raise KeyError
    assert state(campus) == before


def test_a_caller_sees_what_it_has_changed(campus: StorageAdapter) -> None:
    with campus.locked():
        change(campus)
        assert sorted(ids(campus.read("n == 1"))) == ["new", "s"]
        assert sorted(ids(campus.read("siteRef->n == 1"))) == ["p"]
        assert ids(campus.read("n == 0")) == []
        assert ids(campus.page("n", "new", 5)) == ["s"]
        assert ids(campus.scan()) == ["new", "p", "s"]
        assert campus.existing("s")["curVal"] == Number(3)
        assert [value.val for _, value in history(campus)] == [7, 1, 2, 0]
        assert sorted(campus.levels_of("p")) == [8, 9]
        assert campus.existing("p")["writeVal"] == Number(2)
        assert campus.existing("p")["hisSize"] == Number(4)
        assert sorted(campus.read_libs()) == ["lib", "other"]
        campus.load_entities([entity("b", siteRef=Ref("s"))])
        assert campus.referrers(["s"], 5) == ["b", "p"]
        assert campus.commit([], replace=True).removed == ["b", "new", "p", "s"]
    assert ids(campus.scan()) == []


def test_a_refusal_in_a_later_batch_leaves_nothing(
    campus: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (changeset, entities):
        monkeypatch.setattr(module, "BATCH", 2)
    before = state(campus)
    rows = [entity(f"a{n}", n=Number(0)) for n in range(5)]
    with pytest.raises(HistoryInUse):
        campus.load_entities([*rows, point("p", unit="kW"), entity("z")])
    assert state(campus) == before
    view = campus.visible_to(campus.parsed("n == 0"))
    with pytest.raises(OutOfScope, match="@a4"):
        view.load_entities([*rows[:4], entity("a4", n=Number(5))])
    assert state(campus) == before
    assert len(campus.load_entities(rows).created) == 5


def test_a_commit_returns_its_changes(campus: StorageAdapter) -> None:
    rows = [entity("new"), entity("s", site=MARKER), entity("gone", n=Number(0))]
    changes = campus.load_entities(rows, returning=True)
    assert (changes.created, changes.updated) == (["new"], ["s"])
    assert changes.unchanged == ["gone"]
    read = dict(
        zip(("new", "s", "gone"), campus.read_by_ids(["new", "s", "gone"]), strict=True)
    )
    assert {id: one.tags for id, one in changes.records.items()} == {
        id: one.tags for id, one in read.items() if one is not None
    }
    assert campus.load_entities(rows).records == {}
    [record] = campus.update_entities([{"id": Ref("s"), "dis": "S"}], force=True)
    assert record.tags == campus.existing("s").tags
    row = {"id": Ref("s"), "curVal": Number(1), "curErr": REMOVE}
    [record] = campus.update_transient([row], force=True)
    assert record.tags == campus.existing("s").tags
    [record] = campus.add_entities([entity("more")])
    assert record.tags == campus.existing("more").tags
    assert campus.create(entity("more", x=MARKER)).tags == campus.existing("more").tags


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_a_block_announces_after_the_commit(campus: StorageAdapter) -> None:
    heard: list[tuple[frozenset[str], bool]] = []

    def receive(ids: frozenset[str], logged: bool, **_: Any) -> None:
        heard.append((ids, logged))

    entities_changed.connect(receive)
    try:
        with campus.locked():
            campus.load_entities([entity("new")])
            with pytest.raises(KeyError), campus.locked():
                campus.load_entities([entity("never")])
                raise KeyError
            campus.set_transient({"s": {"curVal": Number(3)}})
            assert heard == []
        assert heard == [(frozenset({"new"}), True), (frozenset({"s"}), False)]
        with pytest.raises(KeyError), campus.locked():
            campus.load_entities([entity("never")])
            raise KeyError
        assert len(heard) == 2
    finally:
        entities_changed.disconnect(receive)
