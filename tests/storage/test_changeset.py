"""What a commit decides, without a store; and what it costs on a database."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from haystack_app.kinds import MARKER, DateTime, Number
from haystack_app.storage.changes import ADD, REMOVE, UPDATE
from haystack_app.storage.changeset import EntityRow, patched, putting, removing
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.stored import restored_form, stored_form
from tests.storage.building import entity, point

NOW = dt.datetime(2024, 3, 1, 12, 0, 0, 123_456, dt.UTC)
MOD = NOW.replace(microsecond=123_000)
LATER = NOW + dt.timedelta(hours=1)


def row(**tags: Any) -> EntityRow:
    [move] = putting([stored_form(entity("a", **tags))], {}, who="joe", now=NOW).moves
    assert move.after is not None
    return move.after


def test_a_new_entity() -> None:
    changes = putting([stored_form(entity("a", x=MARKER))], {}, who="joe", now=NOW)
    [move], [entry] = changes.moves, changes.log
    assert move.before is None and move.after is not None and move.stored is not None
    assert move.after.record["mod"].utc == move.after.mod == MOD
    assert (entry.kind, entry.who, entry.id, entry.at) == (ADD, "joe", "a", NOW)
    assert (changes.unchanged, changes.removed) == ([], [])


def test_an_entity_that_is_the_same() -> None:
    held = row(n=Number(1), curVal=Number(2))
    for put in (entity("a", n=Number(1)), entity("a", n=Number(1), curVal=Number(2))):
        changes = putting([stored_form(put)], {"a": held}, who="", now=LATER)
        assert (changes.moves, changes.log, changes.unchanged) == ([], [], [held])


def test_one_and_true_differ() -> None:
    held = row(n=Number(1))
    changes = putting(
        [stored_form(entity("a", n=True))], {"a": held}, who="", now=LATER
    )
    assert len(changes.log) == 1


def test_other_persistent_tags() -> None:
    held = row(n=Number(1), x=MARKER, curVal=Number(2))
    put = stored_form(entity("a", n=Number(3), curErr="e"))
    changes = putting([put], {"a": held}, who="ann", now=LATER)
    [move], [entry] = changes.moves, changes.log
    assert move.after is not None and move.stored is put
    assert move.after.version == held.version + 1
    assert move.after.mod == MOD + dt.timedelta(hours=1)
    assert move.after.record["curVal"] == Number(2)
    assert move.after.record["curErr"] == "e"
    assert entry.kind == UPDATE
    assert entry.before.tags == {"n": Number(1), "x": MARKER}
    assert entry.after.tags == {"n": Number(3)}


def test_a_clock_that_went_back_gives_a_later_mod() -> None:
    earlier = NOW - dt.timedelta(days=1)
    changes = putting(
        [stored_form(entity("a", x=MARKER))], {"a": row()}, who="", now=earlier
    )
    assert changes.moves[0].after is not None
    assert changes.moves[0].after.mod == MOD + dt.timedelta(milliseconds=1)


def test_transient_tags_alone() -> None:
    held = row(n=Number(1), curVal=Number(2))
    put = stored_form(entity("a", n=Number(1), curVal=Number(3)))
    changes = putting([put], {"a": held}, who="", now=LATER)
    [move] = changes.moves
    assert move.after is not None and move.stored is None
    assert (move.after.tags, move.after.mod) == (held.tags, held.mod)
    assert move.after.version == held.version + 1
    assert changes.log == []


def test_a_given_mod() -> None:
    held = row(n=Number(1))
    mod = DateTime(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "UTC")
    put = restored_form(entity("a", n=Number(1), mod=mod))
    changes = putting([put], {"a": held}, who="", now=LATER)
    assert changes.moves[0].after is not None
    assert changes.moves[0].after.mod == mod.utc
    assert len(changes.log) == 1


def test_a_removal() -> None:
    held = row(n=Number(1))
    changes = removing([held], who="joe", now=LATER)
    assert changes.removed == ["a"]
    assert changes.log[0].kind == REMOVE
    assert changes.log[0].before.tags == held.record.tags


@pytest.mark.parametrize(
    ("tags", "reinterpreted", "devalued"),
    [
        ({"dis": "P"}, None, None),
        ({"unit": "kW"}, "unit", "unit"),
        ({"tz": "UTC"}, "tz", None),
        ({"writable": None}, None, "writable"),
    ],
)
def test_changes_of_meaning(
    tags: dict[str, Any], reinterpreted: str | None, devalued: str | None
) -> None:
    before = (
        putting([stored_form(point("p", writable=MARKER))], {}, who="", now=NOW)
        .moves[0]
        .after
    )
    assert before is not None
    put = stored_form(point("p", **{"writable": MARKER} | tags))
    changes = putting([put], {"p": before}, who="", now=LATER)
    assert changes.reinterpreted.get("p") == reinterpreted
    assert changes.devalued.get("p") == devalued


def test_a_patch() -> None:
    held = row(curVal=Number(2))
    assert patched(held, {"curVal": 2, "curErr": None}) is held
    assert patched(held, {"curVal": None}).cur == "{}"
    assert patched(held, {"curVal": True}).version == held.version + 1


STATEMENTS = {"add": 6, "update": 10, "update 100": 10, "remove": 12, "load": 32}
"""At most, with savepoints: 100 rows cost what one does, and 5,000 five batches. SQLite
has a statement for each table. Referrers of entities with another name are one."""
OF_SQLITE_INDEX = {"add": 1, "update": 2, "update 100": 2, "load": 16}
"""More of them: values that are deleted and inserted, in each batch."""


def test_statements(sql_store: OrmAdapter) -> None:
    connection, store = connections[sql_store.using], sql_store
    store.load_entities(entity(f"e{n:04}", n=Number(n)) for n in range(5_000))

    def count(act: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            act()
        return len(queries)

    rows = [entity(f"e{n:04}", dis="E") for n in range(100)]
    found = {
        "add": count(lambda: store.add_entities([entity("new")])),
        "update": count(lambda: store.update_entities(rows[:1], force=True)),
        "update 100": count(lambda: store.update_entities(rows, force=True)),
        "remove": count(lambda: store.remove_entities([entity("new")], force=True)),
        "load": count(
            lambda: store.load_entities(
                entity(f"e{n:04}", n=Number(n + n % 2)) for n in range(5_000)
            )
        ),
    }
    more = OF_SQLITE_INDEX if connection.vendor == "sqlite" else {}
    most = {name: number + more.get(name, 0) for name, number in STATEMENTS.items()}
    assert {name: found[name] for name in found if found[name] > most[name]} == {}


def test_the_lock_is_asked_for_once_a_transaction(sql_store: OrmAdapter) -> None:
    """Also after a transaction that failed."""
    connection, store = connections[sql_store.using], sql_store

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries, store.locked():
            store.load_entities([entity("a", x=MARKER)])
            with pytest.raises(ZeroDivisionError), store.locked():
                _ = 1 / 0
            store.load_entities([entity("a")])
        return sum("advisory" in query["sql"] for query in queries)

    once = 1 if connection.vendor == "postgresql" else 0
    assert asked() == once
    with pytest.raises(ZeroDivisionError), store.locked():
        _ = 1 / 0
    assert asked() == once
