"""``nav`` gives the records that a read finds, by as many statements and one more."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from haystack_app.kinds import MARKER, Grid, Ref
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.wire.record import Record
from tests.storage.building import entity, point

MANY = 200


def fill(store: StorageAdapter) -> None:
    """A site with equips and points, some of which look like what they are not."""
    equips = [entity(f"e{n}", equip=MARKER, siteRef=Ref("s")) for n in range(MANY)]
    loose = [point(f"p{n}", siteRef=Ref("s")) for n in range(MANY)]
    store.load_entities(
        [
            entity("s", site=MARKER, dis="equip"),
            *equips,
            *loose,
            point("site-like", siteRef=Ref("s"), dis="site"),
            point("in", siteRef=Ref("s"), equipRef=Ref("e1"), cfg={"equip": MARKER}),
            entity("odd", equip=MARKER, siteRef=Ref("s"), navId="mine", site="x"),
        ]
    )


@pytest.fixture
def site(store: StorageAdapter) -> StorageAdapter:
    fill(store)
    return store


def answer(store: StorageAdapter, op: str, **arguments: Any) -> Grid:
    found = find_op(op)
    assert found is not None
    return found.run(Context(store), Grid.of([arguments]))


AT_SITE = "(equip or point and not equipRef) and siteRef == @s"


@pytest.mark.parametrize(
    ("parent", "filter"),
    [("", "site"), ("s", AT_SITE), ("e1", "equipRef == @e1"), ("in", "no")],
)
def test_the_records_are_those_of_a_read(
    site: StorageAdapter, parent: str, filter: str
) -> None:
    expected = {row["id"].id: dict(row) for row in answer(site, "read", filter=filter)}
    for id, tags in expected.items():
        if "site" in tags or "equip" in tags:
            tags["navId"] = Ref(id)
    found = answer(site, "nav", navId=parent)
    assert {row["id"].id: dict(row) for row in found} == expected
    assert ("navId" in found.names) == bool(expected)
    assert set(found.names) >= {name for tags in expected.values() for name in tags}


def test_statements(sql_store: OrmAdapter) -> None:
    """One more for the parent, however many children there are."""
    fill(sql_store)
    answer(sql_store, "nav", navId="s")  # tag sets are remembered

    def count(op: str, **arguments: Any) -> int:
        with CaptureQueriesContext(connections[sql_store.using]) as queries:
            answer(sql_store, op, **arguments)
        return len(queries)

    assert count("nav", navId="s") == count("read", filter=AT_SITE) + 1


def test_no_record_is_decoded(
    site: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stored JSON gets one member more, if its text may be that of a parent."""
    parsed: list[str] = []
    json = Record.json.fget
    assert json is not None

    def counted(record: Record) -> Any:
        parsed.append(record.raw)
        return json(record)

    monkeypatch.setattr(Record, "json", property(counted))
    monkeypatch.setattr(Record, "tags", property(lambda record: pytest.fail("decoded")))
    found = answer(site, "nav", navId="s")
    assert len(found.rows) == 2 * MANY + 2  # type: ignore[arg-type]
    points = [raw for raw in parsed if '"point"' in raw and '"site"' not in raw]
    assert points == []
