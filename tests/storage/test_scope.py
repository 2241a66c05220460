"""A store restricted to a scope: other entities do not exist for it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from typing import Any

import pytest

from haystack_app import filters
from haystack_app.defs import shipped
from haystack_app.filters import Filter, matches
from haystack_app.kinds import MARKER, REMOVE, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.errors import (
    EntityInUse,
    InvalidRecord,
    OutOfScope,
    StorageError,
    UnknownEntity,
)
from tests.filters.generator import Generator
from tests.storage.building import at, entity, given, history, ids, numbers, point

Store = StorageAdapter
NOON = at("2024-03-01 12:00")
NORTH = filters.parse("siteRef == @north or id == @north")
SEED = os.environ.get("FUZZ_SEED") or "ci"


@pytest.fixture
def campus(store: Store) -> Store:
    """Two sites of the same make; a point here refers to an ahu there."""
    store.load_entities([], replace=True)
    rows: list[dict[str, Any]] = []
    for site in ("north", "south"):
        at_site = {"siteRef": Ref(site)}
        ahu = {"equipRef": Ref(f"{site}-ahu")}
        rows += [
            entity(site, site=MARKER, dis=site, area=Number(5)),
            entity(f"{site}-ahu", equip=MARKER, ahu=MARKER, dis="AHU", **at_site),
            point(f"{site}-p", writable=MARKER, **ahu, **at_site),
            point(f"{site}-q", **ahu, **at_site),
        ]
    rows[2]["otherRef"] = Ref("south-ahu")
    store.load_entities(rows)
    for id in ("north-p", "south-p"):
        store.his_write(id, numbers(3, NOON))
        store.point_write(id, 9, Number(1), "joe")
    return store


@pytest.fixture
def north(campus: Store) -> Store:
    return campus.visible_to(NORTH)


def test_only_what_matches_is_there(campus: Store, north: Store) -> None:
    mine = ["north", "north-ahu", "north-p", "north-q"]
    assert sorted(ids(north.read("id"))) == mine
    assert ids(north.scan()) == mine
    assert ids(north.page("id", "", 10)) == mine
    assert ids(north.page("point", "north-p", 10)) == ["north-q"]
    assert ids(north.read_by_ids(["south", "north", "missing"])) == [
        None,
        "north",
        None,
    ]
    assert ids(north.nav()) == ["north"]
    assert ids(north.nav("north")) == ["north-ahu"]
    assert len(campus.read("id")) == 8


def test_an_or_stands_beside_other_conditions(campus: Store, north: Store) -> None:
    for store, last in ((campus, "south-q"), (north, "north-q")):
        found = store.page("point or equip or dis", "", 20)
        assert ids(found)[-1] == last
        assert ids(store.page("point or equip or dis", last, 20)) == []


def test_paths_end_where_the_scope_ends(campus: Store, north: Store) -> None:
    for text in ("otherRef->ahu", "otherRef->siteRef->site", "otherRef->dis == @x"):
        assert ids(north.read(text)) == []
    assert ids(campus.read("otherRef->ahu")) == ["north-p"]
    assert ids(north.read("not otherRef->ahu and writable")) == ["north-p"]
    assert sorted(ids(north.read("equipRef->siteRef->site"))) == ["north-p", "north-q"]
    assert sorted(ids(north.read("equipRef->ahu and siteRef->dis"))) == [
        *("north-p", "north-q")
    ]


def test_symbols_in_the_scope_and_in_the_filter(campus: Store) -> None:
    equips = campus.visible_to(filters.parse("^equip"))
    assert sorted(ids(equips.read("id"))) == ["north-ahu", "south-ahu"]
    assert sorted(ids(equips.read("^ahu"))) == ["north-ahu", "south-ahu"]
    assert ids(equips.read("siteRef->site")) == []


CALLS: dict[str, Callable[[Store, str], Any]] = {
    "existing": lambda store, id: store.existing(id),
    "nav": lambda store, id: store.nav(id),
    "his_read": lambda store, id: store.his_read(id),
    "his_write": lambda store, id: store.his_write(id, numbers(1, NOON)),
    "point_write": lambda store, id: store.point_write(id, 3, Number(1), "eve"),
    "point_array": lambda store, id: store.point_array(id, dt.datetime.now(dt.UTC)),
    "update": lambda store, id: store.update_entities(
        [entity(id, x=MARKER)], force=True
    ),
    "transient": lambda store, id: store.update_transient(
        [entity(id, curVal=Number(1))], force=True
    ),
    "cur_write": lambda store, id: store.cur_write({id: Current(Number(1))}),
    "remove": lambda store, id: store.remove_entities([entity(id)], force=True),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_hidden_entity_is_an_unknown_one(
    campus: Store, north: Store, call: str
) -> None:
    before = [record.raw for record in campus.scan()]
    for id in ("south-p", "missing"):
        with pytest.raises(UnknownEntity) as refused:
            CALLS[call](north, id)
        assert str(refused.value) == f"unknown entity @{id}"
    assert [record.raw for record in campus.scan()] == before
    assert len(history(campus, "south-p")) == 3


def test_a_batch_with_one_hidden_entity_changes_nothing(
    campus: Store, north: Store
) -> None:
    with pytest.raises(UnknownEntity):
        north.his_write_all({"north-p": numbers(9, NOON), "south-p": []})
    with pytest.raises(UnknownEntity):
        rows = [entity("north-p", x=MARKER), entity("south-p", x=MARKER)]
        north.update_entities(rows, force=True)
    assert len(history(campus, "north-p")) == 3
    assert ids(campus.read("x")) == []


@pytest.mark.parametrize(
    "load",
    [
        lambda store, row: store.load_entities(
            [entity("north-x", siteRef=Ref("north")), row]
        ),
        lambda store, row: store.add_entities(
            [entity("north-x", siteRef=Ref("north")), row]
        ),
        lambda store, row: store.create(row),
    ],
)
@pytest.mark.parametrize(
    "row",
    [
        entity("new"),
        entity("new", siteRef=Ref("south")),
        entity("south-p", siteRef=Ref("north")),
    ],
)
def test_nothing_is_added_or_overwritten_out_of_scope(
    campus: Store, north: Store, load: Callable[[Store, Any], Any], row: Any
) -> None:
    before = [record.raw for record in campus.scan()]
    logged = len(campus.changes_of("south-p"))
    with pytest.raises(OutOfScope):
        load(north, row)
    assert [record.raw for record in campus.scan()] == before
    assert len(campus.changes_of("south-p")) == logged
    assert campus.changes_of("north-x") == []
    assert ids(campus.read("siteRef == @south and point and equipRef->ahu")) != []


def test_an_update_must_not_leave_the_scope(campus: Store, north: Store) -> None:
    for value in (Ref("south"), REMOVE):
        with pytest.raises(OutOfScope):
            north.update_entities([entity("north-p", siteRef=value)], force=True)
    assert campus.existing("north-p")["siteRef"] == Ref("north")
    [record] = north.update_entities([entity("north-p", x=MARKER)], force=True)
    assert given(record)["x"] is MARKER
    assert ids(north.add_entities([entity("new", siteRef=Ref("north"))])) == ["new"]


def test_replacing_all_replaces_what_is_seen(campus: Store, north: Store) -> None:
    changes = north.load_entities([entity("north", site=MARKER)], replace=True)
    assert sorted(changes.removed) == ["north-ahu", "north-p", "north-q"]
    assert len(campus.read("siteRef == @south")) == 3
    assert north.commit([], remove=["south", "north"]).removed == ["north"]


def test_a_refused_replacement_changes_nothing(campus: Store, north: Store) -> None:
    before = [record.raw for record in campus.scan()]
    with pytest.raises(OutOfScope):
        north.load_entities([entity("new", siteRef=Ref("south"))], replace=True)
    assert [record.raw for record in campus.scan()] == before
    assert len(history(campus, "north-p")) == 3
    assert len(campus.point_array("north-p", dt.datetime.now(dt.UTC))) == 1
    assert ids(campus.read("otherRef->ahu")) == ["north-p"]


def test_transient_tags_must_not_leave_the_scope(campus: Store) -> None:
    view = campus.visible_to(filters.parse("siteRef == @north and not curErr"))
    with pytest.raises(OutOfScope):
        view.update_transient([entity("north-p", curErr="broken")], force=True)
    assert ids(campus.read("curErr")) == []
    [record] = view.update_transient([entity("north-p", curVal=Number(7))], force=True)
    assert record["curVal"] == Number(7)


def test_what_had_the_id_before_stays_hidden(campus: Store, north: Store) -> None:
    campus.update_entities([entity("south-p", dis="secret")], force=True)
    campus.remove_entities([entity("south-p")], force=True)
    north.add_entities([point("south-p", siteRef=Ref("north"))])
    north.update_entities([entity("south-p", dis="mine")], force=True)
    kinds = [change.kind for change in north.changes_of("south-p")]
    assert kinds == ["update", "add"]
    assert len(campus.changes_of("south-p")) == 5


def test_referrers_and_changes_are_those_that_are_seen(
    campus: Store, north: Store
) -> None:
    campus.load_entities([entity("south-x", siteRef=Ref("south"), to=Ref("north-q"))])
    assert north.referrers(["north-q"], 10) == []
    assert campus.referrers(["north-q"], 10) == ["south-x"]
    assert north.changes_of("south-p") == []
    assert len(north.changes_of("north-p")) == 1
    with pytest.raises(EntityInUse, match=r"@north-p, @north-q$"):
        north.remove_entities([entity("north-ahu")], force=True, orphan=False)
    with pytest.raises(InvalidRecord, match="already exists"):
        north.add_entities([entity("north-q")])
    with pytest.raises(InvalidRecord, match="@north-q already exists"):
        north.add_entities([entity("north-q", siteRef=Ref("south"))])


def expected(tree: Filter, scope: Filter, records: list[Any]) -> set[str]:
    """By the matcher, over what the scope leaves."""
    by_id = {record["id"].id: record for record in records}
    seen = {id: tags for id, tags in by_id.items() if matches(scope, tags, by_id.get)}
    return {id for id, tags in seen.items() if matches(tree, tags, seen.get)}


def symbols_resolved(trees: list[Filter]) -> list[Filter]:
    return [filters.resolve_symbols(tree, shipped().implementations) for tree in trees]


@pytest.mark.parametrize("index", range(6))
def test_random_scopes(store: Store, index: int) -> None:
    """For any scope and filter; hidden content makes no difference."""
    generator = Generator(f"{SEED}-scope-{index}")
    store.load_entities([], replace=True)
    store.load_entities(generator.records())
    records = [dict(record) for record in store.scan()]
    # a statement repeats its scope for each table: many small ones find more
    drawn = [
        *generator.filters(records, 10, depth=1),
        *generator.filters(records, 2, depth=2),
    ]
    scopes = symbols_resolved(drawn)
    trees = symbols_resolved(generator.filters(records, 30))
    answered = 0
    for number, scope in enumerate(scopes):
        view = store.visible_to(scope)
        assert set(ids(view.scan())) == expected(filters.parse("id"), scope, records)
        for tree in trees[number % 2 :: 2]:
            right = expected(tree, scope, records)
            assert set(ids(view.read(tree))) == right
            answered += bool(right)
    assert answered


def observed(view: Store) -> list[Any]:
    """All that a caller can read or receive, for a comparison."""
    found: list[Any] = [sorted(record.raw for record in view.scan())]
    for text in ("id", "siteRef->dis", "not otherRef->ahu", "otherRef->area > 3"):
        found.append(sorted(ids(view.read(text))))
        found.append(len(view.read(text)))
        found.append(sorted(view.read(text).names))
    for id in ("south", "south-p", "south-new", "north-p", "missing"):
        for name, call in CALLS.items():
            if id.startswith("north") and name != "his_read":
                continue
            try:
                found.append(repr(type(call(view, id))))
            except StorageError as err:
                found.append((type(err), str(err)))
        found.append([change.kind for change in view.changes_of(id)])
    found.append(view.referrers(["north", "north-ahu", "north-q"], 50))
    return found


def test_nothing_tells_what_is_hidden(campus: Store, north: Store) -> None:
    before = observed(north)
    campus.load_entities(
        [
            entity("south", site=MARKER, dis="changed", area=Number(1)),
            point("south-p", writable=MARKER, siteRef=Ref("south"), to=Ref("north-q")),
            entity("south-new", siteRef=Ref("south"), ahu=MARKER, toRef=Ref("north")),
        ]
    )
    campus.remove_entities([entity("south-ahu")], force=True)
    assert observed(north) == before


def test_a_watch_tells_nothing_of_what_is_hidden(campus: Store, north: Store) -> None:
    now = dt.datetime.now(dt.UTC)
    every = ["north-p", "south-p", "south-ahu", "south-new", "south"]
    watches = [
        north.watch_open("t", owner="eve", lease=60, now=now, filter=text).id
        for text in (None, "point and not otherRef->ahu", "id", "equipRef->dis")
    ]
    _, rows = north.watch_sub(watches[0], every, now=now)
    assert ids(rows) == ["north-p", None, None, None, None]
    told = [north.watch_poll(id, now=now) for id in watches[1:]]
    assert [len(news.records) for news in told] == [2, 4, 2]
    campus.load_entities(
        [
            point("south-p", writable=MARKER, siteRef=Ref("south"), x=MARKER),
            entity("south-new", siteRef=Ref("south"), ahu=MARKER),
        ]
    )
    campus.set_transient({"south-p": {"curVal": Number(1)}})
    campus.remove_entities([entity("south-ahu")], force=True)
    acks = dict.fromkeys(watches, 1)
    assert north.watch_updates(acks, subscriber="", now=now) == {}
    for id in watches:
        assert not north.watch_poll(id, now=now)
        assert not north.watch_poll(id, now=now).gone
    refreshed = north.watch_poll(watches[0], now=now, refresh=True)
    assert ids(refreshed.records) == ["north-p"]
