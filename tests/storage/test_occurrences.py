"""Tags and values that occur, on every store, compared with a plain reference."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, Number, Ref, Uri
from haystack_app.storage.base import StorageAdapter
from tests.storage.building import entity, point

VALUES: tuple[Any, ...] = (
    *("north", "North hall", "Südstern", "100%_x", "", True, False, Uri("/north")),
    *(Number(5), Number(5.0), Number(5, "kW"), Number(50), Ref("n"), Ref("n", "Old")),
    *(Ref("gone"), [Ref("n")], {"north": MARKER}, MARKER),
)
PREFIXES = ("", "n", "NORTH", "h", "sü", "SÜD", "5", "tr", "_", "%", "100%_", "z")


def filled(store: StorageAdapter, draw: random.Random) -> list[dict[str, Any]]:
    rows = [entity("n", dis="Northern Hall", site=MARKER)]
    for number in range(30):
        tags = {"seen": MARKER} if draw.random() < 0.6 else {}
        if draw.random() < 0.2:
            tags["trash"] = MARKER
        if draw.random() < 0.8:
            tags["x"] = draw.choice(VALUES)
        rows.append(entity(f"e{number}", **tags))
    store.load_entities(rows)
    return rows


def texts(value: Any) -> str:
    if isinstance(value, Ref):
        name = {"n": "Northern Hall"}.get(value.id, value.dis or "")
        return f"{name} {value.id}"
    if isinstance(value, Number):
        return str(value.val)
    return str(value).lower() if isinstance(value, bool) else str(value)


def expected(rows: list[dict[str, Any]], prefix: str) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row in rows:
        value = row.get("x")
        if value is None or isinstance(value, list | dict) or value is MARKER:
            continue
        if f" {prefix.lower()}" in f" {texts(value).lower()}":
            key = value.id if isinstance(value, Ref) else value
            found[type(value), key] += 1
    return found


def pairs(store: StorageAdapter, tag: str, **query: Any) -> list[tuple[Any, int]]:
    return [(one.val, one.count) for one in store.value_counts(tag, **query)]


def found_in(store: StorageAdapter, **query: Any) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for value, count in pairs(store, "x", **query):
        kind = value.get("_kind") if isinstance(value, dict) else None
        if kind == "ref":
            found[Ref, value["val"]] = count
        elif kind == "uri":
            found[Uri, Uri(value["val"])] = count
        elif kind == "number":
            found[Number, Number(value["val"], value["unit"])] = count
        elif isinstance(value, bool | str):
            found[type(value), value] = count
        else:
            found[Number, Number(value)] = count
    return found


@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_the_reference(store: StorageAdapter, seed: int) -> None:
    rows = filled(store, random.Random(seed))
    live = [row for row in rows if "trash" not in row]
    for prefix in PREFIXES:
        assert found_in(store, prefix=prefix) == expected(live, prefix), prefix
    seen = [row for row in live if "seen" in row]
    assert found_in(store, filter="seen") == expected(seen, "")


@pytest.mark.parametrize("seed", range(3))
def test_tags_are_those_of_the_reference(store: StorageAdapter, seed: int) -> None:
    rows = filled(store, random.Random(seed))
    live = [row for row in rows if "trash" not in row]
    for filter, those in (
        (None, live),
        ("seen", [row for row in live if "seen" in row]),
        ("nosuch", []),
    ):
        wanted = Counter(name for row in those for name in (*row, "mod"))
        assert store.tag_counts(filter) == wanted


def test_the_most_frequent_are_first(store: StorageAdapter) -> None:
    store.load_entities(
        entity(f"e{n}", x=Number(min(n, 5)), curStatus="ok") for n in range(9)
    )
    assert pairs(store, "x", limit=2) == [(5, 4), (0, 1)]
    store.load_entities([entity("f", x=Number(1))])
    assert pairs(store, "x", limit=2) == [(5, 4), (1, 2)]


def test_values_that_the_server_sets(store: StorageAdapter) -> None:
    store.load_entities([point("a"), point("b"), point("c")])
    statuses = {"a": "ok", "b": "fault"}
    rows = [entity(id, curStatus=status) for id, status in statuses.items()]
    store.update_transient(rows, force=True)
    assert sorted(pairs(store, "curStatus")) == [("fault", 1), ("ok", 1)]
    assert "curStatus" not in store.tag_counts()


def test_a_scope_hides_tags_values_and_names(store: StorageAdapter) -> None:
    store.load_entities(
        [
            entity("n", dis="Secret Hall", secret=MARKER),
            entity("a", x=Ref("n"), seen=MARKER),
            entity("b", x="hidden"),
        ]
    )
    scoped = store.visible_to(parse("seen"))
    assert scoped.tag_counts() == {"id": 1, "mod": 1, "x": 1, "seen": 1}
    assert pairs(scoped, "x") == [({"_kind": "ref", "val": "n"}, 1)]
    assert pairs(scoped, "x", prefix="secret") == []
    assert pairs(scoped, "x", prefix="hid") == []
    assert pairs(scoped, "x", prefix="n") != []
