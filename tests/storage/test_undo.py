"""The storage contract: samples that were replaced or removed are kept, and undone."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, NA, REMOVE, Coord, DateTime, Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import UnknownChange
from haystack_app.storage.sample_edits import IMPORT, Origin
from tests.storage.building import at, point

NOON = at("2024-03-01 12:00").utc
MINUTE = dt.timedelta(minutes=1)


def load(store: StorageAdapter, *ids: str, **tags: Any) -> None:
    store.load_entities([point(id, cur=MARKER, **tags) for id in ids or ("p",)])


def write(
    store: StorageAdapter,
    values: dict[int, Any],
    id: str = "p",
    origin: Origin | None = None,
) -> None:
    rows = [(DateTime(NOON + m * MINUTE, "New_York"), v) for m, v in values.items()]
    store.his_write(id, rows, NOON + 100_000 * MINUTE, origin=origin)


def numbers(*vals: Any) -> dict[int, Any]:
    return {m: Number(v) for m, v in enumerate(vals) if v is not None}


def held(store: StorageAdapter, id: str = "p") -> dict[int, Any]:
    return {
        round((row["ts"].utc - NOON) / MINUTE): row["val"] for row in store.his_read(id)
    }


def last(store: StorageAdapter) -> str:
    return store.sample_changes()[0].origin.change


def test_appends_keep_nothing(store: StorageAdapter) -> None:
    load(store)
    write(store, numbers(1, 2))
    write(store, {3: Number(4)})
    write(store, {-3: Number(4)})
    write(store, numbers(1, 2))
    assert store.sample_changes() == []


def test_a_replaced_sample(store: StorageAdapter) -> None:
    load(store)
    write(store, numbers(1, 2, 3))
    write(store, numbers(1, 5, 6), origin=Origin("ann"))
    [change] = store.sample_changes()
    assert (change.origin.user, change.origin.kind) == ("ann", "hisWrite")
    assert (change.points, change.samples) == (1, 2)
    [edit] = store.sample_edits(change.origin.change)
    assert [(before, after) for _, before, after in edit.samples] == [(2, 5), (3, 6)]
    done = store.undo_samples(change.origin.change, user="bob")
    assert (done.restored, done.conflicts, done.missing) == (2, [], [])
    assert held(store) == numbers(1, 2, 3)
    assert store.existing("p")["curVal"] == Number(3)
    undo = store.sample_changes()[0]
    assert (undo.origin.user, undo.origin.kind) == ("bob", "undo")
    store.undo_samples(undo.origin.change)
    assert held(store) == numbers(1, 5, 6)


def test_removed_samples(store: StorageAdapter) -> None:
    load(store)
    write(store, numbers(1, 2, 3))
    write(store, {0: REMOVE, 2: REMOVE, 9: REMOVE})
    assert held(store) == {1: Number(2)}
    assert store.undo_samples(last(store)).restored == 2
    assert held(store) == numbers(1, 2, 3)
    record = store.existing("p")
    assert (record["hisSize"], record["hisEndVal"]) == (Number(3), Number(3))


def test_samples_between_others_go_again(store: StorageAdapter) -> None:
    load(store)
    write(store, numbers(1, None, 3))
    write(store, numbers(7, 8, 3))
    assert store.undo_samples(last(store)).restored == 2
    assert held(store) == numbers(1, None, 3)


def test_what_was_changed_since_stays(store: StorageAdapter) -> None:
    load(store)
    write(store, numbers(1, 2, 3))
    write(store, numbers(4, 5, 6))
    change = last(store)
    write(store, {1: Number(50), 2: REMOVE})
    done = store.undo_samples(change)
    assert done.restored == 1
    assert [round(t / 60e6 - NOON.timestamp() / 60) for _, t in done.conflicts] == [
        1,
        2,
    ]
    assert held(store) == numbers(1, 50)


def test_an_undo_can_be_repeated(store: StorageAdapter) -> None:
    load(store)
    write(store, numbers(1))
    write(store, numbers(2))
    change = last(store)
    assert store.undo_samples(change).restored == 1
    done = store.undo_samples(change)
    assert (done.restored, done.conflicts) == (0, [])
    assert len(store.sample_changes()) == 2


def test_an_import_as_a_whole(store: StorageAdapter) -> None:
    load(store, "a", "b")
    for id in "ab":
        write(store, numbers(1, 2, 3), id)
    origin = Origin("ann", IMPORT)
    for id, vals in (("a", (9, 2)), ("b", (1, 8)), ("a", (7, 6, 5))):
        write(store, numbers(*vals), id, origin)
    [change] = store.sample_changes()
    assert (change.points, change.samples) == (2, 5)
    assert store.undo_samples(origin.change).restored == 4
    assert held(store, "a") == held(store, "b") == numbers(1, 2, 3)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("Number", [Number(1), NA, Number(float("nan")), Number(float("inf"))]),
        ("Bool", [True, False, NA]),
        ("Str", ["a", "b", NA, ""]),
        ("Coord", [Coord(1, 2), Coord(3, 4)]),
    ],
)
def test_all_kinds(store: StorageAdapter, kind: str, values: list[Any]) -> None:
    load(store, kind=kind)
    write(store, dict(enumerate(values)))
    before = repr(held(store))
    write(store, dict(enumerate(values)))
    assert store.sample_changes() == []
    write(store, dict(enumerate(reversed(values))))
    assert repr(held(store)) != before
    store.undo_samples(last(store))
    assert repr(held(store)) == before


def test_a_scope(store: StorageAdapter) -> None:
    load(store, "a", site=MARKER)
    load(store, "b")
    origin = Origin("ann", IMPORT)
    for id in "ab":
        write(store, numbers(1), id)
        write(store, numbers(2), id, origin)
    view = store.visible_to(parse("site"))
    [change] = view.sample_changes()
    assert (change.points, change.samples) == (1, 1)
    assert view.sample_changes(id="b") == []
    assert view.undo_samples(origin.change).restored == 1
    assert (held(store, "a"), held(store, "b")) == (numbers(1), numbers(2))
    other = store.visible_to(parse("nosuch"))
    assert other.sample_changes() == []
    with pytest.raises(UnknownChange):
        other.undo_samples(origin.change)


def test_a_point_that_is_gone(store: StorageAdapter) -> None:
    load(store, "a", "b")
    origin = Origin()
    for id in "ab":
        write(store, numbers(1), id)
        write(store, numbers(2), id, origin)
    store.commit([], remove=["a"])
    done = store.undo_samples(origin.change)
    assert (done.restored, done.missing) == (1, ["a"])


def test_unknown_changes(store: StorageAdapter) -> None:
    with pytest.raises(UnknownChange, match="'nosuch' not found"):
        store.undo_samples("nosuch")


def test_without_the_setting(store: StorageAdapter, settings: Any) -> None:
    load(store)
    write(store, numbers(1))
    settings.HAYSTACK = {**settings.HAYSTACK, "SAMPLE_UNDO_DAYS": 0}
    write(store, numbers(2))
    assert store.sample_changes() == []


def test_old_edits_are_deleted(store: StorageAdapter) -> None:
    load(store)
    write(store, numbers(1))
    write(store, numbers(2))
    write(store, numbers(3))
    assert store.prune_edits(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)) == 0
    assert store.prune_edits(dt.datetime(2100, 1, 1, tzinfo=dt.UTC)) == 2
    assert store.sample_changes() == []


def test_a_failed_write_keeps_nothing(store: StorageAdapter) -> None:
    load(store)
    write(store, numbers(1))
    with pytest.raises(RuntimeError), store.locked(["p"]):
        write(store, numbers(2))
        raise RuntimeError
    assert store.sample_changes() == []


@pytest.mark.parametrize("seed", range(5))
def test_random_changes_undone_one_by_one(store: StorageAdapter, seed: int) -> None:
    """Undone from the newest to the oldest, each state comes back."""
    chance = random.Random(seed)
    load(store)
    write(store, {m: Number(m) for m in range(0, 60, chance.randint(1, 4))})
    states = []
    for _ in range(12):
        before, count = held(store), len(store.sample_changes())
        choices = [*map(Number, range(4)), NA, REMOVE]
        minutes = chance.sample(range(-5, 60), chance.randint(1, 20))
        write(store, {m: chance.choice(choices) for m in minutes})
        if len(store.sample_changes()) > count:
            states.append((before, last(store), held(store)))
    for before, change, after in reversed(states):
        if held(store) == after:  # appends and backfills between stay
            store.undo_samples(change)
            assert held(store) == before


def test_a_long_undo_has_parts(
    store: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A point with more samples than one transaction may have is undone in several."""
    monkeypatch.setattr("haystack_app.storage.undo._SAMPLES", 2)
    load(store, "a", "b")
    origin = Origin(kind=IMPORT)
    for id in "ab":
        write(store, numbers(1, 2, 3), id)
        write(store, numbers(4, 5, 6), id, origin)
    seen: list[tuple[int, int]] = []
    done = store.undo_samples(
        origin.change, progress=lambda *counts: seen.append(counts)
    )
    assert (done.restored, done.conflicts) == (6, [])
    assert seen == [(0, 6), (2, 6), (4, 6)]
    for id in "ab":
        assert held(store, id) == numbers(1, 2, 3)


def test_a_whole_origin_keeps_what_it_adds(store: StorageAdapter) -> None:
    load(store)
    write(store, numbers(1))
    origin = Origin("joe", IMPORT, reason="trends.csv", is_whole=True)
    write(store, {3: Number(4), 4: Number(5)}, origin=origin)
    [change] = store.sample_changes()
    assert (change.samples, change.origin) == (2, origin)
    assert store.undo_samples(last(store)).restored == 2
    assert held(store) == numbers(1)
