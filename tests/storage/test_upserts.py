"""What a commit writes into the tables, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import Change, Entity, EntityRef, TagSet
from haystack_app.sql.arrays import text_array
from haystack_app.storage.orm import OrmAdapter
from tests.storage.building import entity

AWKWARD = [
    "NULL",
    "null",
    "",
    " a ",
    "{}",
    "{a,b}",
    '"',
    "\\",
    '\\"',
    "\\\\",
    "'",
    "%s %%",
    "a,b;c",
    "\n\r\t\x01\x7f",
    "é ☃ 😀 \u2028",
    "E'\\x41'",
]


def edges(store: OrmAdapter) -> set[tuple[str, str, str]]:
    rows = EntityRef.objects.using(store.using)
    return set(rows.values_list("src_id", "path", "dst"))


@pytest.mark.parametrize("text", AWKWARD)
def test_a_text_is_stored_as_it_is(sql_store: OrmAdapter, text: str) -> None:
    """In tags, transient tags and the log, for a new and for a changed entity."""
    tags = {"dis": text, "list": [text, {"x": text}], "curErr": text}
    for more in ({}, {"x": MARKER}):
        sql_store.load_entities([entity("a", **tags, **more)], who=f"joe {text}")
        found = sql_store.existing("a")
        assert {name: found[name] for name in tags} == tags
    assert sql_store.changes_of("a")[0].who == f"joe {text}"
    sql_store.load_entities([entity("a")])
    assert sql_store.changes_of("a")[0].before["dis"] == text
    assert sql_store.differences() == []


def test_ids_that_look_like_literals(sql_store: OrmAdapter) -> None:
    ids = ["NULL", "null", "true", "1", "-", "..", "a:b~c"]
    sql_store.load_entities([entity(id, aRef=Ref("NULL")) for id in ids])
    assert sorted(sql_store.visible_ids()) == sorted(ids)
    assert edges(sql_store) == {(id, "aRef", "NULL") for id in ids}
    assert {change.id for _, change in sql_store.changes_since(0, 100).entries} == {
        *ids
    }


def test_edges_of_a_changed_entity(sql_store: OrmAdapter) -> None:
    def put(**tags: Any) -> None:
        sql_store.load_entities([entity("a", **tags), entity("b", siteRef=Ref("s"))])

    other = ("b", "siteRef", "s")
    put(siteRef=Ref("s"), refs=[Ref("x"), Ref("y")])
    assert edges(sql_store) == {
        other,
        ("a", "siteRef", "s"),
        ("a", "refs", "x"),
        ("a", "refs", "y"),
    }
    put(siteRef=Ref("s"), refs=[Ref("y"), Ref("z")], nested={"toRef": Ref("n")})
    assert edges(sql_store) == {
        other,
        ("a", "siteRef", "s"),
        ("a", "refs", "y"),
        ("a", "refs", "z"),
        ("a", "nested", ""),
        ("a", "nested.toRef", "n"),
    }
    put(dis="no refs")
    assert edges(sql_store) == {other}
    sql_store.load_entities([], replace=True)
    assert edges(sql_store) == set()


def test_transient_tags_leave_the_edges(sql_store: OrmAdapter) -> None:
    sql_store.load_entities([entity("a", siteRef=Ref("s"))])
    sql_store.load_entities([entity("a", siteRef=Ref("s"), curVal=Number(1))])
    assert sql_store.existing("a")["curVal"] == Number(1)
    assert edges(sql_store) == {("a", "siteRef", "s")}
    assert Change.objects.using(sql_store.using).count() == 1


def test_own_writes_are_not_marked(sql_store: OrmAdapter) -> None:
    """The trigger marks what plain SQL changes, and nothing else."""
    rows = Entity.rows.using(sql_store.using)
    for tags in ({}, {"x": MARKER}, {"x": MARKER, "curVal": Number(1)}, {}):
        sql_store.load_entities(entity(f"e{n}", **tags) for n in range(3))
        assert not rows.filter(tag_set_id__lte=0).exists()
    with connections[sql_store.using].cursor() as cursor:
        cursor.execute("UPDATE entities SET tags = %s WHERE id = 'e1'", ['{"a":1}'])
    assert list(rows.filter(tag_set_id=0).values_list("id", flat=True)) == ["e1"]


def test_a_row_of_plain_sql_is_replaced(sql_store: OrmAdapter) -> None:
    sql_store.load_entities([entity("a", aRef=Ref("x"))])
    with connections[sql_store.using].cursor() as cursor:
        cursor.execute("UPDATE entities SET tags = %s WHERE id = 'a'", ['{"q":1}'])
    sql_store.load_entities([entity("a", bRef=Ref("y"))])
    assert edges(sql_store) == {("a", "bRef", "y")}
    assert sql_store.differences() == []


def test_the_log_is_in_the_order_of_ids(sql_store: OrmAdapter) -> None:
    """Over batches: ids of rows grow with ids of entities within a commit."""
    wanted = [f"e{n:04}" for n in range(2_500)]
    sql_store.load_entities(entity(id) for id in reversed(wanted))
    found = sql_store.changes_since(0, 5_000).entries
    assert [change.id for _, change in found] == wanted
    assert [cursor for cursor, _ in found] == sorted(cursor for cursor, _ in found)


def test_one_row_per_tag_set(sql_store: OrmAdapter) -> None:
    for _ in range(2):
        sql_store.load_entities(
            [entity("a", x=MARKER), entity("b", x=MARKER), entity("c", y=MARKER)]
        )
    names = TagSet.objects.using(sql_store.using).values_list("names", flat=True)
    assert sorted(names) == ["id mod x", "id mod y"]


@pytest.mark.parametrize("texts", [[], [""], AWKWARD])
def test_array_literals(texts: list[str]) -> None:
    """Checked against the reader of psycopg, which needs no server."""
    assert _loaded(text_array(texts)) == texts


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"))))
def test_array_literals_of_any_text(texts: list[str]) -> None:
    assert _loaded(text_array(texts)) == texts


def _loaded(literal: str) -> Any:
    psycopg = pytest.importorskip("psycopg")
    types = psycopg.adapters.types
    transformer = psycopg.adapt.Transformer()
    loader = transformer.get_loader(types["text"].array_oid, psycopg.pq.Format.TEXT)
    return loader.load(literal.encode())
