"""Updates with the changed tags alone: what the client has is what the store has."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.live.delivery import Query
from haystack_app.live.tag_changes import TagChanges, tag_changes
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.handler import storages
from tests.live.conftest import Socket
from tests.storage.building import entity, point

REMOVED = {"_kind": "remove"}


def merged(held: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    both = {**held, **change}
    return {name: value for name, value in both.items() if value != REMOVED}


class Client:
    """Applies messages as docs/live.md says."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.records = {row["id"]["val"]: row for row in records}
        self.parts = self.wholes = 0

    def apply(self, text: str) -> None:
        grid = json.loads(text)["grid"]
        meta = grid["meta"]
        whole = {ref["val"] for ref in meta.get("whole", [])}
        assert {name for row in grid["rows"] for name in row} <= {
            col["name"] for col in grid["cols"]
        }
        for row in grid["rows"]:
            id = row["id"]["val"]
            is_part = meta.get("form") == "tags" and id not in whole
            self.parts, self.wholes = self.parts + is_part, self.wholes + (not is_part)
            self.records[id] = merged(self.records[id], row) if is_part else row
        for ref in meta.get("gone", []):
            del self.records[ref["val"]]


def change(store: StorageAdapter, draw: random.Random) -> None:
    id = draw.choice("abc")
    if draw.random() < 0.5:
        store.cur_write({id: Current(Number(draw.randrange(9)), "ok")})
        return
    tags = {"id": Ref(id), draw.choice(["x", "y", "dis"]): draw.choice(["1", "2"])}
    if draw.random() < 0.3:
        tags = point(id, cur=MARKER)
        store.load_entities([tags])
    else:
        store.update_entities([tags], force=True)


class Pushed:
    """A watch in the form ``tags``, and what its client has."""

    def __init__(self, store: StorageAdapter, filter: str | None, *ids: str) -> None:
        now = dt.datetime.now(dt.UTC)
        opened = store.watch_open("t", owner="joe", lease=60, now=now, filter=filter)
        self.store, self.id = store, opened.id
        if filter is None:
            watch, found = store.watch_sub(opened.id, ids, now=now, subscriber="h")
            records = [record for record in found if record]
        else:
            update = store.watch_poll(opened.id, now=now, subscriber="h")
            watch, records = update.watch, list(update.records)
        self.start, self.acked = tag_changes.start(), watch.seq
        self.client = Client([orjson.loads(record.raw) for record in records])

    def push(self, *, is_lost: bool = False) -> Any:
        """The message, which the client applies unless it is lost."""
        query = Query(self.store, "h", None, {self.id: self.start})
        sent = {self.id: self.acked} if is_lost else {}
        found, _ = query.texts({self.id: self.acked}, sent)
        if not found:
            return None
        self.acked, text = found[self.id]
        self.client.apply(text)
        return json.loads(text)["grid"]


@pytest.mark.parametrize("seed", range(3))
def test_the_client_has_what_the_store_has(store: StorageAdapter, seed: int) -> None:
    """Two watches that begin at different times, by ids and by filter."""
    draw = random.Random(seed)
    store.load_entities([point(id, cur=MARKER) for id in "abc"])
    watches = []
    for turn in range(40):
        if turn in (0, 15):
            filter = "point" if turn else None
            watches.append(Pushed(store, filter, *("" if turn else "abc")))
        for _ in range(draw.randrange(3)):
            change(store, draw)
        for watch in watches:
            watch.push()
            rows = [orjson.loads(row.raw) for row in store.read("point")]
            assert watch.client.records == {row["id"]["val"]: row for row in rows}
    assert all(watch.client.parts > watch.client.wholes for watch in watches)


def test_lost_updates_come_as_whole_records(store: StorageAdapter) -> None:
    store.load_entities([point("a", cur=MARKER)])
    watch = Pushed(store, None, "a")
    grids = []
    for value in range(5):
        store.cur_write({"a": Current(Number(value), "ok")})
        if value == 3:  # recorded as sent, but never sent
            store.watch_updates(
                {watch.id: watch.acked}, subscriber="h", now=dt.datetime.now(dt.UTC)
            )
        grids.append(watch.push(is_lost=value == 3))
    forms = [grid["meta"].get("form") for grid in grids]
    assert forms == [None, "tags", "tags", None, "tags"]
    assert "point" in grids[3]["rows"][0]
    assert grids[4]["rows"][0].keys() == {"id", "curVal"}


def test_a_scope_has_versions_of_its_own(store: StorageAdapter) -> None:
    """What other callers got says nothing about the names that this one sees."""
    store.load_entities(
        [
            entity("n", dis="Secret", site=MARKER),
            point("a", siteRef=Ref("n"), seen=MARKER, cur=MARKER),
        ]
    )
    scoped = store.visible_to(parse("seen"))
    watches = [Pushed(store, None, "a"), Pushed(scoped, None, "a")]
    for value in range(3):
        store.cur_write({"a": Current(Number(value), "ok")})
        texts = [json.dumps(watch.push()) for watch in watches]
        assert "Secret" not in texts[1]
        if value:
            assert all('"form": "tags"' in text for text in texts)


def test_removed_tags_and_unknown_versions() -> None:
    def raw(**tags: Any) -> str:
        return json.dumps({"id": {"_kind": "ref", "val": "a"}, **tags})

    changes = TagChanges(most=2)
    start = changes.start()

    def since(before: int | None, version: int, text: str, key: str = "a") -> Any:
        found = changes.since(key, before, version, text, start)
        return found and {**json.loads(found.text), "id": 0}

    assert since(1, 2, raw(x=1, y=1)) is None
    assert since(2, 3, raw(x=2)) == {"id": 0, "x": 2, "y": REMOVED}
    assert since(2, 4, raw(x=2, y=3)) == {"id": 0, "x": 2, "y": 3}
    assert since(3, 4, raw(x=2, y=3)) == {"id": 0, "y": 3}
    assert since(None, 4, raw(x=2, y=3)) is None
    assert since(1, 4, raw(x=2, y=3)) is None
    assert since(4, 2, raw(x=9)) is None  # made anew
    assert since(2, 3, raw(x=8)) == {"id": 0, "x": 8}
    since(1, 1, raw(), "b")
    since(1, 1, raw(), "c")
    assert since(3, 4, raw(x=7)) is None  # forgotten
    late = changes.start()
    assert changes.since("a", 4, 5, raw(x=6), late) is None  # seen before


def test_the_form_is_asked_for(opened: Callable[..., Socket]) -> None:
    """Over a real socket, and another one without it."""
    store, one, other = storages["default"], opened(), opened()
    grid = {"_kind": "grid", "meta": {"ver": "3.0", "watchDis": "t", "filter": "point"}}
    empty = {**grid, "cols": [{"name": "empty"}], "rows": []}
    assert len(one.grid("sub", form="tags", grid=empty).rows) == 3
    other.sub("a")
    refused = one.ask("sub", form="half", grid=empty)
    assert refused["error"]["status"] == 400
    assert "form must be 'records' or 'tags'" in refused["error"]["dis"]
    found = []
    for value in (1, 2):
        store.cur_write({"a": Current(Number(value))})
        assert len(next(iter(other.pushed()))) > 4
        found.append(one.pushed())
    assert "form" not in found[0].meta
    assert found[1].meta["form"] == "tags"
    [row] = found[1]
    assert dict(row) == {"id": Ref("a"), "curVal": Number(2)}
