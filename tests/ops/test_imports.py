"""Imports of files on every store."""

from __future__ import annotations

import pytest

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.ops import Context
from haystack_app.ops.imports import InvalidImport, import_samples
from haystack_app.storage.base import StorageAdapter
from tests.storage.building import entity, point

TABLE = b"Point,Time,Value,Unit\nA,2024-06-15 00:00,20.5,kW\nB,2024-06-15 00:00,on,\n"


def test_points_are_made_and_samples_stored(store: StorageAdapter) -> None:
    store.load_entities([entity("hq", site=MARKER, tz="Berlin")], replace=True)
    context = Context(store, "alice")
    new = {"file": "a.csv", "create": True, "site": "hq"}
    planned = import_samples(context, {**new, "dryRun": True}, TABLE)
    assert planned["created"] == ["hq.a", "hq.b"]
    assert store.read_by_ids(["hq.a"]) == [None]
    found = import_samples(context, new, TABLE)
    assert (found["stored"], found["samples"]) == (True, 2)
    assert [row["val"] for row in store.his_read("hq.a")] == [Number(20.5, "kW")]
    assert [row["val"] for row in store.his_read("hq.b")] == [True]
    assert store.existing("hq.b")["siteRef"] == Ref("hq")


def test_an_invalid_file_stores_nothing(store: StorageAdapter) -> None:
    store.load_entities([point("A"), point("B")], replace=True)
    with pytest.raises(InvalidImport) as caught:
        import_samples(Context(store), {"file": "a.csv"}, TABLE)
    assert caught.value.members["errorCount"] == 2
    assert not list(store.his_read("A"))
