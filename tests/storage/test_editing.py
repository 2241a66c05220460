"""Adding, updating and removing entities; ``mod``; the change log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from haystack_app.kinds import MARKER, NA, REMOVE, Col, DateTime, Grid, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import (
    ArrayInUse,
    EntityInUse,
    HistoryInUse,
    InvalidRecord,
    StaleRecord,
    StorageError,
    UnknownEntity,
)
from tests.storage.building import at, entity, given, history, ids, point, tags_of

Store = StorageAdapter


def mod_of(store: Store, id: str) -> DateTime:
    mod = store.existing(id)["mod"]
    assert isinstance(mod, DateTime)
    return mod


def row(store: Store, id: str, **tags: Any) -> dict[str, Any]:
    return {"id": Ref(id), "mod": mod_of(store, id), **tags}


def log(store: Store, id: str) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    return [
        (one.kind, one.who, given(one.before), given(one.after))
        for one in store.changes_of(id)
    ]


@pytest.fixture
def pair(store: Store) -> Store:
    store.load_entities([entity("s", site=MARKER, dis="S"), entity("e", n=Number(1))])
    return store


# -- mod ------------------------------------------------------------------------


def test_every_entity_has_a_mod_that_clients_hand_back(pair: Store) -> None:
    mod = mod_of(pair, "s")
    assert mod.tz == "UTC"
    assert mod.utc.microsecond % 1000 == 0
    assert abs(dt.datetime.now(dt.UTC) - mod.utc) < dt.timedelta(minutes=1)
    assert ids(pair.read(f"mod == {mod.iso} and dis")) == ["s"]


def test_mod_moves_with_each_change_of_persistent_tags(pair: Store) -> None:
    seen = [mod_of(pair, "s")]
    for count in range(20):  # within one millisecond, too
        pair.load_entities([entity("s", site=MARKER, n=Number(count))])
        seen.append(mod_of(pair, "s"))
    assert all(one.utc < two.utc for one, two in pairwise(seen))


def test_mod_stays_when_nothing_or_something_transient_changes(pair: Store) -> None:
    before = mod_of(pair, "s")
    pair.load_entities([entity("s", site=MARKER, dis="S")])
    pair.load_entities([entity("s", site=MARKER, dis="S", curVal=Number(3))])
    assert mod_of(pair, "s") == before
    assert tags_of(pair, "s")["curVal"] == Number(3)


def test_a_record_cannot_bring_its_mod_or_facts_of_histories(store: Store) -> None:
    old = at("2001-01-01 00:00", "UTC")
    tags = {"hisSize": Number(5), "hisEnd": old, "hisStart": old, "hisEndVal": NA}
    store.load_entities([entity("a", mod=old, x=MARKER, **tags)])
    record = store.existing("a")
    assert set(record) == {"id", "mod", "x"}
    assert record["mod"] != old


# -- adding ----------------------------------------------------------------------


def test_add(store: Store) -> None:
    a, b = store.add_entities([entity("a", dis="A"), {"site": MARKER}], who="joe")
    assert given(a) == tags_of(store, "a") == entity("a", dis="A")
    assert given(b) == {"id": b["id"], "site": MARKER}
    assert b["mod"] == mod_of(store, b["id"].id)
    assert log(store, "a") == [("add", "joe", {}, {})]


def test_a_tag_that_is_removed_is_none_of_a_new_entity(store: Store) -> None:
    [record] = store.add_entities([{"id": None, "dis": REMOVE, "n": Number(1)}])
    assert set(record) == {"id", "mod", "n"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([entity("new"), entity("s")], "@s already exists"),
        ([entity("new"), entity("new")], "@new is given twice"),
        ([entity("new"), entity("b", curVal=Number(1))], "row 2: tag 'curVal' is"),
        (
            [entity("new", hisSize=Number(1))],
            "row 1: tag 'hisSize' is set by the server",
        ),
        ([entity("new"), entity("b", Bad=MARKER)], 'row 2: invalid tag name "Bad"'),
        ([{"id": "new"}], "id must be a Ref"),
        ([{"id": ""}], "id must be a Ref"),
        ([{"id": False}], "id must be a Ref"),
        ([{"id": REMOVE}], "id must be a Ref"),
    ],
)
def test_add_refuses(pair: Store, rows: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(InvalidRecord, match=words):
        pair.add_entities(rows)
    assert ids(pair.scan()) == ["e", "s"]


# -- updating --------------------------------------------------------------------


def test_update_sets_and_removes_tags(pair: Store) -> None:
    before = row(pair, "s")
    [record] = pair.update_entities(
        [{**before, "dis": REMOVE, "area": Number(5, "m²"), "none": None}], who="ann"
    )
    assert given(record) == entity("s", site=MARKER, area=Number(5, "m²"))
    assert given(record) == tags_of(pair, "s")
    assert record["mod"].utc > before["mod"].utc
    assert log(pair, "s") == [
        ("update", "ann", {"dis": "S"}, {"area": Number(5, "m²")}),
        ("add", "", {}, {}),
    ]


def test_a_bare_id_does_not_take_away_what_it_was_called(store: Store) -> None:
    store.load_entities([{"id": Ref("s", "Hall"), "dis": "Hall", "site": MARKER}])
    called = []
    for id, tags in (
        (Ref("s"), {"note": "x"}),
        (Ref("s", "The hall"), {"note": "y"}),
        (Ref("s"), {"dis": "House"}),
    ):
        store.update_entities([{"id": id, **tags}], force=True)
        called.append(store.existing("s")["id"].dis)
    assert called == ["Hall", "Hall", None]


def test_update_keeps_transient_tags_and_takes_a_mod_of_another_zone(
    pair: Store,
) -> None:
    pair.load_entities([entity("s", site=MARKER, dis="S", curVal=Number(3))])
    mod = DateTime(mod_of(pair, "s").utc, "Tokyo")
    pair.update_entities([{"id": Ref("s"), "mod": mod, "dis": "T"}])
    assert tags_of(pair, "s") == entity("s", site=MARKER, dis="T", curVal=Number(3))


def test_one_of_two_concurrent_updates_wins(pair: Store) -> None:
    first, second = row(pair, "s", dis="first"), row(pair, "s", dis="second")
    pair.update_entities([first])
    with pytest.raises(StaleRecord, match="@s was changed since it was read"):
        pair.update_entities([second])
    assert tags_of(pair, "s")["dis"] == "first"
    pair.update_entities([second], force=True)
    assert tags_of(pair, "s")["dis"] == "second"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"id": Ref("s")}, InvalidRecord, "row 2: mod must be a DateTime"),
        ({"id": Ref("s"), "mod": "x"}, InvalidRecord, "row 2: mod must be a Date"),
        ({"mod": None}, InvalidRecord, "row 2: id must be a Ref"),
        ({"id": Ref("no"), "mod": None}, UnknownEntity, "unknown entity @no"),
        ({"id": Ref("e")}, InvalidRecord, "row 2: id @e is given twice"),
        ({"id": Ref("s"), "writeVal": NA}, InvalidRecord, "row 2: tag 'writeVal'"),
        ({"id": Ref("s"), "curVal": REMOVE}, InvalidRecord, "row 2: tag 'curVal'"),
        ({"id": Ref("s"), "Bad": NA}, InvalidRecord, "row 2: "),
    ],
)
def test_a_bad_row_stops_the_whole_update(
    pair: Store, change: dict[str, Any], error: type[StorageError], words: str
) -> None:
    before = [record.raw for record in pair.scan()]
    force = "Bad" in change
    with pytest.raises(error, match=words):
        pair.update_entities([row(pair, "e", n=Number(2)), change], force=force)
    assert [record.raw for record in pair.scan()] == before
    assert len(log(pair, "e")) == 1


def test_an_update_does_not_change_what_samples_mean(store: Store) -> None:
    store.load_entities([point(unit="°F")])
    store.his_write("p", [(at("2024-03-01 12:00"), Number(1))])
    with pytest.raises(HistoryInUse):
        store.update_entities([row(store, "p", unit="°C")])


@pytest.mark.parametrize(
    ("tag", "value"),
    [("unit", "°C"), ("kind", "Str"), ("writable", REMOVE), ("point", REMOVE)],
)
def test_an_update_does_not_change_what_is_written(
    store: Store, tag: str, value: Any
) -> None:
    store.load_entities([point(unit="°F", writable=MARKER)])
    store.point_write("p", 10, Number(70), "joe")
    with pytest.raises(ArrayInUse, match=f"release them before its tag '{tag}'"):
        store.update_entities([row(store, "p", **{tag: value})])
    assert tags_of(store, "p")["writeVal"] == Number(70, "°F")
    store.update_entities([row(store, "p", dis="named")])
    store.point_write("p", 10, None, "joe")
    store.update_entities([row(store, "p", **{tag: value})])


def test_trash_and_back(pair: Store) -> None:
    pair.update_entities([row(pair, "s", trash=MARKER)])
    assert tags_of(pair, "s") == entity("s", site=MARKER, dis="S", trash=MARKER)
    pair.update_entities([row(pair, "s", trash=REMOVE)])
    assert tags_of(pair, "s") == entity("s", site=MARKER, dis="S")


# -- transient tags --------------------------------------------------------------


def test_transient_tags_change_without_mod_and_log(pair: Store) -> None:
    before = mod_of(pair, "s")
    change = row(pair, "s", curVal=Number(72, "°F"), curStatus="ok")
    [record] = pair.update_transient([change])
    assert record["curVal"] == Number(72, "°F")
    pair.update_transient([row(pair, "s", curVal=Ref("x"), curStatus=REMOVE)])
    expected = entity("s", site=MARKER, dis="S", curVal=Ref("x"))
    assert tags_of(pair, "s") == expected
    assert ids(pair.read("curVal == @x")) == ["s"]
    assert mod_of(pair, "s") == before
    assert len(log(pair, "s")) == 1


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"dis": "x"}, "tag 'dis' is not transient"),
        ({"hisSize": Number(1)}, "tag 'hisSize' is set by the server"),
        ({"writeVal": Number(1)}, "tag 'writeVal' is set by the server"),
        ({"curVal": "\0"}, "U\\+0000"),
    ],
)
def test_tags_that_are_not_transient(
    pair: Store, tags: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidRecord, match=words):
        pair.update_transient([row(pair, "s", **tags)])
    assert tags_of(pair, "s") == entity("s", site=MARKER, dis="S")


# -- removing --------------------------------------------------------------------


def test_remove_takes_history_and_array_along(store: Store) -> None:
    tags = {"writable": MARKER}
    store.load_entities([point(**tags), entity("other")])
    store.his_write("p", [(at("2024-03-01 12:00"), Number(1))])
    store.point_write("p", 10, Number(5), "joe")
    store.remove_entities([row(store, "p")], who="ann")
    assert ids(store.scan()) == ["other"]
    store.load_entities([point(**tags)])
    assert history(store) == []
    assert store.point_array("p", dt.datetime.now(dt.UTC)) == {}
    kinds = [(one.kind, one.who) for one in store.changes_of("p")]
    assert kinds == [("add", ""), ("remove", "ann"), ("add", "")]
    assert given(store.changes_of("p")[1].before) == point(**tags)


@pytest.mark.parametrize(
    ("change", "force", "error"),
    [
        (lambda store: {"id": Ref("s")}, False, InvalidRecord),
        (lambda store: {"id": Ref("no")}, True, UnknownEntity),
        (
            lambda store: {"id": Ref("s"), "mod": mod_of(store, "e")},
            False,
            StaleRecord,
        ),
    ],
)
def test_a_bad_row_stops_the_whole_removal(
    pair: Store, change: Callable[[Store], Any], force: bool, error: type[StorageError]
) -> None:
    pair.load_entities([entity("e", n=Number(2))])
    with pytest.raises(error):
        pair.remove_entities([row(pair, "e"), change(pair)], force=force)
    assert ids(pair.scan()) == ["e", "s"]


def test_an_entity_in_use_stays_unless_orphans_are_wanted(pair: Store) -> None:
    many = [entity(f"p{count:02}", siteRef=Ref("s")) for count in range(12)]
    pair.load_entities([*many, entity("x", refs=[Ref("e")], d={"r": Ref("e")})])
    with pytest.raises(
        EntityInUse, match=r"@s is still referenced by @p00, .*@p09 \.\.$"
    ):
        pair.remove_entities([row(pair, "s")], orphan=False)
    with pytest.raises(EntityInUse) as refused:
        pair.remove_entities([row(pair, "e")], orphan=False)
    assert refused.value.referrers == ["x"]
    pair.remove_entities([row(pair, "e"), row(pair, "x")], orphan=False)
    pair.remove_entities([row(pair, "s")])
    assert ids(pair.scan()) == [f"p{count:02}" for count in range(12)]


@pytest.mark.parametrize(
    "value",
    [
        [{"r": Ref("s")}],
        [[Ref("s")]],
        {"list": [Number(1), {"r": [Ref("s")]}]},
        Grid.of([{"r": Ref("s")}]),
        Grid([Col("c", {"r": Ref("s")})]),
        {"grid": Grid([Col("c")], [], {"r": Ref("s")})},
    ],
)
def test_refs_that_no_filter_reaches_count_as_well(pair: Store, value: Any) -> None:
    pair.load_entities([entity("e", tag=value)])
    with pytest.raises(EntityInUse, match="@s is still referenced by @e"):
        pair.remove_entities([row(pair, "s")], orphan=False)
    assert ids(pair.read("tag == @s or tag->r == @s or tag->site")) == []
    pair.load_entities([entity("e")])
    pair.remove_entities([row(pair, "s")], orphan=False)


# -- pages -----------------------------------------------------------------------


def test_pages_follow_the_ids(store: Store) -> None:
    store.load_entities([entity(f"p{count:03}", point=MARKER) for count in range(25)])
    store.load_entities([entity("q"), entity("P", point=MARKER)])
    seen: list[str] = []
    while rows := store.page("point", seen[-1] if seen else "", 10):
        assert len(rows) <= 10
        seen += ids(rows)
    assert seen == ["P", *(f"p{count:03}" for count in range(25))]
