"""Undoing commits on every store: the reverse of a commit restores what was before."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from haystack_app import filters
from haystack_app.kinds import MARKER, REMOVE, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.dangling_refs import DanglingRef
from haystack_app.storage.errors import (
    ChangedSince,
    GuardedTags,
    InvalidRecord,
    LargeCommit,
    OutOfScope,
    RefsOutOfScope,
    StorageError,
    UnknownLogEntry,
)
from haystack_app.storage.samples import HisPoint
from tests.storage.building import at, entity, numbers, point

Store = StorageAdapter
NORTH = filters.parse("siteRef == @north or id == @north")


def end_of(store: Store) -> int:
    return store.changes_since(None, 1).cursor


def cursors(store: Store, after: int) -> list[int]:
    return [place for place, _ in store.changes_since(after, 1_000).entries]


def last(store: Store, id: str) -> int:
    """The cursor of the newest change of an entity."""
    [change] = store.changes_of(id, 1)
    assert change.cursor is not None
    return change.cursor


def state(store: Store) -> dict[str, dict[str, Any]]:
    return {
        row["id"].id: {name: tag for name, tag in row.items() if name != "mod"}
        for row in store.scan()
    }


@pytest.fixture
def filled(store: Store) -> Store:
    store.load_entities(
        [
            entity("site", site=MARKER, dis="Site", area=Number(100, "ft²")),
            entity("ahu", equip=MARKER, siteRef=Ref("site"), dis="AHU"),
            point("p", siteRef=Ref("site"), equipRef=Ref("ahu"), dis="Temp"),
            point("q", siteRef=Ref("site"), dis="Flow"),
        ],
        replace=True,
    )
    return store


def test_cursors_of_an_entity_are_those_of_the_log(filled: Store) -> None:
    begin = end_of(filled)
    filled.update_entities([{"id": Ref("p"), "dis": "T"}], force=True)
    [cursor] = cursors(filled, begin)
    assert last(filled, "p") == cursor
    assert next(one.cursor for one in filled.changes_of("p")) == cursor


def test_commit_of_an_entry(filled: Store) -> None:
    begin = end_of(filled)
    rows = [{"id": Ref(id), "v": Number(1)} for id in ("p", "q", "ahu")]
    filled.update_entities(rows, force=True, who="joe")
    filled.update_entities([{"id": Ref("p"), "v": Number(2)}], force=True, who="joe")
    first, second, third, other = cursors(filled, begin)
    for cursor in (first, second, third):
        found = filled.logged_commit(cursor)
        assert [one.cursor for one in found] == [first, second, third]
        assert {one.id for one in found} == {"p", "q", "ahu"}
        assert [one.cursor for one in filled.logged_commit(cursor, 2)] == [
            first,
            second,
        ]
    assert [one.id for one in filled.logged_commit(other)] == ["p"]
    for unknown in (0, -1, other + 1, 1 << 63, 1 << 80):
        assert filled.logged_commit(unknown) == []
        with pytest.raises(UnknownLogEntry):
            filled.revert(unknown)


def test_tags_are_set_back(filled: Store) -> None:
    before = state(filled)
    change = {"id": Ref("p"), "dis": "Other", "new": MARKER, "equipRef": REMOVE}
    filled.update_entities([change, {"id": Ref("q"), "dis": "F"}], force=True)
    plan = filled.reversal(last(filled, "p"))
    assert (plan.updated, plan.conflicts) == (["p", "q"], [])
    assert state(filled) != before
    done = filled.revert(last(filled, "p"), who="ann")
    assert sorted(done.updated) == ["p", "q"]
    assert state(filled) == before
    newest = filled.changes_of("p")[0]
    assert (newest.kind, newest.who) == ("update", "ann")
    # the undo is a commit, and can be undone
    filled.revert(last(filled, "p"))
    assert state(filled)["p"]["dis"] == "Other"


def test_what_was_changed_since_is_a_conflict(filled: Store) -> None:
    rows = [{"id": Ref("p"), "dis": "A", "v": Number(1)}, {"id": Ref("q"), "dis": "B"}]
    filled.update_entities(rows, force=True)
    cursor = last(filled, "q")
    filled.update_entities([{"id": Ref("p"), "dis": "C"}], force=True)
    held = state(filled)
    with pytest.raises(ChangedSince) as caught:
        filled.revert(cursor)
    assert str(caught.value) == '@p dis: is "C" now; the change made it "A"'
    assert state(filled) == held
    done = filled.revert(cursor, partly=True)
    assert [one.tag for one in done.conflicts] == ["dis"]
    found = state(filled)
    assert (found["p"]["dis"], "v" in found["p"], found["q"]["dis"]) == (
        *("C", False),
        "Flow",
    )


def test_set_back_already(filled: Store) -> None:
    filled.update_entities([{"id": Ref("p"), "dis": "A"}], force=True)
    cursor, mod = last(filled, "p"), filled.existing("p")["mod"]
    filled.revert(cursor)
    mod = filled.existing("p")["mod"]
    done = filled.revert(cursor)
    assert (done.unchanged, done.put, done.conflicts) == (["p"], {}, [])
    assert filled.existing("p")["mod"] == mod


def test_one_entity_and_one_tag(filled: Store) -> None:
    rows = [{"id": Ref("p"), "dis": "A", "v": Number(1)}, {"id": Ref("q"), "dis": "B"}]
    filled.update_entities(rows, force=True)
    cursor = last(filled, "q")
    filled.revert(cursor, id="p", tag="v")
    found = state(filled)
    assert (found["p"]["dis"], "v" in found["p"], found["q"]["dis"]) == (
        "A",
        False,
        "B",
    )
    filled.revert(cursor, id="q")
    assert state(filled)["q"]["dis"] == "Flow"
    for wrong in (
        {"id": "ahu"},
        {"id": "p", "tag": "area"},
        {"tag": "dis"},
    ):
        with pytest.raises(InvalidRecord):
            filled.revert(cursor, **wrong)  # type: ignore[arg-type]


def test_removed_entities_are_added_again(filled: Store) -> None:
    filled.his_write("p", numbers(3, at("2024-03-01 12:00")))
    before = state(filled)
    filled.commit([], remove=["p", "ahu"], who="joe")
    cursor = last(filled, "p") if filled.changes_of("p") else end_of(filled)
    done = filled.revert(cursor)
    assert (sorted(done.added), done.samples_lost) == (["ahu", "p"], ["p"])
    found = state(filled)
    facts = {"hisSize", "hisStart", "hisEnd", "hisStartVal", "hisEndVal"}
    assert {name: tag for name, tag in before["p"].items() if name not in facts} == {
        name: tag for name, tag in found["p"].items() if name not in facts
    }
    assert HisPoint.of(filled.existing("p")).id == "p"
    filled.commit([], remove=["p"])
    filled.load_entities([point("p", dis="another")])
    with pytest.raises(ChangedSince, match="@p: exists again"):
        filled.revert(cursor, id="p")


def test_restored_refs_to_what_no_longer_exists_are_listed(filled: Store) -> None:
    filled.update_entities([{"id": Ref("p"), "equipRef": REMOVE}], force=True)
    cursor = last(filled, "p")
    filled.commit([], remove=["ahu"])
    done = filled.revert(cursor)
    assert done.dangling == [DanglingRef("p", "equipRef", "ahu")]


def test_added_entities_are_removed(filled: Store) -> None:
    before = state(filled)
    filled.load_entities(
        [
            entity("new", equip=MARKER, siteRef=Ref("site")),
            point("r", equipRef=Ref("new")),
            point("q", siteRef=Ref("site"), dis="Flow", equipRef=Ref("new")),
        ]
    )
    done = filled.revert(last(filled, "new"))
    assert (sorted(done.removed), done.updated) == (["new", "r"], ["q"])
    assert state(filled) == before


def test_what_stays_keeps_what_it_refers_to(filled: Store) -> None:
    filled.load_entities(
        [
            entity("a-site", site=MARKER),
            entity("b-ahu", equip=MARKER, siteRef=Ref("a-site")),
            point("c-p", equipRef=Ref("b-ahu")),
            point("d-p"),
        ]
    )
    filled.his_write("c-p", numbers(3, at("2024-03-01 12:00")))
    done = filled.revert(last(filled, "c-p"), partly=True)
    assert done.removed == ["d-p"]
    assert [(one.id, one.reason.split(";")[0]) for one in done.conflicts] == [
        ("a-site", "is referenced by @b-ahu"),
        ("b-ahu", "is referenced by @c-p"),
        ("c-p", "has samples, which would be deleted"),
    ]


@pytest.mark.parametrize("scope", [None, filters.parse("dis")])
def test_an_undo_of_many_takes_no_more_statements(store: Store, scope: Any) -> None:
    if (using := getattr(store, "using", None)) is None:
        return  # other stores have no statements
    counts = []
    for many in (5, 50):
        rows = [point(f"p{many}-{n}", dis="P") for n in range(many)]
        store.load_entities(rows)
        cursor = last(store, f"p{many}-0")
        with CaptureQueriesContext(connections[using]) as queries:
            store.visible_to(scope).reversal(cursor)
        counts.append(len(queries))
    assert counts[1] <= counts[0]


def test_used_entities_are_removed_only_with_force(filled: Store) -> None:
    filled.load_entities([entity("new", equip=MARKER), point("r", dis="R")])
    cursor = last(filled, "new")
    filled.update_entities([{"id": Ref("q"), "equipRef": Ref("new")}], force=True)
    filled.his_write("r", numbers(1, at("2024-03-01 12:00")))
    with pytest.raises(ChangedSince) as caught:
        filled.revert(cursor)
    assert "@new: is referenced by @q; use force" in str(caught.value)
    assert "@r: has samples, which would be deleted; use force" in str(caught.value)
    assert {"new", "r"} <= state(filled).keys()
    filled.revert(cursor, force=True)
    assert not {"new", "r"} & state(filled).keys()


def test_added_and_changed_since(filled: Store) -> None:
    filled.load_entities([entity("new", equip=MARKER)])
    cursor = last(filled, "new")
    filled.update_entities([{"id": Ref("new"), "dis": "mine"}], force=True)
    with pytest.raises(ChangedSince, match="was changed since it was added"):
        filled.revert(cursor, force=True)
    filled.commit([], remove=["new"])
    assert filled.revert(cursor).unchanged == ["new"]


# -- scopes -------------------------------------------------------------------


@pytest.fixture
def campus(store: Store) -> Store:
    rows = [entity(site, site=MARKER, dis=site) for site in ("north", "south")]
    rows += [
        point(f"{site}-{name}", siteRef=Ref(site), dis=name)
        for site in ("north", "south")
        for name in "pq"
    ]
    store.load_entities(rows, replace=True)
    return store


def test_a_scope_undoes_only_what_it_sees(campus: Store) -> None:
    rows = [{"id": Ref(f"{site}-p"), "dis": "X"} for site in ("north", "south")]
    campus.update_entities(rows, force=True)
    north = campus.visible_to(NORTH)
    hidden = last(campus, "south-p")
    with pytest.raises(UnknownLogEntry):
        north.revert(hidden)
    assert north.revert(last(campus, "north-p")).updated == ["north-p"]
    found = state(campus)
    assert (found["north-p"]["dis"], found["south-p"]["dis"]) == ("p", "X")
    with pytest.raises(InvalidRecord, match="did not change @south-p"):
        north.revert(last(campus, "north-p"), id="south-p")


def test_what_is_too_large_is_said_of_commits_that_are_seen(campus: Store) -> None:
    rows = [{"id": Ref(f"{site}-p"), "dis": "X"} for site in ("north", "south")]
    campus.update_entities(rows, force=True)
    north = campus.visible_to(NORTH)
    with pytest.raises(LargeCommit, match="more than 1 entities"):
        north.commit_entries(last(campus, "north-p"), 1)
    for unknown in (last(campus, "south-p"), 0, 1 << 80):
        with pytest.raises(UnknownLogEntry):
            north.commit_entries(unknown, 1)


def test_a_scope_with_not_does_not_show_what_was_removed_with_its_site(
    campus: Store,
) -> None:
    """A path to a removed site matches nothing, so that its negation matches all."""
    campus.update_entities([{"id": Ref("south"), "secret": MARKER}], force=True)
    open_ones = campus.visible_to(filters.parse("not siteRef->secret"))
    begin = end_of(campus)
    campus.commit([], remove=["south", "south-p"])
    for place, _ in campus.changes_since(begin, 9).entries[1:]:
        with pytest.raises(UnknownLogEntry):
            open_ones.commit_entries(place)
    campus.commit([], remove=["south-q"])
    [place] = cursors(campus, place)
    with pytest.raises(UnknownLogEntry):
        open_ones.commit_entries(place)


def test_a_scope_adds_again_only_what_it_saw(campus: Store) -> None:
    begin = end_of(campus)
    campus.commit([], remove=["north-p", "south-p"])
    places = {
        change.id: place for place, change in campus.changes_since(begin, 9).entries
    }
    north = campus.visible_to(NORTH)
    with pytest.raises(UnknownLogEntry):
        north.revert(places["south-p"])
    assert north.revert(places["north-p"]).added == ["north-p"]
    assert "south-p" not in state(campus)


def test_a_scope_is_not_left_by_undo(campus: Store) -> None:
    """Once an entity of another site, it may not go back by an undo."""
    campus.update_entities(
        [{"id": Ref("south-p"), "siteRef": Ref("north")}], force=True
    )
    north = campus.visible_to(NORTH)
    with pytest.raises((OutOfScope, RefsOutOfScope, GuardedTags)):
        north.revert(last(campus, "south-p"))
    assert state(campus)["south-p"]["siteRef"] == Ref("north")


def test_earlier_entities_of_an_id_stay_hidden(campus: Store) -> None:
    campus.update_entities([{"id": Ref("south-p"), "dis": "secret"}], force=True)
    campus.update_entities([{"id": Ref("south-p"), "dis": "p"}], force=True)
    cursor = last(campus, "south-p")
    campus.commit([], remove=["south-p"])
    campus.load_entities([point("south-p", siteRef=Ref("north"), dis="p")])
    with pytest.raises(UnknownLogEntry):
        campus.visible_to(NORTH).revert(cursor)


# -- any commits --------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_undone_in_reverse_order_all_commits_leave_nothing(
    store: Store, seed: int
) -> None:
    """Histories are not part of it; names of tags and ids are few, so that they meet."""
    chance = random.Random(f"revert {seed}")
    store.load_entities([], replace=True)
    states, entries = [], []
    for _ in range(25):
        states.append(state(store))
        begin = end_of(store)
        try:
            _random_commit(store, chance)
        except StorageError:
            states.pop()
            continue
        if found := cursors(store, begin):
            entries.append(chance.choice(found))
        else:
            states.pop()
    for before, cursor in zip(reversed(states), reversed(entries), strict=True):
        plan = store.reversal(cursor, force=True)
        done = store.revert(cursor, force=True)
        assert (plan.put, plan.removed) == (done.put, done.removed)
        assert state(store) == before
    assert state(store) == {}


def _random_commit(store: Store, chance: random.Random) -> None:
    ids = [f"e{number}" for number in range(6)]
    present = sorted(state(store))
    action = chance.choice(("load", "load", "update", "remove"))
    if action == "remove" and present:
        store.commit([], remove=chance.sample(present, chance.randint(1, len(present))))
        return
    chosen = chance.sample(ids, chance.randint(1, 4))
    rows = [{"id": Ref(id), **_tags(chance, ids)} for id in chosen]
    if action == "update":
        rows = [
            {**row, chance.choice("abc"): REMOVE}
            for row in rows
            if row["id"].id in present
        ]
        store.update_entities(rows, force=True)
    else:
        store.load_entities(rows)


def _tags(chance: random.Random, ids: list[str]) -> dict[str, Any]:
    values = [MARKER, True, Number(1), Number(1, "kW"), Number(float("nan")), "1"]
    values += [Ref(chance.choice(ids)), [Ref("e1"), "x"], {"a": Number(1)}, False]
    names = chance.sample("abcd", chance.randint(0, 3))
    return {name: chance.choice(values) for name in names}
