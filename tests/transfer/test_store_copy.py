"""Copies of stores: identical, resumable, and without accidental overwrites."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haystack_app.kinds import MARKER, NA, Number, Ref
from haystack_app.kinds.series import Chunk
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.transfer import store_copy
from haystack_app.transfer.checksums import HistorySum
from haystack_app.transfer.history_sync import SampleConflict
from haystack_app.transfer.store_copy import (
    MERGE,
    REPLACE,
    TargetNotEmpty,
    copy_store,
)
from haystack_app.transfer.verification import verify
from tests import strategies
from tests.storage.building import entity, history, point
from tests.transfer.stores import NOON, filled_store, later


def differences(
    source: StorageAdapter, target: StorageAdapter, **options: Any
) -> list[str]:
    found = verify(source, target, **options)
    if options.get("exact", True):
        assert (found.source == found.target) == (not found.differences)
    return found.differences


def raw(store: StorageAdapter) -> dict[str, list[str]]:
    """Tags as text, to distinguish NaN from null and 1 from true."""
    return {row["id"].id: sorted(map(str, row.items())) for row in store.scan()}


# -- identical copies ------------------------------------------------------------


def test_round_trip(store: StorageAdapter) -> None:
    source, back = filled_store(), InMemoryAdapter()
    done = copy_store(source, store)
    assert (done.entities, done.samples, done.levels, done.libs) == (12, 115, 3, 2)
    copy_store(store, back)
    assert differences(source, store) == []
    assert differences(source, back) == []
    assert raw(back) == raw(source)
    assert list(store.read_libs()) == ["later", "earlier"]
    assert back.levels_of("setpoint") == source.levels_of("setpoint")
    for id in ("num", "flag", "text", "place", "fine"):
        came, went = str(history(back, id)), str(history(source, id))
        assert came == went.replace("-0.0", "0.0") or came == went


def test_repeated_copy_writes_nothing(
    store: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = filled_store()
    copy_store(source, store)
    before, log = raw(store), store.changes_of("num")
    done = copy_store(source, store)
    assert done == store_copy.CopyResult()
    assert raw(store) == before and store.changes_of("num") == log


def test_mod_is_kept_and_updated_later(store: StorageAdapter) -> None:
    source = filled_store()
    copy_store(source, store)
    mod = source.existing("hq")["mod"]
    assert store.existing("hq")["mod"] == mod
    changed = store.update_entities([{"id": Ref("hq"), "mod": mod, "dis": "HQ"}])
    assert changed[0]["mod"].utc > mod.utc


def test_mod_of_the_source_is_restored(store: StorageAdapter) -> None:
    """A commit compares both: only tags differ, and only mod differs."""
    source = InMemoryAdapter([entity("a", n=Number(1)), entity("b", n=Number(1))])
    store.load_entities([entity("a", n=Number(1)), entity("b", n=Number(2))])
    copy_store(source, store, mode=MERGE)
    assert raw(store) == raw(source)
    assert store.read("n == 1").names == {"id", "mod", "n"}
    assert len(store.read("n == 1")) == 2


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_random_content(store: StorageAdapter, data: st.DataObject) -> None:
    store.load_entities([], replace=True)
    source = InMemoryAdapter()
    source.load_entities(data.draw(strategies.data_sets()))
    for kind, values in _VALUES.items():
        source.load_entities([point(kind, kind=kind)])
        samples = data.draw(st.dictionaries(_SECONDS, values, max_size=6))
        source.his_write(kind, [(later(at), value) for at, value in samples.items()])
    copy_store(source, store)
    assert differences(source, store) == []
    back = InMemoryAdapter()
    copy_store(store, back)
    assert differences(source, back) == []


_SECONDS = st.integers(-2_000_000_000, 2_000_000_000).filter(lambda at: at > -(10**9))
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Number": st.builds(Number, st.floats()) | st.just(NA),
    "Bool": st.booleans() | st.just(NA),
    "Str": strategies.texts | st.just(NA),
    "Coord": strategies.coords | st.just(NA),
}


# -- interrupted ----------------------------------------------------------------


class Interrupted(Exception):
    pass


def interrupt_after(writes: int, monkeypatch: pytest.MonkeyPatch, store: Any) -> None:
    """The store fails at its n-th write from now on."""
    left = [writes]

    def failing(write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Interrupted
            return write(*args, **kwargs)

        return call

    for name in ("commit", "his_store", "set_transient", "level_store", "store_libs"):
        monkeypatch.setattr(store, name, failing(getattr(store, name)))


def test_interrupted_copy_continues(
    store: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_copy, "_BATCH", 3)
    monkeypatch.setattr(store_copy.batched, "__defaults__", (3,))
    source = filled_store()
    cuts = 0
    rng = random.Random(7)
    while True:
        with monkeypatch.context() as patch:
            interrupt_after(rng.randrange(1, 6), patch, store)
            try:
                copy_store(source, store)
                break
            except Interrupted:
                cuts += 1
        assert cuts < 100
    assert cuts > 3
    assert differences(source, store) == []


def test_interrupted_history_continues(store: StorageAdapter) -> None:
    source = InMemoryAdapter([point("p")])
    source.his_write("p", [(later(at), Number(at)) for at in range(40_000)])
    copy_store(source, store)
    with store.locked():
        removed = range(20_000, 40_000)
        from haystack_app.kinds.series import microseconds_of
        from haystack_app.storage.samples import Batch

        times = [microseconds_of(later(at).utc) for at in removed]
        store.his_store({"p": Batch({}, times)})
    assert differences(source, store) != []
    assert copy_store(source, store).samples == 20_000
    assert differences(source, store) == []


# -- a target that is not empty --------------------------------------------------


def test_other_content_is_rejected(store: StorageAdapter) -> None:
    source = filled_store()
    store.load_entities([entity("mine", dis="Mine")])
    with pytest.raises(
        TargetNotEmpty, match="entity @mine is missing or different in the source"
    ):
        copy_store(source, store)
    store.load_entities([entity("hq", dis="other")], replace=True)
    with pytest.raises(TargetNotEmpty, match="entity @hq is missing or different"):
        copy_store(source, store)
    assert list(raw(store)) == ["hq"]
    store.load_entities([], replace=True)
    store.load_defs({"mine": []})
    with pytest.raises(
        TargetNotEmpty, match="def library 'mine' is missing or different"
    ):
        copy_store(source, store)


def test_samples_written_after_the_copy_are_kept(store: StorageAdapter) -> None:
    source = filled_store()
    copy_store(source, store)
    store.his_write("num", [(later(3600), Number(80))])
    with pytest.raises(
        SampleConflict, match="a sample of @num at 2024-03-01T18:00:00Z"
    ):
        copy_store(source, store)
    assert len(history(store, "num")) == 6
    store.his_write("num", [(later(3600), Number(80))])


def test_different_value_is_rejected(store: StorageAdapter) -> None:
    source = filled_store()
    copy_store(source, store)
    store.his_write("flag", [(NOON, False)])
    with pytest.raises(SampleConflict, match="a sample of @flag at"):
        copy_store(source, store)
    assert history(store, "flag")[0][1] is False


def test_additional_level_is_rejected(store: StorageAdapter) -> None:
    source = filled_store()
    copy_store(source, store)
    store.point_write("setpoint", 16, Number(60), "eve")
    with pytest.raises(TargetNotEmpty, match="level 16 of point @setpoint"):
        copy_store(source, store)


def used(store: StorageAdapter) -> None:
    """Add other entities, and different ones with ids of the source."""
    store.load_entities(
        [
            entity("mine", dis="Mine"),
            point("num", unit="kW", curErr="x", mine=MARKER),
            point("setpoint", kind="Bool", writable=MARKER),
        ]
    )
    store.his_write("num", [(later(-60), Number(5)), (NOON, Number(6))])
    store.his_write("setpoint", [(NOON, True)])
    store.point_write("setpoint", 8, True, "eve")
    store.point_write("setpoint", 5, True, "eve")


def test_merge(store: StorageAdapter) -> None:
    """Entities of the source are copied; other entities are kept."""
    source = filled_store()
    used(store)
    done = copy_store(source, store, mode=MERGE)
    assert (done.entities, done.removed) == (12, 0)
    assert differences(source, store, exact=False) == []
    assert differences(source, store) == ["@mine is only in the target"]
    assert "curErr" not in store.existing("num")
    assert copy_store(source, store, mode=MERGE) == store_copy.CopyResult()


def test_replace(store: StorageAdapter) -> None:
    source = filled_store()
    used(store)
    assert copy_store(source, store, mode=REPLACE).removed == 1
    assert differences(source, store) == []


def test_replace_samples_of_a_point(store: StorageAdapter) -> None:
    source = filled_store()
    copy_store(source, store)
    store.his_write("fine", [(later(at), Number(0)) for at in range(-3, 3)])
    copy_store(source, store, mode=REPLACE)
    assert differences(source, store) == []


# -- verification ----------------------------------------------------------------


def test_every_difference_is_reported(store: StorageAdapter) -> None:
    source = filled_store()
    copy_store(source, store)
    store.load_entities([entity("mine")])
    store.update_entities([{"id": Ref("hq"), "dis": "other"}], force=True)
    store.remove_entities([{"id": Ref("doc")}], force=True)
    store.his_write("text", [(later(1), "b")])
    store.level_store("mode", 3, None)
    store.load_defs({"later": []})
    found = differences(source, store)
    assert sorted(found)[:6] == [
        "@doc is missing",
        "@hq differs in dis, mod",
        "@mine is only in the target",
        "def library 'later' differs",
        found[-1],
        "the priority array of @mode differs",
    ]
    assert found[-1].startswith("the history of @text differs: 4 samples (checksum ")
    assert len(found) == 6


def test_history_sum_does_not_depend_on_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, parts = HistorySum(), HistorySum()
    whole.add(Chunk([1, 2, 3], [0.0, 5.0, -0.0], {1: NA}))
    parts.add(Chunk([1], [-0.0], {}))
    parts.add(Chunk([2, 3], [7.0, 0.0], {0: NA}))
    assert whole == parts and str(whole) == str(parts)
    for other in ([1, 2, 4], [0.0, 5.0, 0.0], {1: NA}), ([1, 2, 3], [0.0] * 3, {2: NA}):
        changed = HistorySum()
        changed.add(Chunk(*other))
        assert changed != whole


def test_invalid_entity_is_named(store: StorageAdapter) -> None:
    source = InMemoryAdapter([entity("deep", dis="x")])
    held = source._entities["deep"]
    held.raw = held.raw.replace('"x"', '"\\u0000"')
    with pytest.raises(ValueError, match="@deep: dis: U\\+0000"):
        copy_store(source, store)


def test_history_is_read_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No batch is larger than a chunk."""
    source, target = InMemoryAdapter([point("p")]), InMemoryAdapter()
    source.his_write("p", [(later(at), Number(at)) for at in range(50_000)])
    sizes: list[int] = []
    store = target.his_store

    def spy(batches: Any) -> dict[str, int]:
        sizes.extend(len(batch.written) for batch in batches.values())
        return store(batches)

    monkeypatch.setattr(target, "his_store", spy)
    copy_store(source, target)
    assert sum(sizes) == 50_000 and max(sizes) == 16_384
